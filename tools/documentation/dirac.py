"""The Dirac-GAN with equipoise's own objectives and penalties: the smallest game that goes round in circles.

Data are the point 0, the generator the point theta, the discriminator psi x (Mescheder et al. 2018,
section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equipoise.objectives import build_objective
from equipoise.penalties import Penalty, StepContext, build_penalty

STEP = 0.2
STEPS = 500


class Point(nn.Module):
    """x times one parameter: the generator for x = 1, the discriminator for any x."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return (self.value * inputs).flatten()


@dataclass(frozen=True)
class Method:
    """One way of training: its name in the figure, the objective, the penalty, who moves when."""

    name: str
    objective: str
    penalty: str | None = None
    options: tuple[tuple[str, float], ...] = ()
    alternating: bool = True
    discriminator_steps: int = 1

    def build(self) -> list[Penalty]:
        return [build_penalty(self.penalty, **dict(self.options))] if self.penalty else []


METHODS = (
    Method("minimax, both at once", "minimax", alternating=False),
    Method("minimax, in turn", "minimax"),
    Method("non-saturating, in turn", "non-saturating"),
    Method("Wasserstein, weights clipped at 1", "wasserstein", "weight-clipping", (("bound", 1.0),)),
    Method(
        "Wasserstein, gradient penalty, 5 critic steps",
        "wasserstein",
        "gradient-penalty",
        (("weight", 0.35), ("target", 1.0)),
        discriminator_steps=5,
    ),
    Method("minimax, R1 with gamma 0.01", "minimax", "r1", (("gamma", 0.01),), alternating=False),
    Method("minimax, R1 with gamma 0.3", "minimax", "r1", (("gamma", 0.3),)),
    Method("minimax, R1 with gamma 1", "minimax", "r1", (("gamma", 1.0),)),
)


def trajectory(method: Method, steps: int = STEPS) -> list[tuple[float, float]]:
    """(theta, psi) before the first step and after each, from (1, -1)."""
    objective, penalties = build_objective(method.objective), method.build()
    generator, discriminator = Point(1.0), Point(-1.0)
    one, real = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    random = torch.Generator().manual_seed(0)

    def discriminator_gradient() -> Tensor:
        fake = generator(one).detach().view(1, 1)
        loss = objective.discriminator_loss(discriminator(real), discriminator(fake))
        context = StepContext(0, 1, generator, discriminator, real, fake, random=random)
        for penalty in penalties:
            term = penalty.discriminator_term(context)
            loss = loss if term is None else loss + term
        return torch.autograd.grad(loss, discriminator.value)[0]

    def generator_gradient() -> Tensor:
        loss = objective.generator_loss(discriminator(generator(one).view(1, 1)), discriminator(real))
        return torch.autograd.grad(loss, generator.value)[0]

    def move(player: str, network: Point, gradient: Tensor) -> None:
        with torch.no_grad():
            network.value -= STEP * gradient
        for penalty in penalties:
            penalty.after_update("generator" if player == "generator" else "discriminator", network)

    path = [(1.0, -1.0)]
    for _ in range(steps):
        if method.alternating:
            for _ in range(method.discriminator_steps):
                move("discriminator", discriminator, discriminator_gradient())
            move("generator", generator, generator_gradient())
        else:
            first, second = discriminator_gradient(), generator_gradient()
            move("discriminator", discriminator, first)
            move("generator", generator, second)
        path.append((generator.value.item(), discriminator.value.item()))
    return path


def distance(point: tuple[float, float]) -> float:
    """From the equilibrium (0, 0).

    Example:
        >>> distance((3.0, 4.0))
        5.0
    """
    return math.hypot(*point)
