"""EQ201: one face, three faces, absent modes; and what only looks like it."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_composite_gan, healthy_ns_gan, healthy_ring_gan, observe

from equipoise.checks.base import CHECKS

ONE_FACE = {
    "sample.distance.ratio": 0.02,
    "sample.spread.ratio": 0.02,
    "feature.distance.ratio": 0.03,
    "sample.fake.duplicates": 1.0,
}
# Three faces in equal shares: two fakes differ with probability 2/3, and each has its copy in the batch.
THREE_FACES = {"sample.distance.ratio": 0.67, "sample.fake.duplicates": 1.0, "sample.coverage": 0.6}


def check():
    return CHECKS.get("mode-collapse")()


def test_total_collapse_is_an_error() -> None:
    finding = check().run(observe(ONE_FACE, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.details["extent"] == "total"
    assert finding.confidence > 0.85
    assert finding.remedies[0].name == "r1-and-r2-penalty"


def test_three_faces_are_seen_by_their_copies() -> None:
    finding = check().run(observe(THREE_FACES, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.details["extent"] == "partial"
    assert "few different samples, though they are apart" in finding.message


def test_three_faces_with_the_probe_are_an_error_with_a_bound_on_the_support() -> None:
    probed = {"duplicates": 1.0, "duplicates.low": 0.99, "support.low": 2.0, "support.high": 5.0}
    finding = check().run(observe(THREE_FACES, probes={"diversity": probed}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert any("at most 5 different" in m.meaning for m in finding.evidence)


def test_absent_modes_by_deserted_cells() -> None:
    probed = {"clusters": 0.6, "clusters.expected": 0.05, "coverage": 0.4, "coverage.expected": 0.96}
    finding = check().run(observe(probes={"diversity": probed}, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.evidence[0].name == "diversity.clusters"


def test_absent_modes_by_coverage_while_the_fakes_are_on_the_data() -> None:
    one_half = {"sample.coverage": 0.3, "sample.nearest.ratio": 1.0}
    assert check().run(observe(one_half, base=healthy_ns_gan())).severity == "warning"
    poor = {"sample.coverage": 0.3, "sample.nearest.ratio": 2.0}
    assert check().run(observe(poor, base=healthy_ns_gan())) is None


def test_narrow_modes_have_near_copies_among_the_reals_too() -> None:
    assert check().run(observe({"sample.fake.duplicates": 1.0}, base=healthy_ring_gan())) is None


def test_collapse_on_narrow_modes_is_still_seen() -> None:
    assert check().run(observe(ONE_FACE, base=healthy_ring_gan())).severity == "error"


def test_too_early_is_undecided() -> None:
    early = observe(ONE_FACE, base=healthy_ns_gan()).at(400)
    assert check().run(early) is None
    assert "early" in check().undecided(early) or "slow start" in check().undecided(early)


def test_a_collapse_that_diversifies_later_is_no_finding() -> None:
    growing = {
        **ONE_FACE,
        "sample.distance.ratio": lambda t: 0.05 + 0.4 * t,
        "sample.fake.duplicates": lambda t: 1 - 0.4 * t,
    }
    observations = observe(growing, base=healthy_ns_gan())
    assert check().run(observations) is None
    assert "growing" in check().undecided(observations)


def test_a_few_faces_that_drift_apart_stay_a_few() -> None:
    apart = {"sample.distance.ratio": lambda t: 0.4 + 0.45 * t, "sample.fake.duplicates": 0.94}
    finding = check().run(observe(apart, base=healthy_ns_gan()))
    assert [sign.name for sign in finding.evidence][:1] == ["sample.fake.duplicates"]
    fewer = {**apart, "sample.fake.duplicates": lambda t: 0.94 - 0.4 * t}
    assert check().run(observe(fewer, base=healthy_ns_gan())) is None


def test_blurred_translations_are_not_collapsed() -> None:
    assert check().run(observe({"sample.distance.ratio": 0.4}, base=healthy_composite_gan())) is None
    assert check().run(observe(ONE_FACE, base=healthy_composite_gan())).severity == "error"


def test_the_causes_that_look_the_same_are_weighed() -> None:
    finding = check().run(observe({**ONE_FACE, "latent.std": 0.0}, base=healthy_ns_gan()))
    verdicts = {a.cause: a.verdict for a in finding.because}
    assert verdicts["a constant or repeated latent"] == "open"
    assert verdicts["a layer that erases the latent (batch norm)"] == "ruled out"
    assert verdicts["dead units in the generator"] == "ruled out"


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
