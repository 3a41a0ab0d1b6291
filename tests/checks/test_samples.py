"""Whether the samples improve, and whether they are far from the reals."""

from __future__ import annotations

import numpy as np
from observe import healthy_ns_gan, observe

from equipoise.checks.samples import EXPECTED_COVERAGE, distance_from_reals, improvement


def test_expected_coverage_of_equal_distributions() -> None:
    """The closed form 1 - 2^-3 against samples."""
    chance = np.random.default_rng(0)
    shares = []
    for _ in range(40):
        real, fake = chance.standard_normal((2, 64, 10))
        between = np.linalg.norm(real[:, None] - fake, axis=-1)
        within = np.sort(np.linalg.norm(real[:, None] - real, axis=-1), axis=1)[:, 3]
        shares.append(np.mean(between.min(1) <= within))
    assert abs(np.mean(shares) - EXPECTED_COVERAGE) < 0.03


def test_a_settled_run_does_not_improve_and_is_not_far() -> None:
    settled = healthy_ns_gan()
    assert improvement(settled) == []
    assert distance_from_reals(settled) == []


def test_each_measure_improves_on_its_own() -> None:
    for signal, start, end in (
        ("sample.nearest.ratio", 3.0, 1.5),
        ("sample.coverage", 0.1, 0.5),
        ("sample.distance.ratio", 0.2, 0.6),
        ("quality", 200.0, 50.0),
    ):
        better = improvement(observe({signal: lambda t, a=start, b=end: a + (b - a) * t}))
        assert [m.name for m in better] == [signal]


def test_a_spread_beyond_the_reals_improves_when_it_falls() -> None:
    assert improvement(observe({"sample.distance.ratio": lambda t: 3.0 - 1.5 * t}))
    assert not improvement(observe({"sample.distance.ratio": lambda t: 1.0 - 0.5 * t}))


def test_nothing_improves_while_coverage_is_lost() -> None:
    lost = {"sample.nearest.ratio": lambda t: 3 - t, "sample.coverage": lambda t: 0.8 - 0.5 * t}
    assert improvement(observe(lost)) == []


def test_far_by_each_measure() -> None:
    for signal, value in (
        ("sample.nearest.ratio", 2.0),
        ("sample.coverage", 0.2),
        ("sample.distance.ratio", 0.3),
        ("sample.distance.ratio", 3.0),
    ):
        assert [m.name for m in distance_from_reals(observe({signal: value}))] == [signal]
