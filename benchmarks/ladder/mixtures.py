"""What the bars on known mixtures of Gaussians share: modes, quality, and rejection sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.ladder.bar import Arm, Bar, Published, Scores, Target, Task
from equipoise.cli.rejection import load_players
from equipoise.data import Dataset, load_data
from equipoise.errors import EquipoiseError
from equipoise.metrics import rejection_sample
from equipoise.metrics.modes import MixtureModes
from equipoise.objectives import build_objective

if TYPE_CHECKING:
    from equipoise.trainer import Run

#: The published protocol counts 2,500 samples; four times as many say the same with less noise.
PROTOCOL, MORE = 2_500, 10_000
REFIT_STEPS, REFIT_BATCH, REFIT_RATE = 2_000, 512, 1e-3


class MixtureBar(Bar):
    """Modes covered and with a fair share, reverse KL, high quality, spread; the same after rejection.

    The published rule counts a sample as of high quality within three standard deviations of the nearest
    mean. Scores are those of `PROTOCOL` samples of the moving average; `more` holds those of `MORE`.
    """

    source: str
    checkpoint_every = 4000
    notes = (
        "Scores are of 2,500 samples, as published, and targets are judged by them; those of 10,000 say the "
        "same with half the noise. A mode has its share with 20 % of the samples of high quality that it "
        "should have. Spread is the root mean square distance from a mode's own mean relative to the true "
        f"one. Rejection: the discriminator is trained on for {REFIT_STEPS:,} steps against the frozen "
        "generator, without penalties, and then rejects by the exact rule of Azadi et al. 2018 (1810.06758)."
    )

    def dataset(self, task: Task) -> Dataset:
        return load_data(self.source)

    def measure(self, run: Run, task: Task, dataset: Dataset) -> Scores:
        generator = run.generator
        scores = mixture_scores(_latent_samples(generator, PROTOCOL, seed=1), dataset)
        scores["more"] = mixture_scores(_latent_samples(generator, MORE, seed=2), dataset)
        if run.configuration.objective.name == "non-saturating":
            scores["rejection"] = with_rejection(run, dataset)
        return scores

    def floor(self, task: Task, dataset: Dataset) -> Scores:
        held_out = load_data(self.source, split="test")
        scores = mixture_scores(held_out.batch(range(PROTOCOL))[0], dataset)
        rows = range(PROTOCOL, PROTOCOL + MORE)
        return scores | {"more": mixture_scores(held_out.batch(rows)[0], dataset)}


def headings(modes: int) -> dict[str, str]:
    """The scores that the table shows of a mixture of so many modes."""
    return {
        "modes_covered": f"modes of {modes}",
        "modes_with_share": "with 20 % of their share",
        "high_quality": "high quality",
        "reverse_kl": "reverse KL",
        "spread": "spread",
        "more.high_quality": "high quality of 10,000",
        "more.reverse_kl": "reverse KL of 10,000",
        "rejection.high_quality": "high quality after rejection",
        "rejection.modes_with_share": "with share after rejection",
        "rejection.reverse_kl": "reverse KL after rejection",
        "rejection.acceptance": "accepted",
    }


def targets(modes: int, high_quality: float, *others: Target) -> tuple[Target, ...]:
    """All modes with a fair share, so much high quality, `others`, and 0.98 of it after rejection."""
    return (
        Target("modes_with_share", modes),
        Target("high_quality", high_quality),
        Target("reverse_kl", 0.01, at_least=False),
        *others,
        Target("rejection.high_quality", 0.98),
    )


def arms(
    batch_size: int, plain_batch_size: int, steps: int, latents: tuple[str, ...] = (), what: str = ""
) -> dict[str, Arm]:
    """The recipe `points`, and the plain GAN with networks of the same size and as many steps.

    `latents` are settings of the recipe's latents, `what` says them in words.
    """

    def length(batch_size: int) -> tuple[str, str]:
        return f"training.batch_size={batch_size}", f"training.steps={steps}"

    networks = ("networks.latent_dim=2", "networks.options.hidden_layers=4")
    return {
        "ours": Arm("points", (*length(batch_size), *latents), f"the recipe for points in the plane{what}"),
        "broken": Arm(
            "gan",
            (*networks, *length(plain_batch_size)),
            "the plain non-saturating GAN, networks of the same size"
            + (", smaller batches" if plain_batch_size < batch_size else ""),
            seeds=2,
        ),
    }


def published(method: str, modes: str, high_quality: str, reverse_kl: str) -> Published:
    """A row of PacGAN's table of these mixtures."""
    return Published(
        method,
        {"modes_covered": modes, "high_quality": high_quality, "reverse_kl": reverse_kl},
        "400,000",
        "PacGAN (1712.04086), table 1, mean of 10 runs",
    )


def mixture_scores(samples: Tensor, dataset: Dataset) -> Scores:
    """The scores of `MixtureModes`, under the names of the table."""
    metric = MixtureModes.of_dataset(dataset)
    metric.update(fake=samples)
    found = {score.name: score.value for score in metric.compute()}
    spread = found.get("within-mode-spread")
    return {
        "samples": len(samples),
        "modes_covered": int(found["modes-covered"]),
        "modes_with_share": int(found["modes-with-share"]),
        "high_quality": round(found["high-quality-share"], 4),
        "reverse_kl": round(found["reverse-kl"], 5),
        "spread": None if spread is None else round(spread, 3),
    }


def with_rejection(run: Run, dataset: Dataset, seed: int = 3) -> Scores:
    """The scores of samples that a discriminator has let through, and the share that it let through.

    The players of a finished run are regularised: the discriminator is no density ratio yet. It is trained on
    without penalties against the frozen generator for `REFIT_STEPS`, and then rejects by the exact rule
    (Azadi et al. 2018, 1810.06758), with no shift.
    """
    players = load_players(run.directory)
    random = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def draw(count: int) -> Tensor:
        latents = torch.randn(count, players.generator.latent_dim, generator=random)
        made: Tensor = players.generator(latents)
        return made

    refit(players.discriminator, draw, dataset, seed)
    scores: Scores = {"refit_steps": REFIT_STEPS}
    for count in (PROTOCOL, MORE):
        try:
            result = rejection_sample(draw, players.discriminator, count, percentile=None, seed=seed + count)
        except EquipoiseError as refused:
            # A collapsed generator may make hardly anything that is kept.
            return scores | {"refused": str(refused)}
        if not isinstance(result.samples, Tensor):
            raise TypeError("unconditional samples are one tensor")
        counted = mixture_scores(result.samples, dataset)
        if count == PROTOCOL:
            scores |= counted | {"acceptance": round(result.acceptance_rate, 4)}
        else:
            scores["more"] = counted
    return scores


def refit(discriminator: nn.Module, draw: Callable[[int], Tensor], dataset: Dataset, seed: int) -> None:
    """Train a discriminator on against a frozen source of fakes, with the logistic loss and nothing else."""
    objective = build_objective("non-saturating")
    discriminator.train().requires_grad_(True)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=REFIT_RATE, betas=(0.0, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, REFIT_STEPS)
    order = np.random.default_rng(seed)
    for _ in range(REFIT_STEPS):
        real, _labels = dataset.batch(order.integers(len(dataset), size=REFIT_BATCH))
        loss = objective.discriminator_loss(discriminator(real), discriminator(draw(REFIT_BATCH)))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    discriminator.eval().requires_grad_(False)


@torch.no_grad()
def _latent_samples(generator: nn.Module, count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    made: Tensor = generator(torch.randn(count, generator.latent_dim, generator=random))  # type: ignore[call-overload]
    return made
