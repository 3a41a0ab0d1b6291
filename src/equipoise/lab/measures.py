"""What experiments measure of a game: gradients at the fakes, a fresh discriminator, what a watcher finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from equipoise.lab.games import Game
from equipoise.objectives import Objective, build_objective

if TYPE_CHECKING:
    from equipoise.lab.outcome import Arm
    from equipoise.monitor import Monitor


def generator_gradient(
    generator: nn.Module,
    discriminator: nn.Module,
    latent: Tensor,
    objective: str | Objective,
    *,
    reals: Tensor | None = None,
    labels: Tensor | None = None,
) -> float:
    """``|| grad_theta L_G ||``: the Euclidean norm, over all the generator's parameters, of its gradient.

    Nothing is changed, no gradient is left behind.

    Args:
        objective: whose generator loss is differentiated: `minimax` is the saturating one, log(1 - D).
        reals: needed by relative objectives.
    """
    chosen = build_objective(objective) if isinstance(objective, str) else objective
    arguments = () if labels is None else (labels,)
    logits = discriminator(generator(latent, *arguments), *arguments)
    real_logits = None if reals is None else discriminator(reals).detach()
    parameters = [parameter for parameter in generator.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad(chosen.generator_loss(logits, real_logits), parameters, allow_unused=True)
    squares = [gradient.square().sum() for gradient in gradients if gradient is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def gradient_at_fakes(discriminator: nn.Module, fakes: Tensor, objective: str | Objective) -> Tensor:
    """``N dL_G/dx_i`` for each fake: what the loss tells each sample to do; the shape of `fakes`.

    The factor N undoes the loss's mean, so that the numbers do not depend on the batch size.
    """
    chosen = build_objective(objective) if isinstance(objective, str) else objective
    points = fakes.detach().clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(chosen.generator_loss(discriminator(points)), points)
    return gradient * len(points)


@torch.no_grad()
def separation(discriminator: nn.Module, reals: Tensor, fakes: Tensor) -> dict[str, float]:
    """How well a logistic discriminator tells the two apart.

    Returns:
        `accuracy` of the sign of the logits; `divergence`, the lower bound on the Jensen-Shannon divergence
        ``log 2 + (E log s(D(x)) + E log s(-D(G(z)))) / 2`` in nats, exact for the best discriminator and at
        most log 2; `real`, `fake`: mean probability of being real.
    """
    real, fake = discriminator(reals).double(), discriminator(fakes).double()
    accuracy = ((real > 0).double().mean() + (fake < 0).double().mean()) / 2
    divergence = math.log(2) - (softplus(-real).mean() + softplus(fake).mean()) / 2
    return {
        "accuracy": float(accuracy),
        "divergence": float(divergence),
        "real": float(torch.sigmoid(real).mean()),
        "fake": float(torch.sigmoid(fake).mean()),
    }


def fresh_discriminator(
    generator: nn.Module,
    discriminator: nn.Module,
    sampler: Any,
    latent_dim: int,
    *,
    steps: int,
    measure: Callable[[int, nn.Module], None],
    at: list[int],
    **options: Any,
) -> Game:
    """Train `discriminator` against a generator that stands still, and measure on the way.

    The probe of Arjovsky and Bottou 2017: freeze G, train D, watch what the generator would be told.

    Args:
        measure: called with the number of finished steps and the discriminator.
        at: at which numbers of steps; 0 is before the first.
        options: of `Game` (objective, penalties, batch, discriminator_rate, seed, ...).
    """
    game = Game(generator, discriminator, sampler, latent_dim, steps=steps, fixed_generator=True, **options)
    game.play(observe=lambda step: measure(step, discriminator), at=at)
    return game


def first_below(x: list[float], y: list[float], level: float) -> float:
    """The first x from which y stays below the level to the end; infinite if it does not.

    Example:
        >>> first_below([0, 1, 2, 3], [5.0, 0.1, 3.0, 0.1], 1.0)
        3.0
    """
    since = math.inf
    for place, value in zip(reversed(x), reversed(y), strict=True):
        if not value < level:
            break
        since = float(place)
    return since


@contextmanager
def watched(game: Game, arm: Arm, at: list[int]) -> Iterator[Callable[[int], None]]:
    """Watch a game with `equipoise.watch`; what is found first goes into the arm's `findings`.

    Gives a function to call with the number of finished steps: at the steps `at` it asks for the verdict.

    Example:
        >>> # with watched(game, arm, at=[200, 1000]) as look:
        >>> #     game.play(observe=look)
    """
    from equipoise.monitor import watch

    moments = set(at)
    monitor: Monitor = watch(game.generator, game.discriminator)

    def look(step: int) -> None:
        if step in moments:
            note_findings(monitor, arm, step)

    try:
        yield look
    finally:
        monitor.close()


def note_findings(monitor: Monitor, arm: Arm, step: int) -> None:
    """Add the verdict's errors and warnings to the arm's findings, each with the step of its first sight."""
    known = {finding["code"] for finding in arm.findings}
    for finding in monitor.diagnose().findings:
        if finding.severity != "info" and finding.code not in known:
            arm.findings.append(
                {
                    "code": finding.code,
                    "name": finding.name,
                    "severity": finding.severity,
                    "step": step,
                    "message": " ".join(finding.message.split()),
                }
            )
