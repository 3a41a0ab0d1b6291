"""The Dirac-GAN's games against an independent simulation and against the eigenvalues' closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.lab import dirac

# |(theta, psi)| after 100, 300 and 500 steps from a separate simulation with the opposite sign of psi; the
# small values are rounded to two digits there.
INDEPENDENT = {
    "plain, simultaneous": (1.963, 2.658, 3.097),
    "plain, alternating": (1.406, 1.459, 1.413),
    "non-saturating, simultaneous": (0.742, 0.639, 0.640),
    "non-saturating, alternating": (0.575, 0.360, 0.271),
    "Wasserstein, clip 1": (1.272, 1.063, 1.002),
    "WGAN-GP": (1.799, 1.758, 1.802),
    "WGAN-GP, 5 critic steps": (0.719, 1.106, 0.720),
    "R1, gamma 0.01 (too weak)": (1.839, 2.289, 2.614),
    "R1, gamma 0.3": (9.9e-2, 5.5e-4, 2.6e-6),
    "R1, alternating": (5.9e-2, 1.2e-4, 2.4e-7),
    "R1, gamma 1 (critical)": (3.8e-4, 8.1e-13, 9.5e-22),
    "R1, gamma 3 (over-damped)": (1.8e-1, 5.6e-3, 1.8e-4),
    "optimistic descent": (0.884, 0.324, 0.117),
    "extragradient": (0.888, 0.331, 0.122),
}
METHODS = {method.name: method for method in dirac.methods()}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_table_is_that_of_an_independent_simulation(name: str) -> None:
    away = dirac.distance(dirac.play(METHODS[name], 500))
    assert away[[100, 300, 500]] == pytest.approx(INDEPENDENT[name], rel=0.04)


def test_an_unconstrained_critic_grows_by_the_exact_factor() -> None:
    away = dirac.distance(dirac.play(METHODS["Wasserstein"], 500))
    assert away[-1] == pytest.approx(math.sqrt(2) * (1 + dirac.RATE**2) ** 250, rel=1e-9)


@pytest.mark.parametrize(("gamma", "expected"), [(0.0, 1.01), (0.3, 0.95), (0.05, 1.0)])
def test_the_modulus_is_that_of_the_closed_form(gamma: float, expected: float) -> None:
    assert dirac.modulus(0.2, gamma) ** 2 == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["instance noise 0.7", "consensus optimisation", "R1, gamma 0.3"])
def test_fields_are_gradients_of_what_they_say(name: str) -> None:
    """Each velocity against central differences of the loss that is descended."""
    theta, psi, step = 0.7, -0.4, 1e-6

    def log1p_exp(value: np.ndarray | float) -> np.ndarray:
        return np.logaddexp(0, value)

    rng_nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def generator_loss(theta: float, psi: float) -> float:
        if name == "instance noise 0.7":
            return -float(weights @ log1p_exp(psi * (theta + 0.7 * rng_nodes)))
        return -float(log1p_exp(psi * theta)) + extra(theta, psi)

    def discriminator_loss(theta: float, psi: float) -> float:
        if name == "instance noise 0.7":
            fake = weights @ log1p_exp(psi * (theta + 0.7 * rng_nodes))
            return float(fake + weights @ log1p_exp(-psi * 0.7 * rng_nodes))
        penalty = 0.15 * psi**2 if name == "R1, gamma 0.3" else 0.0
        return float(log1p_exp(psi * theta) + log1p_exp(0.0)) + penalty + extra(theta, psi)

    def extra(theta: float, psi: float) -> float:
        if name != "consensus optimisation":
            return 0.0
        velocity = dirac.minimax(theta, psi)
        return 0.5 * (velocity[0] ** 2 + velocity[1] ** 2)

    field = METHODS[name].field(theta, psi)
    slope_theta = (generator_loss(theta + step, psi) - generator_loss(theta - step, psi)) / (2 * step)
    slope_psi = (discriminator_loss(theta, psi + step) - discriminator_loss(theta, psi - step)) / (2 * step)
    assert field == pytest.approx((-slope_theta, -slope_psi), abs=1e-6)
