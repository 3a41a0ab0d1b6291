"""Figures, ticks and thinning against plain computations."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.history.observations import Series
from equipoise.report.numbers import nice_ticks, short, thinned


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 17.0), (1e-9, 3e-9), (1e6, 1.1e6), (0.99, 1.0)])
def test_ticks_are_round_within_and_evenly_spaced(low, high):
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 5
    assert min(ticks) >= low - 1e-9 * abs(low)
    assert max(ticks) <= high + 1e-9 * abs(high)
    gaps = np.diff(ticks)
    assert gaps == pytest.approx(gaps[0])
    mantissa = gaps[0] / 10.0 ** np.floor(np.log10(gaps[0]) + 1e-9)
    assert min(abs(mantissa - np.array([1.0, 2.0, 5.0, 10.0]))) < 1e-6


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0, 1500.0, 2e6, 3e9, 1e-6, 2.5e-7, 1e15])
def test_short_labels_read_back(value):
    text = short(value)
    factor = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1.0)
    assert float(text.rstrip("kMG")) * factor == pytest.approx(value, rel=0.01)


def test_thinned_has_medians_and_extremes_of_each_bucket():
    chance = np.random.default_rng(1)
    steps = np.sort(chance.choice(100_000, 5_000, replace=False)).astype(float)
    values = chance.standard_normal(5_000)
    values[777], values[4000] = 50.0, np.nan
    found = thinned(Series(steps, values), buckets=40)
    keep = np.isfinite(values)
    bucket = np.minimum(
        ((steps[keep] - steps[keep][0]) / (steps[keep][-1] - steps[keep][0]) * 40).astype(int), 39
    )
    for index in range(40):
        inside = values[keep][bucket == index]
        assert found.middle[index] == pytest.approx(np.median(inside))
        assert (found.low[index], found.high[index]) == (inside.min(), inside.max())
        assert found.steps[index] == pytest.approx(np.median(steps[keep][bucket == index]))
    assert found.high.max() == 50.0
    assert found.broken.tolist() == [steps[4000]]


def test_short_series_are_kept_whole():
    series = Series(np.arange(10.0), np.arange(10.0) ** 2)
    assert thinned(series).middle.tolist() == series.values.tolist()
