"""No adversarial gradient reaches the generator."""

from __future__ import annotations

import pytest
from observe import found, healthy_composite_gan, healthy_ns_gan, observe, verdicts

NAME = "generator-graph-cut"
CUT = {"generator.graph_cut": True}


def test_a_cut_graph_is_an_error() -> None:
    run = observe({"gradient.samples": None, "gradient.generator": 0.0}, facts=CUT, base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding.severity == "error"
    assert "other loss terms" not in finding.message


def test_other_terms_that_still_train_the_generator_are_named() -> None:
    finding = found(NAME, observe(facts=CUT, base=healthy_composite_gan()))
    assert "other loss terms only" in finding.message


@pytest.mark.parametrize(
    "signals",
    [
        {"slope.generator.zero": 1.0, "slope.generator.size": 0.0},  # a saturated, clamped loss
        {"discriminator.slope": 0.0},  # a dead discriminator
    ],
)
def test_a_gradient_that_dies_elsewhere_is_no_cut(signals) -> None:
    assert found(NAME, observe(signals, facts=CUT, base=healthy_ns_gan())) is None


def test_half_precision_leaves_underflow_open() -> None:
    finding = found(NAME, observe(facts={**CUT, "precision": "float16"}, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert verdicts(finding)["underflow in half precision"] == "open"


ONLY_OTHER_TERMS = {"gradient.samples": None, "score.generator.mean": None, "gradient.generator": 4.0}


def test_detached_fakes_beside_a_pixel_loss_never_bring_a_gradient() -> None:
    finding = found(NAME, observe(ONLY_OTHER_TERMS, base=healthy_composite_gan()))
    assert finding.severity == "warning"
    assert "other loss terms only" in finding.message


@pytest.mark.parametrize(
    "options",
    [
        {"signals": {**ONLY_OTHER_TERMS, "score.generator.mean": 0.3}},  # its step was seen
        {"signals": {**ONLY_OTHER_TERMS, "score.fake.mean": None}},  # the discriminator is not trained yet
        {"signals": ONLY_OTHER_TERMS, "updates": {"generator": 30, "discriminator": 30}},
        {"signals": ONLY_OTHER_TERMS, "facts": {"roles.decided": 0.5}},
    ],
)
def test_what_was_not_seen_for_certain_is_no_cut(options) -> None:
    assert found(NAME, observe(**options, base=healthy_composite_gan())) is None


def test_without_the_fact_there_is_nothing() -> None:
    assert found(NAME, observe({"gradient.samples": 0.0}, base=healthy_ns_gan())) is None
