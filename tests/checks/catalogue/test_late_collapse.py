"""EQ303: good once, good no more; not bad from the start, not a dip."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS


def falls(before: float, after: float, at: float = 0.7):
    return lambda t: np.where(t < at, before, after)


def check():
    return CHECKS.get("late-collapse")()


def test_lost_diversity_is_a_warning() -> None:
    finding = check().run(observe({"sample.distance.ratio": falls(0.9, 0.1)}, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.since == 2100


def test_with_an_announcement_it_is_an_error() -> None:
    signals = {
        "sample.distance.ratio": falls(0.9, 0.1),
        "spectral.discriminator": lambda t: 1.5 * np.where(t > 0.6, 5.0, 1.0),
    }
    finding = check().run(observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert "announced" in finding.message


def test_a_jump_of_the_discriminators_loss_announces_it() -> None:
    """BigGAN: near zero, then a sharp upward jump."""
    signals = {
        "sample.coverage": falls(0.8, 0.1),
        "loss.discriminator": lambda t: 0.2 + 0.01 * np.sin(300 * t) + 3.0 * (t > 0.7),
    }
    assert check().run(observe(signals, base=healthy_ns_gan())).severity == "error"


def test_a_quality_metric_beyond_twice_its_best_three_times() -> None:
    assert check().run(observe({"quality": [80, 20, 8, 300, 400, 500]}, base=healthy_ns_gan())) is not None
    assert check().run(observe({"quality": [80, 20, 8, 300, 9, 10]}, base=healthy_ns_gan())) is None


def test_a_collapse_from_the_start_is_another_check() -> None:
    bad = {"sample.distance.ratio": 0.05, "sample.coverage": 0.1}
    assert check().run(observe(bad, base=healthy_ns_gan())) is None
    assert CHECKS.get("mode-collapse")().run(observe(bad, base=healthy_ns_gan())) is not None


def test_a_dip_that_has_passed() -> None:
    dip = {"sample.distance.ratio": lambda t: np.where((t > 0.5) & (t < 0.6), 0.1, 0.9)}
    assert check().run(observe(dip, base=healthy_ns_gan())) is None


def test_a_slow_growth_of_singular_values_is_normal() -> None:
    growing = {"spectral.discriminator": lambda t: 1 + 2 * t}
    assert check().run(observe(growing, base=healthy_ns_gan(10_000))) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_fakes_that_were_far_too_diverse_have_no_diversity_to_lose() -> None:
    assert check().run(observe({"sample.distance.ratio": falls(80.0, 6.0)}, base=healthy_ns_gan())) is None
    assert check().run(observe({"sample.distance.ratio": falls(80.0, 0.9)}, base=healthy_ns_gan())) is None
    assert (
        check().run(observe({"sample.distance.ratio": falls(80.0, 0.1)}, base=healthy_ns_gan())) is not None
    )
