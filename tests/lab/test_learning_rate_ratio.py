"""The exact game with two learning rates: closed form, matrix and play agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equipoise.lab.experiments import learning_rate_ratio as experiment


@pytest.mark.parametrize("ratio", [1 / 64, 1.0, 8.0, 11.2, 64.0])
@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_the_factor_is_the_largest_eigenvalue_of_the_step(ratio: float, gamma: float) -> None:
    eigenvalues = np.abs(np.linalg.eigvals(experiment.step_matrix(ratio, gamma)))
    assert experiment.factor(ratio, gamma) == pytest.approx(eigenvalues.max(), rel=1e-9)


@pytest.mark.parametrize("ratio", [1 / 8, 1.0, 64.0])
def test_the_game_played_has_that_factor(ratio: float) -> None:
    assert experiment.factor_measured(ratio, 0.3) == pytest.approx(experiment.factor(ratio, 0.3), abs=2e-3)


def test_the_rates_keep_their_product() -> None:
    generator, discriminator = experiment.rates(64.0, 1e-3)
    assert generator * discriminator == pytest.approx(1e-6)
    assert discriminator / generator == pytest.approx(64.0)


def test_the_energy_distance_of_two_normals_is_that_of_the_closed_form() -> None:
    """In one dimension 2 E|x - y| - E|x - x'| - E|y - y'| = 2 E|N(1, 2)| - 2 E|N(0, 2)|."""
    random = torch.Generator().manual_seed(0)
    reals, fakes = torch.randn(6000, 1, generator=random), 1 + torch.randn(6000, 1, generator=random)
    from scipy.stats import foldnorm

    across = float(foldnorm.mean(1 / np.sqrt(2), scale=np.sqrt(2)))
    within = 2 / np.sqrt(np.pi)
    assert experiment.energy_distance(fakes, reals) == pytest.approx(2 * across - 2 * within, abs=0.03)
