"""Sigmoid and logarithm in two steps."""

from __future__ import annotations

from observe import found, healthy_hinge_gan, healthy_least_squares_gan, healthy_ns_gan, observe

NAME = "unfused-bce"
SIGMOID = {"discriminator.output_activation": "sigmoid"}


def test_the_pair_alone_is_info() -> None:
    assert found(NAME, observe(facts=SIGMOID, base=healthy_ns_gan())).severity == "info"


def test_gradients_that_are_lost_make_it_a_warning() -> None:
    finding = found(NAME, observe({"slope.generator.zero": 0.8}, facts=SIGMOID, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.evidence[0].value == 0.8


def test_zero_slopes_on_the_side_of_reals_cost_nothing() -> None:
    signals = {"slope.generator.zero": 0.8, "score.generator.mean": 30.0}
    assert found(NAME, observe(signals, facts=SIGMOID, base=healthy_ns_gan())).severity == "info"


def test_logits_a_double_sigmoid_and_other_losses_are_not_it() -> None:
    assert found(NAME, healthy_ns_gan()) is None
    double = {**SIGMOID, "objective.double_sigmoid": True}
    assert found(NAME, observe(facts=double, base=healthy_ns_gan())) is None
    assert found(NAME, observe(facts=SIGMOID, base=healthy_least_squares_gan())) is None
    assert found(NAME, observe({"slope.generator.zero": 0.8}, base=healthy_hinge_gan())) is None
