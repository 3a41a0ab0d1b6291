from __future__ import annotations

import numpy as np
import pytest

from equipoise.data import load_data
from equipoise.errors import EquipoiseError

GRID = [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
RING = [(np.cos(np.pi * k / 4), np.sin(np.pi * k / 4)) for k in range(8)]


@pytest.mark.parametrize(("name", "means", "sigma"), [("ring", RING, 0.01), ("grid", GRID, 0.05)])
def test_mixture_follows_its_closed_form(name: str, means: list, sigma: float) -> None:
    data = load_data(name)
    assert data.mixture is not None
    np.testing.assert_allclose(data.mixture.means, means, atol=1e-12)
    assert data.mixture.deviation == sigma
    assert data.labels is not None
    points = data.samples.astype(np.float64)
    modes = len(means)
    counts = np.bincount(data.labels, minlength=modes)
    # Chi-square with modes - 1 degrees of freedom, five standard deviations above its mean.
    expected = len(points) / modes
    assert np.square(counts - expected).sum() / expected < modes - 1 + 5 * np.sqrt(2 * (modes - 1))
    for mode, mean in enumerate(means):
        own = points[data.labels == mode]
        error = sigma / np.sqrt(len(own))
        np.testing.assert_array_less(np.abs(own.mean(axis=0) - mean), 5 * error)
        # The relative error of a standard deviation is 1 / sqrt(2 n).
        np.testing.assert_allclose(own.std(axis=0), sigma, rtol=5 / np.sqrt(2 * len(own)))
    # Inside 3 sigma lies 1 - exp(-9/2) of a two-dimensional Gaussian.
    inside = np.linalg.norm(points - np.array(means)[data.labels], axis=1) < 3 * sigma
    share = 1 - np.exp(-4.5)
    assert abs(inside.mean() - share) < 5 * np.sqrt(share * (1 - share) / len(points))


def test_networks_see_unit_scale() -> None:
    for name in ("ring", "grid"):
        data = load_data(name)
        assert data.mixture is not None
        assert np.abs(data.normalisation.apply(data.mixture.means.astype(np.float32))).max() == 1.0


def test_options_change_the_mixture() -> None:
    ring = load_data("ring", modes=3, radius=5.0, sigma=0.5, count=2000)
    assert ring.mixture is not None
    np.testing.assert_allclose(np.linalg.norm(ring.mixture.means, axis=1), 5)
    grid = load_data("grid", side=3, spacing=1.0)
    assert grid.mixture is not None
    assert sorted(map(tuple, grid.mixture.means.tolist())) == [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    # 5 is divided by 8, the next power of two, so that inversion stays exact.
    assert ring.normalisation.scale == (8.0,)


def test_splits_and_seeds_are_independent_draws() -> None:
    draws = [
        load_data("ring", split=split, seed=seed).samples.tobytes()
        for split, seed in (("train", 0), ("test", 0), ("train", 1))
    ]
    assert len(set(draws)) == 3
    with pytest.raises(EquipoiseError, match="`split` must be one of 'train', 'test'"):
        load_data("ring", split="validation")
