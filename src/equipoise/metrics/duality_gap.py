"""The duality gap: how much either player could still gain against the other as it stands."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError
from equipoise.metrics.base import METRICS, Metric, Score, as_tensor
from equipoise.metrics.features import evaluating
from equipoise.validation import Interval, validated


class DiscriminatorLoss(Protocol):
    """Any object with the discriminator's side of an objective."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class DualityGapResult:
    """The gap and its two ends, in the units of the discriminator's loss.

    Attributes:
        gap: `against_generator - against_discriminator`; 0 at an equilibrium.
        against_generator: the game's value when the discriminator alone went on training.
        against_discriminator: the value when the generator alone did.
        value: the value as the two stand.
    """

    gap: float
    against_generator: float
    against_discriminator: float
    value: float


@validated(
    steps=Interval(int, 1, None),
    learning_rate=Interval(float, 0, None, low_open=True),
    batch_size=Interval(int, 2, None),
    perturbation=Interval(float, 0, None),
    seed=Interval(int, 0, None),
)
def duality_gap(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: DiscriminatorLoss,
    real_samples: object,
    *,
    latent: Callable[[int, torch.Generator], Tensor] | None = None,
    steps: int = 100,
    learning_rate: float = 1e-3,
    batch_size: int = 64,
    perturbation: float = 0.0,
    seed: int = 0,
) -> DualityGapResult:
    """The duality gap, estimated with copies of both networks that are trained for a few steps.

        max over D' of M(G, D') - min over G' of M(G', D), with M = -(the discriminator's loss)

    One copy of the discriminator descends its loss against the generator as it is, one copy of the generator
    ascends that loss against the discriminator as it is (the minimax game, whatever loss the generator is
    trained with). Both train on one half of the reals and are judged on the other half, keeping the best
    value met at ten points on the way, the start among them, so that a bad step size cannot make the gap
    negative. Too few steps estimate it too low. Networks, their modes, buffers, gradients and the global
    random state stay as they are.

    Args:
        generator: called with the latent batch. discriminator: called with samples, returns logits.
        objective: its `discriminator_loss(real_logits, fake_logits)` is the game's payoff.
        real_samples: (N, ...) as the discriminator takes them, at least 4.
        latent: draws a latent batch from a count and a random generator; by default standard normal of width
            `generator.latent_dim`.
        perturbation: standard deviation of noise added to the copies' weights before training, which helps to
            leave a saddle.

    Raises:
        EquipoiseError: when no latent is given and the generator does not say its width.

    Source: Grnarova et al. 2019 (1811.05512), section 3; perturbation: Sidheekh et al. 2020 (2012.06723). The
    choice of the best point on the way is our own.

    Example:
        >>> from equipoise.metrics.duality_gap import DualityGap
        >>> result = DualityGap.example().measure(torch.zeros(8, 4))
        >>> result.gap >= 0
        True
    """
    reals = as_tensor("real_samples", real_samples)
    if len(reals) < 4:
        raise EquipoiseError(
            f"`real_samples` must hold at least 4 samples, but it holds {len(reals)}; give more."
        )
    reals = reals.to(_placement(discriminator))
    draw = latent or _standard_normal(generator)
    random = torch.Generator().manual_seed(seed)
    shuffled = reals[torch.randperm(len(reals), generator=random).to(reals.device)]
    training, judging = shuffled.tensor_split(2)
    place = _placement(generator)

    devices = [reals.device.index or 0] if reals.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        judge_latent = draw(len(judging), random).to(place)

        def value(player: nn.Module, opponent: nn.Module) -> float:
            """-loss on the held-out half, both in evaluation mode."""
            with torch.no_grad(), evaluating(player, opponent):
                fakes = player(judge_latent)
                return -float(objective.discriminator_loss(opponent(judging), opponent(fakes)))

        frozen_generator, frozen_discriminator = _copy(generator), _copy(discriminator)
        start = value(frozen_generator, frozen_discriminator)
        batch = min(batch_size, len(training))
        report = max(1, steps // 10)

        def train(player: nn.Module, sign: float, judge: Callable[[], float]) -> list[float]:
            player.train().requires_grad_(True)
            if perturbation:
                with torch.no_grad():
                    for parameter in player.parameters():
                        noise = torch.randn(parameter.shape, generator=random, dtype=parameter.dtype)
                        parameter.add_(noise.to(parameter.device), alpha=perturbation)
            optimizer = torch.optim.Adam(player.parameters(), lr=learning_rate, betas=(0.5, 0.999))
            values = [start]
            for step in range(1, steps + 1):
                pick = torch.randint(len(training), (batch,), generator=random).to(reals.device)
                made = player if sign < 0 else frozen_generator
                judge_net = frozen_discriminator if sign < 0 else player
                loss = objective.discriminator_loss(
                    judge_net(training[pick]), judge_net(made(draw(batch, random).to(place)))
                )
                optimizer.zero_grad(set_to_none=True)
                (sign * loss).backward()
                optimizer.step()
                if step % report == 0 or step == steps:
                    values.append(judge())
            return values

        with torch.enable_grad():
            best_discriminator = _copy(discriminator)
            frozen_generator.requires_grad_(False)
            upper = max(train(best_discriminator, 1.0, lambda: value(frozen_generator, best_discriminator)))
            best_generator = _copy(generator)
            frozen_discriminator.requires_grad_(False)
            lower = min(train(best_generator, -1.0, lambda: value(best_generator, frozen_discriminator)))
    return DualityGapResult(upper - lower, upper, lower, start)


def _copy(module: nn.Module) -> nn.Module:
    """A copy without gradients and hooks of the original."""
    twin = copy.deepcopy(module)
    for part in twin.modules():
        for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            getattr(part, hooks).clear()
    twin.zero_grad(set_to_none=True)
    return twin.eval()


def _placement(module: nn.Module) -> torch.device:
    for parameter in module.parameters():
        return parameter.device
    return torch.device("cpu")


def _standard_normal(generator: nn.Module) -> Callable[[int, torch.Generator], Tensor]:
    width: Any = getattr(generator, "latent_dim", None)
    if width is None:
        raise EquipoiseError(
            "`latent` must be given when the generator has no `latent_dim`, but it is None; pass a function "
            "from a count and a torch.Generator to a latent batch."
        )
    return lambda count, random: torch.randn(count, int(width), generator=random)


@METRICS.register("duality-gap")
class DualityGap(Metric):
    """How much either player could still gain while the other stands still.

    Lower is better; 0 at an equilibrium, positive where training has not converged or has collapsed. In the
    units of the discriminator's loss, so only runs of one objective compare. See `duality_gap`.

    Source: Grnarova et al. 2019 (1811.05512).

    Args:
        generator, discriminator, objective: as for `duality_gap`. options: its other arguments.

    Example:
        >>> metric = DualityGap.example()
        >>> metric.update(real_samples=torch.zeros(8, 4))
        >>> metric.compute()[0].value >= 0
        True
    """

    name = "duality-gap"
    streams = ("real_samples",)
    row_state = ("real_samples",)
    bad_case = "none"

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, objective: DiscriminatorLoss, **options: Any
    ) -> None:
        super().__init__()
        self.generator, self.discriminator, self.objective = generator, discriminator, objective
        self.options = options

    @classmethod
    def example(cls) -> Self:
        class Logistic:
            def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
                return (
                    nn.functional.softplus(-real_logits).mean() + nn.functional.softplus(fake_logits).mean()
                )

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            generator = nn.Linear(2, 4)
            discriminator = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
        generator.latent_dim = 2  # type: ignore[assignment]
        return cls(generator, discriminator, Logistic(), steps=3)

    def measure(self, real_samples: object) -> DualityGapResult:
        """The gap and its ends on these reals."""
        return duality_gap(self.generator, self.discriminator, self.objective, real_samples, **self.options)

    def compute(self) -> tuple[Score, ...]:
        found = self.measure(self._all_rows("real_samples"))
        note = f"discriminator could gain {found.against_generator - found.value:.3g}, generator "
        note += f"{found.value - found.against_discriminator:.3g}; 0 at an equilibrium"
        return (Score(self.name, found.gap, "lower", note=note),)
