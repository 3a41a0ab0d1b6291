"""EQ307: far beyond the usual; not always large, not a single bad batch."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS


def check():
    return CHECKS.get("exploding-gradient")()


def explodes(size: float, usual: float = 1.0):
    return {"gradient.generator": lambda t: np.where(t > 0.95, size, usual)}


def test_ten_times_the_usual_and_above_a_hundred() -> None:
    finding = check().run(observe(explodes(500.0), base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.details["players"] == ["generator"]


def test_a_step_that_replaces_the_weights_makes_it_an_error() -> None:
    signals = {**explodes(500.0), "update.generator": lambda t: np.where(t > 0.95, 0.5, 1e-3)}
    assert check().run(observe(signals, base=healthy_ns_gan())).severity == "error"


def test_an_enormous_one_needs_no_second_signal() -> None:
    assert check().run(observe(explodes(1e6), base=healthy_ns_gan())).severity == "error"


def test_a_model_with_large_gradients_is_healthy() -> None:
    assert check().run(observe({"gradient.generator": 400.0}, base=healthy_ns_gan())) is None


def test_growth_to_a_small_size_is_healthy() -> None:
    assert check().run(observe(explodes(50.0, usual=0.1), base=healthy_ns_gan())) is None


def test_one_bad_batch() -> None:
    spike = np.ones(301)
    spike[-5] = 1e6
    assert check().run(observe({"gradient.discriminator": spike}, base=healthy_ns_gan())) is None


def spikes(places: list[int], size: float = 5e3):
    values = np.ones(301)
    values[places] = size
    return {"gradient.discriminator": values}


def test_outliers_that_come_again_and_again() -> None:
    finding = check().run(observe(spikes([20, 150, 290]), base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.details["players"] == ["discriminator"]


def test_outliers_that_have_ended_are_few_or_not_so_far_out() -> None:
    assert check().run(observe(spikes([20, 60, 150]), base=healthy_ns_gan())) is None
    assert check().run(observe(spikes([150, 290]), base=healthy_ns_gan())) is None
    assert check().run(observe(spikes([20, 150, 290], size=50.0), base=healthy_ns_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
