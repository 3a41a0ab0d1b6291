"""Ranges of reals and fakes."""

from __future__ import annotations

import numpy as np
import pytest
from observe import found, healthy_ns_gan, healthy_ring_gan, observe, verdicts

NAME = "range-mismatch"


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        ("tanh", 0.0, 255.0),
        ("tanh", -2.1, 2.6),
        ("sigmoid", -1.0, 1.0),
        ("relu", -1.0, 1.0),
    ],
)
def test_reals_that_the_generator_cannot_reach_are_an_error(activation, low, high) -> None:
    run = observe(
        {
            "sample.real.low": low,
            "sample.real.high": high,
            "sample.fake.low": -0.9 if activation == "tanh" else 0.0,
            "sample.fake.high": 0.9,
        },
        facts={"generator.output_activation": activation},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run).severity == "error"


def test_reals_in_zero_one_against_tanh() -> None:
    signals = {"sample.real.low": 0.0}
    alone = found(NAME, observe(signals, base=healthy_ns_gan()))
    assert alone.severity == "warning"
    assert verdicts(alone)["data that have no low values by nature"] == "open"
    separated = found(NAME, observe({**signals, "score.auc": 0.99}, base=healthy_ns_gan()))
    assert separated.severity == "error"


def test_a_perturbation_that_is_added_to_the_reals_is_no_tanh_against_them() -> None:
    """AdvGAN: what is judged is clamp(x + perturbation), in the data's range from the first batch on."""
    reals = {"sample.real.low": 0.0}
    assert found(NAME, observe({**reals, "sample.fake.low": 0.0}, base=healthy_ns_gan())) is None
    learnt = np.concatenate([[-0.8, -0.3], np.zeros(60)])
    assert found(NAME, observe({**reals, "sample.fake.low": learnt}, base=healthy_ns_gan())) is not None


def test_one_trivial_number_is_as_good_a_second_signal() -> None:
    probes = {"one-feature": {"auc": 1.0, "feature": 0.0, "auc.matched": 0.6, "auc.dequantised": 1.0}}
    run = observe({"sample.real.low": 0.0}, probes=probes, base=healthy_ns_gan())
    assert found(NAME, run).severity == "error"


