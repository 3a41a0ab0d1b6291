"""EQ502: a controller at its end."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS


def check():
    return CHECKS.get("augmentation-runaway")()


def test_at_its_end_with_a_discriminator_too_sure_is_an_error() -> None:
    """p = 6.5 and 21.8 were reported (stylegan2-ada issues 69 and 175)."""
    signals = {"augmentation.probability": lambda t: 6.5 * t, "score.accuracy.real": 0.95}
    finding = check().run(observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.remedies[0].cure == "root"


def test_high_is_a_warning() -> None:
    signals = {"augmentation.probability": 0.85, "score.accuracy.real": 0.8}
    finding = check().run(observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.because[0].verdict == "open"


def test_a_flipped_discriminator_is_named() -> None:
    """r_t near +1 that drops to -1 (stylegan2-ada issue 98)."""
    signals = {"augmentation.probability": 1.2, "score.accuracy.real": 0.0}
    finding = check().run(observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.because[1].verdict == "open"


def test_at_work() -> None:
    signals = {"augmentation.probability": lambda t: 0.5 * t, "score.accuracy.real": 0.8}
    assert check().run(observe(signals, base=healthy_ns_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_reals_that_are_changed_more_and_more() -> None:
    def run(high, low=-1.0):
        return check().run(observe({"sample.real.low": low, "sample.real.high": high}, base=healthy_ns_gan()))

    finding = run(lambda t: 1 + 2 * t, low=lambda t: -1 - 2 * t)
    assert finding.severity == "warning"
    assert "has grown" in finding.message
    assert run(1.0) is None
    # Noise that is taken back; a single outlier; a range that only breathes.
    assert run(lambda t: 1 + 0.5 * (1 - t)) is None
    assert run(lambda t: 1 + 50.0 * (t > 0.99)) is None
    assert run(lambda t: 1 + 0.3 * t) is None
    # Heavy tails: batches of 64 values of a Cauchy law.
    for seed in range(20):
        random = np.random.default_rng(seed)
        assert run(lambda t, random=random: np.abs(random.standard_cauchy((len(t), 64))).max(1)) is None
