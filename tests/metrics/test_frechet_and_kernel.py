from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import linalg

from equipoise.errors import EquipoiseError
from equipoise.metrics.frechet import (
    FrechetDistance,
    frechet_distance,
    frechet_distance_from_moments,
    frechet_distance_infinity,
    moments,
)
from equipoise.metrics.kernel import kernel_distance, squared_discrepancy


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gaussians_with_commuting_covariances_have_the_closed_form() -> None:
    one, two = torch.tensor([1.0, 4.0, 9.0]), torch.tensor([4.0, 1.0, 9.0])
    mean = torch.tensor([3.0, 0.0, 4.0])
    expected = 25 + float((one.sqrt() - two.sqrt()).square().sum())
    found = frechet_distance_from_moments(torch.zeros(3), one.diag(), mean, two.diag())
    assert found == pytest.approx(expected, abs=1e-9)


def test_general_covariances_against_the_matrix_square_root() -> None:
    one, two = noise(6, 6, seed=1), noise(6, 6, seed=2)
    first, second = one @ one.T, two @ two.T
    root = linalg.sqrtm((first @ second).numpy()).real
    expected = float(first.trace() + second.trace()) - 2 * np.trace(root) + 6.0
    found = frechet_distance_from_moments(torch.zeros(6), first, torch.ones(6), second)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_singular_covariance_is_no_obstacle() -> None:
    singular = torch.diag(torch.tensor([1.0, 0.0]))
    assert frechet_distance_from_moments(
        torch.zeros(2), singular, torch.zeros(2), torch.eye(2)
    ) == pytest.approx(1.0)
    assert frechet_distance_from_moments(
        torch.zeros(2), torch.eye(2), torch.zeros(2), singular
    ) == pytest.approx(1.0)


def test_samples_give_the_moments_of_numpy_and_the_shortcut_agrees() -> None:
    fakes, reals = noise(30, 50) + 100, noise(40, 50, seed=1)
    mean, covariance = moments(fakes)
    np.testing.assert_allclose(mean, fakes.numpy().mean(0))
    np.testing.assert_allclose(covariance, np.cov(fakes.numpy(), rowvar=False), atol=1e-12)
    # 30 * 40 < 50 * 50: fewer samples than features, so the distance takes the other road.
    slow = frechet_distance_from_moments(*moments(fakes), *moments(reals))
    assert frechet_distance(fakes, reals) == pytest.approx(slow, rel=1e-7)


def test_the_streaming_class_equals_the_function_far_from_the_origin() -> None:
    fakes, reals = noise(500, 8) + 1000, noise(400, 8, seed=1) + 1000
    metric = FrechetDistance()
    for part in fakes.split(77):
        metric.update(fake=part)
    for part in reals.split(90):
        metric.update(real=part)
    assert metric.compute()[0].value == pytest.approx(frechet_distance(fakes, reals), abs=1e-5)


def test_few_samples_are_said_to_be_few() -> None:
    metric = FrechetDistance()
    metric.update(fake=noise(10, 20), real=noise(100, 20))
    assert "singular" in metric.compute()[0].note


def test_the_distance_of_equal_sets_is_zero() -> None:
    assert frechet_distance(noise(200, 5), noise(200, 5)) == pytest.approx(0, abs=1e-9)


def test_extrapolation_removes_most_of_the_bias() -> None:
    reals = noise(20_000, 16, seed=9)
    plain, extrapolated = [], []
    for seed in range(5):
        fakes = noise(600, 16, seed=seed)
        plain.append(frechet_distance(fakes, reals))
        extrapolated.append(frechet_distance_infinity(fakes, reals)[0])
    assert abs(np.mean(extrapolated)) < 0.25 * np.mean(plain)


def slow_discrepancy(fakes: torch.Tensor, reals: torch.Tensor) -> float:
    """Pair by pair in plain Python numbers."""
    x, y, width = fakes.tolist(), reals.tolist(), fakes.shape[1]

    def k(a: list[float], b: list[float]) -> float:
        return (sum(p * q for p, q in zip(a, b)) / width + 1) ** 3

    def own(rows: list[list[float]]) -> float:
        pairs = [k(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        return sum(pairs) / len(pairs)

    return own(x) + own(y) - 2 * sum(k(a, b) for a in x for b in y) / (len(x) * len(y))


def test_the_discrepancy_against_plain_loops() -> None:
    fakes, reals = noise(23, 3) + 0.5, noise(17, 3, seed=1)
    expected = slow_discrepancy(fakes, reals)
    assert squared_discrepancy(fakes, reals) == pytest.approx(expected, rel=1e-10)
    # All pairs, whatever the pieces of the jackknife.
    assert kernel_distance(fakes, reals)[0] == pytest.approx(expected, rel=1e-10)


def test_single_precision_is_precise_enough_for_inception_widths() -> None:
    fakes, reals = noise(300, 2048).relu(), noise(300, 2048, seed=1).relu()
    exact, error = kernel_distance(fakes, reals)
    assert kernel_distance(fakes.float(), reals.float())[0] == pytest.approx(exact, abs=0.01 * error)


@pytest.mark.parametrize("subset_size", [None, 50])
def test_equal_distributions_are_within_the_error_of_zero(subset_size: int | None) -> None:
    inside = 0
    for seed in range(20):
        value, error = kernel_distance(
            noise(300, 5, seed=seed), noise(300, 5, seed=100 + seed), subset_size=subset_size, subsets=20
        )
        inside += abs(value) < 2 * error
    assert inside >= 17  # 95 % of 20 is 19


def test_the_jackknife_error_matches_the_spread_over_data_sets() -> None:
    values, errors = zip(
        *(kernel_distance(noise(400, 4, seed=s) + 0.5, noise(400, 4, seed=900 + s)) for s in range(60))
    )
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.35)


def test_more_samples_than_the_limit_go_over_subsets() -> None:
    fakes, reals = noise(900, 3) + 1, noise(900, 3, seed=1)
    value, error = kernel_distance(fakes, reals, subsets=6, subset_size=150)
    everything, _ = kernel_distance(fakes, reals)
    assert abs(value - everything) < 4 * error


@pytest.mark.parametrize("function", [frechet_distance, kernel_distance, frechet_distance_infinity])
def test_bad_input_is_refused(function: object) -> None:
    with pytest.raises(EquipoiseError, match="wide"):
        function(noise(40, 3), noise(40, 4))
    with pytest.raises(EquipoiseError, match="finite"):
        function(noise(40, 3) * math.nan, noise(40, 3))
    with pytest.raises(EquipoiseError, match="at least"):
        function(noise(1, 3), noise(40, 3))
    with pytest.raises(EquipoiseError, match="flatten"):
        function(noise(40, 3, 2), noise(40, 3))
