"""Another output in eval mode."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe, verdicts

NAME = "eval-drift"


def _run(distance: float, change: float, **more):
    probes = {"eval-drift": {"distance": distance, "change": change, "ema": float("nan")}}
    return observe(probes=probes, base=healthy_ns_gan(), **more)


def test_both_numbers_make_a_warning() -> None:
    finding = found(NAME, _run(12.0, 1.4))
    assert finding.severity == "warning"
    assert finding.confidence > found(NAME, _run(3.1, 0.52)).confidence


def test_dropout_changes_samples_but_not_the_set() -> None:
    assert found(NAME, _run(1.2, 1.4)) is None


def test_a_small_shift_of_the_set_is_fine() -> None:
    assert found(NAME, _run(5.0, 0.1)) is None


def test_not_before_the_warm_up() -> None:
    assert found(NAME, _run(12.0, 1.4, step=100)) is None


def test_training_in_eval_mode_stays_open() -> None:
    run = _run(12.0, 1.4, facts={"modes": {"generator_training": 0.0}})
    assert verdicts(found(NAME, run))["training itself runs in eval mode"] == "open"


LAYERS = {"modes": {"discriminator_layers": {"BatchNorm2d": 2}, "generator_layers": {"Dropout": 1}}}


def test_a_discriminator_that_is_trained_in_eval_mode_is_named() -> None:
    finding = found(NAME, observe({"mode.discriminator": 0.0}, facts=LAYERS, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "discriminator is trained in eval mode" in finding.message
    assert "2 BatchNorm2d" in finding.message


def test_dropout_alone_is_information() -> None:
    finding = found(NAME, observe({"mode.generator": 0.0}, facts=LAYERS, base=healthy_ns_gan()))
    assert finding.severity == "info"


def test_train_mode_or_eval_mode_of_the_past_is_fine() -> None:
    assert found(NAME, observe({"mode.discriminator": 1.0}, facts=LAYERS, base=healthy_ns_gan())) is None
    past = {"mode.discriminator": lambda t: 1.0 * (t > 0.4)}
    assert found(NAME, observe(past, facts=LAYERS, base=healthy_ns_gan())) is None
