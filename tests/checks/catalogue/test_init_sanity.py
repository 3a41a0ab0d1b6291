"""Initial weights."""

from __future__ import annotations

import numpy as np
from observe import found, healthy_ns_gan, healthy_ring_gan, observe

from equipoise.history.observations import Series

NAME = "init-sanity"


def _layer(name="0", std=0.02, expected=0.02, kind="Conv2d", mean=0.0):
    return {"name": name, "type": kind, "std": std, "expected_std": expected, "weight_mean": mean}


def _run(layers, signals=None):
    return observe(signals, facts={"generator.initialisation": layers}, base=healthy_ns_gan())


def test_equal_weights_in_most_layers_are_an_error() -> None:
    layers = [_layer("0", std=0.0), _layer("1", std=0.0), _layer("2")]
    assert found(NAME, _run(layers)).severity == "error"


def test_one_layer_at_zero_on_purpose_is_fine() -> None:
    layers = [_layer("0"), _layer("1"), _layer("gate", std=0.0)]
    assert found(NAME, _run(layers)) is None


def test_scale_factors_at_zero_in_all_norms_only() -> None:
    norm = {"name": "1", "type": "BatchNorm2d", "std": 0.0, "expected_std": None, "weight_mean": 0.0}
    assert found(NAME, _run([_layer(), norm])).severity == "warning"
    assert found(NAME, _run([_layer(), norm, {**norm, "weight_mean": 1.0}])) is None


def test_scale_factors_around_zero_were_meant_around_one() -> None:
    """Drawn about zero they differ, and a much copied course starts so: slow, but it trains."""
    norm = {"name": "1", "type": "BatchNorm2d", "std": 0.02, "expected_std": None, "weight_mean": 0.006}
    drawn = found(NAME, _run([_layer(), norm]))
    assert drawn.severity == "warning"
    alike = found(NAME, _run([_layer(), norm, {**norm, "std": 0.001}]))
    assert alike.severity == "warning"
    assert alike.confidence > drawn.confidence


def test_scales_that_do_not_fit_together() -> None:
    """DCGAN's fixed 0.02 spans a factor of 64 in common layers; a layer of ones beside it a hundred."""
    missed = [_layer("0", std=0.02, expected=0.35), _layer("5", std=1.0, expected=0.1, kind="Linear")]
    assert found(NAME, _run(missed)).severity == "warning"
    scaled = [dict(layer, type="EqualizedLinear") for layer in missed]
    assert found(NAME, _run(scaled)) is None
    dcgan = [_layer("0", std=0.02, expected=0.35), _layer("5", std=0.02, expected=0.0055)]
    assert found(NAME, _run(dcgan)) is None


def test_large_weights_need_to_show_at_the_start() -> None:
    large = [_layer(std=1.0, expected=0.01)]
    assert found(NAME, _run(large, {"sample.fake.saturated": 0.01})) is None  # equalised learning rate
    finding = found(NAME, _run(large, {"sample.fake.saturated": 0.97}))
    assert finding.severity == "warning"
    assert finding.evidence[0].value == 100.0


def test_a_loud_start_with_usual_weights_is_no_fault_of_the_initialisation() -> None:
    assert found(NAME, observe({"gradient.generator": 500.0}, base=healthy_ns_gan())) is None


def test_layers_that_were_missed_are_info() -> None:
    layers = [_layer("0", 0.02, 0.1), _layer("1", 0.0201, 0.05), _layer("2", 0.07, 0.07)]
    finding = found(NAME, _run(layers))
    assert finding.severity == "info"
    assert "`2`" in finding.message


def test_dcgan_and_default_initialisation_are_fine() -> None:
    dcgan = [_layer("0", 0.02, 0.144), _layer("1", 0.0199, 0.0064), _layer("2", 0.0201, 0.03)]
    assert found(NAME, _run(dcgan, {"sample.fake.saturated": 0.0})) is None
    assert found(NAME, healthy_ring_gan()) is None


def test_dead_units_at_the_start_but_not_later() -> None:
    assert found(NAME, observe({"activation.dead": 0.8}, base=healthy_ns_gan())).severity == "warning"
    later = observe({"activation.dead": lambda t: 0.8 * (t > 0.5)}, base=healthy_ns_gan())
    assert found(NAME, later) is None


def test_units_that_come_to_life_and_a_single_record_of_a_run() -> None:
    """BicycleGAN as published: 62 % at the bottom of its U-Net, where hardly any signal arrives at first."""
    revived = {"activation.dead": lambda t: 0.6 * (t < 0.02)}
    assert found(NAME, observe(revived, base=healthy_ns_gan())) is None
    single = {"activation.dead": Series(np.array([2.0]), np.array([0.6]))}
    assert found(NAME, observe(single, base=healthy_ns_gan())) is None
    assert found(NAME, observe(single, source="preflight", base=healthy_ns_gan())).severity == "warning"


def test_units_are_zero_for_all_where_all_inputs_are_the_same() -> None:
    dead = {"activation.dead": lambda t: np.where(t < 0.02, 0.6, 0.6)}
    assert found(NAME, _run([_layer()], dead)).severity == "warning"
    assert found(NAME, _run([_layer()], {**dead, "sample.distance.ratio": 1e-6})) is None