def test_fakes_that_are_mapped_on_their_way() -> None:
    run = observe({"sample.fake.low": 0.0}, base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding.severity == "warning"
    assert "mapped on their way" in finding.message
    assert found(NAME, observe({"score.auc": 0.99}, base=run)).severity == "error"


def test_before_training_the_structure_is_enough() -> None:
    run = observe(
        {"sample.real.low": [0.0], "sample.real.high": [255.0]},
        step=0,
        facts={"generator.output_activation": "tanh"},
        source="preflight",
    )
    assert found(NAME, run).severity == "error"


def test_a_generator_without_activation_is_not_judged_by_it() -> None:
    run = observe(
        {"sample.real.low": 0.0, "sample.fake.low": -1.3, "sample.fake.high": 1.4},
        facts={"generator.output_activation": None},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


def test_unnormalised_data_without_activation_need_three_signals() -> None:
    signals = {
        "sample.real.std": 80.0,
        "sample.spread.ratio": 0.01,
        "score.auc": 1.0,
    }
    assert found(NAME, observe(signals, base=healthy_ring_gan())).severity == "warning"
    # A clamp that nothing reaches bounds nothing: the data decide there as well.
    wide = {"generator.output_activation": "clamp"}
    assert found(NAME, observe(signals, facts=wide, base=healthy_ring_gan())).severity == "warning"
    for name in signals:
        fewer = {other: value for other, value in signals.items() if other != name}
        assert found(NAME, observe(fewer, base=healthy_ring_gan())) is None
    early = observe(signals, step=150, base=healthy_ring_gan())
    assert found(NAME, early) is None


def test_collapse_inside_the_reals_range_is_no_range_mismatch() -> None:
    run = observe(
        {"sample.fake.low": -0.3, "sample.fake.high": 0.2, "score.auc": 1.0, "sample.spread.ratio": 0.01},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


def test_a_little_noise_beyond_the_bounds_is_fine() -> None:
    run = observe({"sample.real.low": -1.1, "sample.real.high": 1.12}, base=healthy_ns_gan())
    assert found(NAME, run) is None


def corrupt(places: list[int], size: float = 1000.0):
    high = np.ones(301)
    high[places] = size
    return {"sample.real.high": high, "sample.real.low": -1.0}


def test_corrupt_records_are_outliers_among_the_reals() -> None:
    finding = found(NAME, observe(corrupt([3, 40, 200]), base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.remedies[0].name == "remove-corrupt-records"


def test_a_corrupt_record_in_most_batches_is_no_usual_one() -> None:
    most = [place for place in range(301) if place % 3]
    assert found(NAME, observe(corrupt(most), base=healthy_ns_gan())).severity == "warning"


def test_one_batch_or_a_heavy_tail_is_no_outlier() -> None:
    assert found(NAME, observe(corrupt([40]), base=healthy_ring_gan())) is None
    tails = np.exp(np.random.default_rng(0).normal(size=(301, 128))).max(axis=1)
    heavy = {"sample.real.high": tails, "sample.real.low": 0.0}
    assert found(NAME, observe(heavy, base=healthy_ring_gan())) is None


def _shown(activation: str, **ends):
    names = {name.replace("_", "."): value for name, value in ends.items()}
    return found(
        NAME, observe(names, facts={"generator.output_activation": activation}, base=healthy_ns_gan())
    )


def test_noise_on_whatever_the_discriminator_is_shown_is_no_range() -> None:
    noisy = {"sample_real_low": -1.36, "sample_real_high": 1.3}
    assert _shown("tanh", **noisy, sample_fake_low=-1.28, sample_fake_high=1.2) is None
    assert _shown("tanh", **noisy, sample_fake_low=-1.0, sample_fake_high=1.0).severity == "error"
    # Fakes that do not reach the bounds yet are pushed only a little beyond them, which tanh never is.
    assert _shown("tanh", **noisy, sample_fake_low=-1.08, sample_fake_high=0.9) is None
    wide = {"sample_real_low": -2.1, "sample_real_high": 2.6}
    assert _shown("tanh", **wide, sample_fake_low=-1.08, sample_fake_high=0.9).severity == "error"


def test_a_clamp_short_of_the_reals() -> None:
    reals = {"sample_real_low": -1.0, "sample_real_high": 1.0}
    assert _shown("clamp", **reals, sample_fake_low=0.0, sample_fake_high=0.99).severity == "error"
    # Wide enough; and ends that are where the samples happen to end.
    assert _shown("clamp", **reals, sample_fake_low=-1.2, sample_fake_high=1.2) is None
    moving = {"sample_fake_low": lambda t: -0.2 - 0.3 * t, "sample_fake_high": lambda t: 0.5 + 0.3 * t}
    assert _shown("clamp", **reals, **moving) is None


PIXELS = {
    "sample.real.low": -1.0,
    "sample.real.high": 1.0,
    "sample.real.std": 0.4,
    "sample.fake.low": -3.0,
    "sample.fake.high": 250.0,
    "sample.fake.std": lambda t: 60 * 0.05**t,
    "score.auc": 0.99,
}
USUAL_WEIGHTS = {"generator.initialisation": [{"std": 0.1, "expected_std": 0.25}]}


@pytest.mark.parametrize("activation", [None, "tanh", "clamp"])
def test_fakes_in_pixels_and_reals_that_are_not(activation) -> None:
    facts = {"generator.output_activation": activation, **USUAL_WEIGHTS}
    finding = found(NAME, observe(PIXELS, facts=facts, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "another scale" in finding.message


@pytest.mark.parametrize(
    ("signals", "facts"),
    [
        # It starts in the reals' scale and blows up.
        ({"sample.fake.std": lambda t: 0.4 * 1e40 ** np.minimum(t, 0.1)}, {}),
        # It comes down to the reals' scale.
        ({"sample.fake.std": lambda t: np.where(t < 0.5, 60.0, 0.4)}, {}),
        # Its weights start far too large.
        ({}, {"generator.initialisation": [{"std": 2.0, "expected_std": 0.25}]}),
        # Nobody tells them apart by it.
        ({"score.auc": 0.7}, {}),
    ],
)
def test_fakes_that_are_wide_for_another_reason(signals, facts) -> None:
    run = observe(
        {**PIXELS, **signals},
        facts={"generator.output_activation": None, **USUAL_WEIGHTS, **facts},
        probes={"one-feature": {"auc": 0.7, "feature": 0.0}},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


BYTES = {
    "sample.real.low": 0.0,
    "sample.real.high": 255.0,
    "sample.real.std": 70.0,
    "sample.fake.low": -1.4,
    "sample.fake.high": 1.6,
}


def young(signals, kind="image"):
    facts = {"generator.output_activation": None, "data.kind": kind}
    return found(NAME, observe(signals, facts=facts, step=60, base=healthy_ns_gan()))


def test_images_that_are_still_bytes_are_named_early() -> None:
    finding = young(BYTES)
    assert finding.severity == "warning"
    assert "[0, 255]" in finding.message


def test_a_network_that_gives_bytes_and_other_data_are_fine() -> None:
    assert young({**BYTES, "sample.fake.low": 90.0, "sample.fake.high": 160.0}) is None
    assert young({**BYTES, "sample.real.high": 1.0, "sample.real.std": 0.3}) is None
    assert young(BYTES, kind="vector") is None


def test_a_softmax_over_the_wrong_axis_is_an_error() -> None:
    finding = found(NAME, observe({"sample.fake.elsewhere": 1.0}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.details["case"] == "axis"
    for right in (0.0, [1.0, *[0.0] * 20]):
        assert found(NAME, observe({"sample.fake.elsewhere": right}, base=healthy_ns_gan())) is None
