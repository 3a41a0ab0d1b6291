"""EQ308: the first NaN and the mechanism that made it."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS

ENDS = {"finite": lambda t: np.where(t >= 0.8, 0.0, 1.0)}


def check():
    return CHECKS.get("non-finite")()


def test_growth_before_it_is_divergence() -> None:
    grows = {**ENDS, "gradient.generator": lambda t: np.where(t < 0.8, np.exp(40 * (t - 0.6)), np.nan)}
    finding = check().run(observe(grows, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.details["mechanism"] == "divergence"
    assert finding.since == 2400


def test_none_before_it_with_a_penalty_is_the_root_at_zero() -> None:
    finding = check().run(observe(ENDS, base=healthy_wasserstein_gp()))
    assert finding.details["mechanism"] == "root"
    assert finding.remedies[0].name == "epsilon-in-the-root"
    assert finding.because[0].verdict == "ruled out"


def test_half_precision() -> None:
    finding = check().run(observe(ENDS, facts={"precision": "float16"}, base=healthy_ns_gan()))
    assert finding.details["mechanism"] == "half-precision"
    assert finding.severity == "error"


def test_steps_skipped_by_loss_scaling_are_information() -> None:
    skipped = np.ones(301)
    skipped[[20, 150]] = 0
    observations = observe({"finite": skipped}, facts={"precision": "float16"}, base=healthy_ns_gan())
    finding = check().run(observations)
    assert finding.severity == "info"
    assert finding.explains == ()


def test_a_sigmoid_and_a_logarithm() -> None:
    facts = {"discriminator.output_activation": "sigmoid"}
    finding = check().run(observe(ENDS, facts=facts, base=healthy_ns_gan()))
    assert finding.details["mechanism"] == "logarithm"
    assert finding.remedies[0].name == "fused-logit-loss"


def test_data_that_are_not_finite_come_first() -> None:
    signals = {**ENDS, "sample.real.mean": lambda t: np.where(t > 0.79, np.nan, -0.6)}
    finding = check().run(observe(signals, facts={"precision": "float16"}, base=healthy_ns_gan()))
    assert finding.details["mechanism"] == "data"


def test_learning_from_nothing_is_no_divergence() -> None:
    """Scores that grow from 0.01 to 3 in the first steps have learned."""
    early = {"finite": lambda t: np.where(t >= 0.9, 0.0, 1.0), "score.real.mean": lambda t: 0.01 + 3 * t}
    finding = check().run(observe(early, step=300, base=healthy_wasserstein_gp(300)))
    assert finding.details["mechanism"] == "root"


def test_from_the_first_step_on() -> None:
    assert check().run(observe({"finite": 0.0}, step=10)).severity == "error"


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
