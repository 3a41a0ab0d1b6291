"""Trends and periods against series whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.checks.trends import latest, recent_trend, rolling_median, rotation, trend
from equipoise.history.observations import Observations, Series


def series(values: np.ndarray) -> Series:
    return Series(np.arange(float(len(values))) * 10, np.asarray(values, dtype=np.float64))


def test_mann_kendall_against_the_count_of_pairs() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    pairs = [np.sign(values[j] - values[i]) for i in range(8) for j in range(i + 1, 8)]
    expected = (sum(pairs) - 1) / np.sqrt(8 * 7 * 21 / 18)
    assert trend(series(values)).z == pytest.approx(expected)


def test_a_trend_rises_falls_or_stays() -> None:
    noise = np.random.default_rng(0).standard_normal(100)
    assert trend(series(10 + np.linspace(0, 5, 100) + 0.5 * noise)).rises()
    assert trend(series(10 - np.linspace(0, 5, 100) + 0.5 * noise)).falls()
    flat = trend(series(10 + 0.5 * noise))
    assert not flat.rises()
    assert not flat.falls()


def test_a_significant_trend_that_is_small_does_not_count() -> None:
    assert not trend(series(np.linspace(1.0, 1.05, 100))).rises(0.1)


def test_too_few_records_have_no_trend() -> None:
    assert trend(series(np.arange(5.0))) is None


def test_rolling_median_ignores_a_spike_and_thins_long_series() -> None:
    values = np.ones(5000)
    values[2500] = 1e9
    medians = rolling_median(series(values), 200)
    assert medians.largest() == 1.0
    assert len(medians) <= 400
    assert medians.steps[-1] == 49_990


def test_rotation_finds_the_period() -> None:
    steps = np.arange(300)
    found = rotation(series(2 + np.sin(2 * np.pi * steps / 30)), 5, 0.5)
    assert found.period == pytest.approx(300, rel=0.02)
    assert found.amplitude == pytest.approx(1.0, rel=0.05)
    assert found.cycles == pytest.approx(10, rel=0.05)


def test_noise_and_random_walks_do_not_rotate() -> None:
    chance = np.random.default_rng(0)
    noise = sum(rotation(series(chance.standard_normal(30)), 5, 0.5) is not None for _ in range(500))
    walks = sum(
        rotation(series(chance.standard_normal(200).cumsum()), 5, 0.5) is not None for _ in range(500)
    )
    assert noise <= 10
    assert walks == 0


def test_a_noisy_wave_rotates() -> None:
    chance = np.random.default_rng(1)
    wave = np.sin(np.arange(120) * 2 * np.pi / 15)
    found = [rotation(series(wave + 0.5 * chance.standard_normal(120)), 5, 0.5) for _ in range(100)]
    assert sum(turn is not None for turn in found) >= 95


def test_a_drift_is_no_rotation() -> None:
    assert rotation(series(np.linspace(0, 1, 100)), 5, 0.5) is None
    assert rotation(series(np.exp(np.linspace(0, 5, 100))), 5, 0.5) is None


def test_latest_takes_records_where_steps_hold_too_few() -> None:
    sparse = Series(np.arange(0, 20_001, 200.0), np.arange(101.0))
    observations = Observations({"score.auc": sparse}, step=20_000)
    assert latest(observations, "score.auc", 200).values.tolist() == [96, 97, 98, 99, 100]
    assert len(latest(observations, "score.auc", 2000)) == 11


def test_latest_takes_nothing_from_the_first_half() -> None:
    old = Series(np.array([100.0, 200.0, 300.0]), np.ones(3))
    assert len(latest(Observations({"score.auc": old}, step=1000), "score.auc", 200)) == 0


def test_a_trend_of_rare_records() -> None:
    sparse = Series(np.arange(0, 2001, 100.0), np.linspace(1, 2, 21))
    assert recent_trend(Observations({"quality": sparse}, step=2000), "quality", 300).rises()
