"""EQ302: a rotation of the samples; not a swing of the scores, a cyclic rate, or noise."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_least_squares_gan, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import ProbeResult


def wave(centre: float, size: float, turns: float = 20):
    return lambda t: centre + size * np.sin(2 * np.pi * turns * t)


def check():
    return CHECKS.get("oscillation")()


ROTATING = {"sample.fake.mean": wave(-0.6, 0.4), "score.gap": wave(0.3, 1.5)}


def test_a_rotation_of_the_samples_is_a_warning() -> None:
    finding = check().run(observe(ROTATING, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    # 20 turns in 3,000 steps.
    assert finding.details["period"] == pytest.approx(150, rel=0.05)


def test_with_a_growing_duality_gap_it_is_an_error() -> None:
    observations = observe(ROTATING, base=healthy_ns_gan())
    observations.probe_results += [
        ProbeResult("duality-gap", 1000, {"gap": 1.0}),
        ProbeResult("duality-gap", 3000, {"gap": 2.0}),
    ]
    assert check().run(observations).severity == "error"


def test_a_swing_of_the_scores_alone_is_information() -> None:
    finding = check().run(observe({"score.gap": wave(0.3, 1.5)}, base=healthy_least_squares_gan()))
    assert finding.severity == "info"


def test_with_progress_it_is_information() -> None:
    improving = {**ROTATING, "sample.nearest.ratio": lambda t: 4 - 2 * t}
    assert check().run(observe(improving, base=healthy_ns_gan())).severity == "info"


def test_a_cyclic_learning_rate_is_named() -> None:
    cyclic = {**ROTATING, "update.generator": wave(1e-3, 5e-4)}
    because = {a.cause: a.verdict for a in check().run(observe(cyclic, base=healthy_ns_gan())).because}
    assert because["a cyclic learning rate"] == "open"


def test_noise_is_no_rotation() -> None:
    chance = np.random.default_rng(0)
    noisy = {"sample.fake.mean": lambda t: -0.6 + 0.4 * chance.standard_normal(len(t))}
    assert check().run(observe(noisy, base=healthy_ns_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
