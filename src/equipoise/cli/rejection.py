"""Rejection sampling for `equipoise sample --rejection`: both players, and when it may be done at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from equipoise.training.sampling import SavedGenerator

# The losses whose optimal discriminator's logit is the log density ratio of real to generated samples.
DENSITY_RATIO_OBJECTIVES = ("minimax", "non-saturating")


@dataclass
class Players:
    """The generator as the discriminator judged it (no moving average), and that discriminator."""

    generator: SavedGenerator
    discriminator: nn.Module


def load_players(run: Path) -> Players:
    """Both players of a run's last checkpoint.

    Raises:
        EquipoiseError: the logits of the run's discriminator are no log density ratios of single samples.
    """
    from equipoise.data import SampleSpecification
    from equipoise.penalties import build_penalty
    from equipoise.trainer import checkpoint_folder, load_generator
    from equipoise.training.assembly import NetworkSettings, networks_for
    from equipoise.training.checkpoint import read_state, read_tensors

    folder = checkpoint_folder(run)
    state = read_state(folder)
    refuse_unfit(state["configuration"])
    plan = NetworkSettings.from_json(state["networks"], SampleSpecification.from_json(state["specification"]))
    generator, discriminator = networks_for(plan, seed=0)
    for name, options in state["configuration"]["penalties"].items():
        build_penalty(name, **options).prepare(generator, discriminator)
    discriminator.load_state_dict(read_tensors(folder, "discriminator"))
    return Players(load_generator(folder, ema=False), discriminator.eval().requires_grad_(False))


def refuse_unfit(configuration: dict) -> None:
    """Refuse a run whose discriminator does not estimate a density ratio sample by sample.

    Raises:
        EquipoiseError: with the setting that is in the way.
    """
    objective = configuration["objective"]["name"]
    if objective not in DENSITY_RATIO_OBJECTIVES:
        raise EquipoiseError(
            f"`--rejection` needs a discriminator of {' or '.join(DENSITY_RATIO_OBJECTIVES)}, whose "
            f"logit is a log density ratio, but this run used {objective}; leave --rejection out."
        )
    networks = configuration["networks"]
    for setting in ("pack", "microbatch"):
        if networks[setting] > 1:
            raise EquipoiseError(
                f"`--rejection` needs a discriminator that judges one sample at a time, but this run had "
                f"networks.{setting}={networks[setting]}; leave --rejection out."
            )
    if networks["batch_layer"] is not None:
        raise EquipoiseError(
            "`--rejection` needs a discriminator that judges each sample by itself, but this run's sees the "
            f"whole batch (networks.batch_layer={networks['batch_layer']}); leave --rejection out."
        )


def sample_with_rejection(
    players: Players, count: int, labels: np.ndarray | None, seed: int
) -> tuple[np.ndarray, float]:
    """Samples in the units of the data, and the share of those drawn that was kept.

    Args:
        labels: all the same class, or None for a generator without classes.

    Source: Azadi et al. 2018 (1810.06758); see `equipoise.metrics.rejection`.
    """
    import torch

    from equipoise.metrics import rejection_sample

    generator = players.generator
    random = torch.Generator().manual_seed(seed)
    asked = None if labels is None else int(labels[0])

    def classes(number: int) -> Tensor | None:
        return None if asked is None else torch.full((number,), asked)

    def draw(number: int) -> Tensor:
        with torch.no_grad():
            latents = torch.randn(number, generator.latent_dim, generator=random)
            return generator(latents, classes(number))

    def judge(samples: Tensor) -> Tensor:
        logits: Tensor = players.discriminator(samples, classes(len(samples)))
        return logits

    result = rejection_sample(draw, judge, count, seed=seed)
    kept = result.samples if isinstance(result.samples, torch.Tensor) else result.samples[0]
    samples: np.ndarray = generator.normalisation.invert(kept).numpy()
    return samples, result.acceptance_rate
