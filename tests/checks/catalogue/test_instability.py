"""EQ301: steps that are too large, samples that are thrown about."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_least_squares_gan, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS

STEPS = {"update.generator": 0.4, "update.discriminator": 0.3}


def thrown(size: float = 1.0):
    chance = np.random.default_rng(0)
    return lambda t: -0.6 + size * 0.6 * chance.standard_normal(len(t))


def check():
    return CHECKS.get("instability")()


def test_steps_that_are_too_large_are_a_warning_that_explains_the_rest() -> None:
    finding = check().run(observe(STEPS, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "exploding-gradient" in (finding.explains or check().explains)


def test_with_samples_thrown_about_they_are_an_error() -> None:
    finding = check().run(observe({**STEPS, "sample.fake.mean": thrown()}, base=healthy_ns_gan()))
    assert finding.severity == "error"


def test_samples_thrown_about_alone_need_a_second_sign() -> None:
    assert check().run(observe({"sample.fake.mean": thrown()}, base=healthy_ns_gan())) is None
    turns = {"sample.fake.mean": thrown(), "score.auc": lambda t: np.arange(len(t)) % 2 * 1.0}
    finding = check().run(observe(turns, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "oscillation" not in finding.explains


def test_a_metric_that_jumps() -> None:
    """58 and 634 in turns (stylegan2-ada-pytorch issue 157)."""
    jumps = {"quality": [60, 300, 58, 634, 80, 500], **STEPS}
    finding = check().run(observe(jumps, base=healthy_ns_gan()))
    assert "quality" in finding.details["signs"]


def test_an_improving_metric_is_no_jump() -> None:
    assert check().run(observe({"quality": [600, 300, 150, 70, 30]}, base=healthy_ns_gan())) is None


def test_while_the_samples_improve_nothing_is_reported() -> None:
    improving = {**STEPS, "sample.nearest.ratio": lambda t: 4 - 2 * t}
    assert check().run(observe(improving, base=healthy_ns_gan())) is None


def test_least_squares_that_swings_is_fine() -> None:
    swinging = {"loss.discriminator": lambda t: 0.2 + 0.2 * np.sin(100 * t)}
    assert check().run(observe(swinging, base=healthy_least_squares_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
