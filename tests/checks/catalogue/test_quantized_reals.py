"""Reals on a grid."""

from __future__ import annotations

from observe import found, healthy_ns_gan, healthy_ring_gan, observe

NAME = "quantized-reals"


def _one_feature(auc: float, dequantised: float, feature: float = 3.0):
    numbers = {"auc": auc, "feature": feature, "auc.matched": auc, "auc.dequantised": dequantised}
    return {"one-feature": numbers}


def test_a_healthy_image_gan_on_8_bit_data_is_at_most_info() -> None:
    finding = found(NAME, healthy_ns_gan())
    assert finding is not None
    assert finding.severity == "info"
    separated = observe({"score.auc": 0.99}, base=healthy_ns_gan())
    assert found(NAME, separated).severity == "info"


def test_noise_that_takes_the_advantage_away_makes_it_a_warning() -> None:
    run = observe({"score.auc": 0.99}, probes=_one_feature(0.97, 0.6), base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding.severity == "warning"
    assert "0.37" in finding.message


def test_the_grid_as_best_feature_makes_it_a_warning() -> None:
    run = observe({"score.auc": 0.99}, probes=_one_feature(0.99, 0.95, 4.0), base=healthy_ns_gan())
    assert found(NAME, run).severity == "warning"


def test_another_feature_that_noise_does_not_touch_is_not_blamed_on_the_grid() -> None:
    run = observe({"score.auc": 0.99}, probes=_one_feature(1.0, 1.0, 0.0), base=healthy_ns_gan())
    assert found(NAME, run).severity == "info"


def test_the_probe_without_a_discriminator_that_separates_is_no_warning() -> None:
    run = observe(probes=_one_feature(0.97, 0.6), base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding is not None
    assert finding.severity == "info"


def test_integers_in_a_table_are_info() -> None:
    run = observe({"sample.real.lattice": 1.0}, base=healthy_ring_gan())
    assert found(NAME, run).severity == "info"


def test_rounded_fakes_and_continuous_reals_are_fine() -> None:
    both = observe({"sample.fake.lattice": 0.98, "score.auc": 0.99}, base=healthy_ns_gan())
    assert found(NAME, both) is None
    assert found(NAME, healthy_ring_gan()) is None


def test_a_gan_that_learns_on_is_not_held_up_by_the_grid() -> None:
    """A working WGAN-GP on MNIST: black lies on the grid exactly, tanh never reaches it."""
    better = {"score.auc": 0.99, "sample.nearest.ratio": lambda t: 2.0 - 0.8 * t}
    run = observe(better, probes=_one_feature(1.0, 0.95, 4.0), base=healthy_ns_gan())
    assert found(NAME, run).severity == "info"


def test_a_discriminator_that_separates_under_the_noise_too_needs_no_grid() -> None:
    """8-bit images and a blurred reconstruction: the grid separates, but it is not what separates them."""
    numbers = {**_one_feature(1.0, 0.9, 4.0)["one-feature"]}
    for own, severity in ((0.99, "info"), (0.7, "warning")):
        probe = {"one-feature": {**numbers, "auc.own.dequantised": own}}
        run = observe({"score.auc": 0.99}, probes=probe, base=healthy_ns_gan())
        assert found(NAME, run).severity == severity
