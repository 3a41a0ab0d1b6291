"""The closed forms behind the experiment on the equilibrium."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from equipoise.lab.experiments import equilibrium


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0, 4.0])
def test_the_divergence_is_that_of_adaptive_quadrature(shift: float) -> None:
    def term(x: float) -> float:
        p, q = norm.pdf(x), norm.pdf(x, loc=shift)
        return 0.5 * (p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q)))

    expected, _ = quad(term, -9, 9 + shift, limit=200)
    assert equilibrium.divergence_of_shift(shift) == pytest.approx(expected, abs=1e-9)


def test_far_apart_it_is_log_two() -> None:
    assert equilibrium.divergence_of_shift(40.0) == pytest.approx(math.log(2), abs=1e-9)


def test_the_best_discriminator_is_the_share_of_the_data() -> None:
    places = np.array([-1.0, 0.3, 2.5])
    p, q = norm.pdf(places), norm.pdf(places, loc=2.0)
    assert equilibrium.best_probability(places, 2.0) == pytest.approx(p / (p + q), rel=1e-12)
