"""EQ306: a gap that doubles and doubles; not an offset, not a large loss that turns round."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS


def check():
    return CHECKS.get("critic-magnitude-race")()


def gap(size, offset: float = 0.0):
    return {
        "score.real.mean": lambda t: offset + size(t) / 2,
        "score.fake.mean": lambda t: offset - size(t) / 2,
    }


def test_doubling_every_hundred_steps() -> None:
    # 30 windows of 100 steps, doubled 2.2 times in each: 2^33 at the end.
    finding = check().run(observe(gap(lambda t: 2 ** (33 * t)), base=healthy_wasserstein_gp()))
    assert finding.severity == "error"
    assert "exploding-gradient" in check().explains


def test_a_smaller_race_is_a_warning() -> None:
    finding = check().run(observe(gap(lambda t: 1e-7 * 2 ** (33 * t)), base=healthy_wasserstein_gp()))
    assert finding.severity == "warning"


def test_a_huge_gap_that_still_grows_with_the_slope() -> None:
    signals = {**gap(lambda t: 5000 * t**4), "discriminator.slope": lambda t: 10 * t**4}
    assert check().run(observe(signals, base=healthy_wasserstein_gp())).severity == "error"


def test_an_offset_that_drifts_is_harmless() -> None:
    drift = {"score.real.mean": lambda t: 5 + 1e5 * t, "score.fake.mean": lambda t: 1e5 * t}
    assert check().run(observe(drift, base=healthy_wasserstein_gp())) is None


def test_a_large_negative_loss_that_turns_round() -> None:
    turning = gap(lambda t: 10 + 400 * np.exp(-5 * t) * (1 - np.exp(-50 * t)))
    assert check().run(observe(turning, base=healthy_wasserstein_gp())) is None


def test_a_critic_that_learns_from_nothing() -> None:
    learning = gap(lambda t: 0.01 * 2 ** (6 * t / 0.2))
    assert check().run(observe(learning, step=600, base=healthy_wasserstein_gp(600)).at(600)) is not None
    small = gap(lambda t: 1e-3 * 2 ** (12 * t))
    assert check().run(observe(small, step=600, base=healthy_wasserstein_gp(600))) is None


def test_data_that_are_not_normalised_are_named() -> None:
    signals = {**gap(lambda t: 2 ** (33 * t)), "sample.real.std": 70.0}
    because = {
        a.cause: a.verdict for a in check().run(observe(signals, base=healthy_wasserstein_gp())).because
    }
    assert because["data that are not normalised"] == "open"


def test_rare_records_of_a_long_run() -> None:
    race = gap(lambda t: 2 ** (60 * t))
    assert check().run(observe(race, step=12_000, every=200, base=healthy_wasserstein_gp(12_000))) is not None
    steady = gap(lambda t: 100 + 0 * t)
    assert check().run(observe(steady, step=12_000, every=200, base=healthy_wasserstein_gp(12_000))) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
