"""The Dirac-GAN: trajectories that are known exactly, made with the project's objectives and penalties.

Data are the point 0, the generator the point theta, the discriminator psi x. The references are (a) the
scalar maps written out by hand, to 1e-9, and (b) the table of |(theta, psi)| that is known for step size 0.2
from |theta| = |psi| = 1 (setting of Mescheder et al. 2018), to 1 % or half of the last printed digit. In the
convention used here (high score means real) its start is theta = 1, psi = -1; alternating means the
discriminator first.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from equipoise.objectives import build_objective
from equipoise.penalties import StepContext, build_penalty

STEP = 0.2


class Point(nn.Module):
    def __init__(self, start):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, inputs):
        return (self.value * inputs).flatten()


def trajectory(objective_name, penalties, alternating, discriminator_steps=1, steps=500, start=1.0):
    objective = build_objective(objective_name)
    generator, discriminator = Point(start), Point(-start)
    one, real = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    random = torch.Generator().manual_seed(0)

    def discriminator_gradient():
        fake = generator(one).detach().view(1, 1)
        loss = objective.discriminator_loss(discriminator(real), discriminator(fake))
        context = StepContext(0, 1, generator, discriminator, real, fake, random=random)
        for penalty in penalties:
            term = penalty.discriminator_term(context)
            loss = loss if term is None else loss + term
        return torch.autograd.grad(loss, discriminator.value)[0]

    def generator_gradient():
        loss = objective.generator_loss(discriminator(generator(one).view(1, 1)), discriminator(real))
        return torch.autograd.grad(loss, generator.value)[0]

    def update(player, network, gradient):
        with torch.no_grad():
            network.value -= STEP * gradient
        for penalty in penalties:
            penalty.after_update(player, network)

    norms = []
    for _ in range(steps):
        if alternating:
            for _ in range(discriminator_steps):
                update("discriminator", discriminator, discriminator_gradient())
            update("generator", generator, generator_gradient())
        else:
            gradients = discriminator_gradient(), generator_gradient()
            update("discriminator", discriminator, gradients[0])
            update("generator", generator, gradients[1])
        norms.append(math.hypot(generator.value.item(), discriminator.value.item()))
    return norms


def by_hand(generator_slope, real_pull, gamma, clip, alternating, steps=500):
    """The maps in plain floats: theta += h psi g(t), psi -= h (theta d(t) + gamma psi), t = psi theta."""
    theta, psi, norms = 1.0, -1.0, []
    for _ in range(steps):
        new_psi = psi - STEP * (theta * real_pull(psi * theta) + gamma * psi)
        new_psi = new_psi if clip is None else max(-clip, min(clip, new_psi))
        seen = new_psi if alternating else psi
        theta, psi = theta + STEP * seen * generator_slope(seen * theta), new_psi
        norms.append(math.hypot(theta, psi))
    return norms


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# objective, R1 gamma, clip, alternating, figures at t = 100, 300 and 500, the units of their last digits
TABLE = [
    ("minimax", None, None, False, (1.963, 2.658, 3.097), (1e-3, 1e-3, 1e-3)),
    ("minimax", None, None, True, (1.406, 1.459, 1.413), (1e-3, 1e-3, 1e-3)),
    ("non-saturating", None, None, False, (0.742, 0.639, 0.640), (1e-3, 1e-3, 1e-3)),
    ("non-saturating", None, None, True, (0.575, 0.360, 0.271), (1e-3, 1e-3, 1e-3)),
    ("wasserstein", None, 1.0, False, (1.272, 1.063, 1.002), (1e-3, 1e-3, 1e-3)),
    ("minimax", 0.3, None, False, (9.9e-2, 5.5e-4, 2.6e-6), (1e-3, 1e-5, 1e-7)),
    ("minimax", 0.3, None, True, (5.9e-2, 1.2e-4, 2.4e-7), (1e-3, 1e-5, 1e-8)),
    ("minimax", 1.0, None, False, (3.8e-4, 8.1e-13, 9.5e-22), (1e-5, 1e-14, 1e-23)),
    ("minimax", 3.0, None, False, (1.8e-1, 5.6e-3, 1.8e-4), (1e-2, 1e-4, 1e-5)),
    ("minimax", 0.01, None, False, (1.839, 2.289, 2.614), (1e-3, 1e-3, 1e-3)),
]


@pytest.mark.parametrize(("objective", "gamma", "clip", "alternating", "figures", "units"), TABLE)
def test_known_trajectories_are_reproduced(objective, gamma, clip, alternating, figures, units):
    penalties = []
    if gamma is not None:
        penalties.append(build_penalty("r1", gamma=gamma))
    if clip is not None:
        penalties.append(build_penalty("weight-clipping", bound=clip))
    norms = trajectory(objective, penalties, alternating)
    slopes = {
        "minimax": (sigmoid, sigmoid),
        "non-saturating": (lambda t: sigmoid(-t), sigmoid),
        "wasserstein": (lambda t: 1.0, lambda t: 1.0),
    }
    assert norms == pytest.approx(
        by_hand(*slopes[objective], gamma or 0.0, clip, alternating), rel=1e-9, abs=1e-26
    )
    for time, figure, unit in zip((100, 300, 500), figures, units):
        assert abs(norms[time - 1] - figure) <= max(0.01 * figure, 0.5 * unit)


@pytest.mark.parametrize(
    ("alternating", "discriminator_steps", "figures"),
    [(False, 1, (1.799, 1.758, 1.802)), (True, 5, (0.719, 1.106, 0.720))],
)
def test_wgan_gp_does_not_converge_on_the_dirac_gan(alternating, discriminator_steps, figures):
    """The reference's coefficient 0.7 stands before one half, so lambda is 0.35."""
    penalty = build_penalty("gradient-penalty", weight=0.35)
    norms = trajectory("wasserstein", [penalty], alternating, discriminator_steps)
    for time, figure in zip((100, 300, 500), figures):
        assert norms[time - 1] == pytest.approx(figure, rel=0.01)


@pytest.mark.parametrize("relative_gamma", [0.5, 0.9, 1.1, 2.0])
def test_r1_is_stable_exactly_above_a_quarter_of_the_step_size(relative_gamma):
    """Near the equilibrium the map is linear with |lambda|^2 = 1 - h gamma + h^2 / 4."""
    gamma = relative_gamma * STEP / 4
    norms = trajectory("minimax", [build_penalty("r1", gamma=gamma)], False, steps=1000, start=1e-6)
    # The orbit is an ellipse: means over whole turns, not single points, follow the radius.
    first, last = (sum(math.log(n) for n in part) / 126 for part in (norms[:126], norms[-126:]))
    rate = (last - first) / (1000 - 126)
    assert rate == pytest.approx(math.log(1 - STEP * gamma + STEP**2 / 4) / 2, rel=0.02)
    assert (rate < 0) == (relative_gamma > 1)


def test_r1_and_r2_are_the_same_where_the_slope_is_the_same_everywhere():
    r1 = trajectory("minimax", [build_penalty("r1", gamma=0.3)], False, steps=50)
    r2 = trajectory("minimax", [build_penalty("r2", gamma=0.3)], False, steps=50)
    assert r1 == pytest.approx(r2, rel=1e-12)
