"""EQ202: blindness is a fault only beside a collapse."""

from __future__ import annotations

import pytest
from observe import healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.checks.diagnosis import judge

ONE_FACE = {"sample.distance.ratio": 0.02, "feature.distance.ratio": 0.03, "sample.fake.duplicates": 1.0}
BLIND = {"batch-blindness": {"shift": 1e-7, "shift.real": 1e-7, "clones": 0.1, "diverse": 0.1}}
SEEING = {"batch-blindness": {"shift": 0.8, "shift.real": 0.7, "clones": -2.0, "diverse": 0.1}}


def check():
    return CHECKS.get("batch-blindness")()


def test_with_a_collapsed_generator_no_hyper_parameter_will_cure_it() -> None:
    finding = check().run(observe(ONE_FACE, probes=BLIND, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert "no hyper-parameter will cure it" in finding.message
    roots = {remedy.name for remedy in finding.remedies if remedy.cure == "root"}
    assert roots == {
        "minibatch-standard-deviation",
        "minibatch-discrimination",
        "packing",
        "microbatch-discrimination",
    }


def test_it_comes_before_the_total_collapse_it_keeps_alive() -> None:
    diagnosis = judge(observe(ONE_FACE, probes=BLIND, base=healthy_ns_gan()))
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert diagnosis.findings[0].name == "batch-blindness"
    assert ranked["mode-collapse"].caused_by == "batch-blindness"


def test_absent_modes_are_not_blamed_on_it() -> None:
    finding = check().run(observe({"sample.distance.ratio": 0.4}, probes=BLIND, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.explains == ()


def test_with_a_diverse_generator_it_is_information() -> None:
    assert check().run(observe(probes=BLIND, base=healthy_ns_gan())).severity == "info"


def test_a_discriminator_that_sees_the_batch() -> None:
    assert check().run(observe(ONE_FACE, probes=SEEING, base=healthy_ns_gan())) is None


def test_a_dead_batch_layer_is_a_warning() -> None:
    facts = {"discriminator.batch_layer": True}
    finding = check().run(observe(facts=facts, probes=BLIND, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "dead" in finding.message


@pytest.mark.parametrize("shift", [float("nan"), 0.05])
def test_no_measurement_or_a_shift_is_no_finding(shift: float) -> None:
    assert check().run(observe(probes={"batch-blindness": {"shift": shift}}, base=healthy_ns_gan())) is None
