"""Latents of sampling against latents of training."""

from __future__ import annotations

import pytest
from observe import found, healthy_ns_gan, observe

NAME = "latent-mismatch"


@pytest.mark.parametrize(
    ("mean", "std", "kurtosis"),
    [
        (0.0, 0.577, 1.8),  # uniform on [-1, 1]
        (0.5, 0.289, 1.8),  # uniform on [0, 1]
        (0.0, 2.0, 3.0),  # a wider normal law
    ],
)
def test_another_law_is_a_warning(mean: float, std: float, kurtosis: float) -> None:
    run = observe(
        {
            "latent.sampling.mean": mean,
            "latent.sampling.std": std,
            "latent.sampling.kurtosis": kurtosis,
        },
        base=healthy_ns_gan(),
    )
    assert found(NAME, run).severity == "warning"


def test_truncation_is_info() -> None:
    run = observe({"latent.sampling.std": 0.7}, base=healthy_ns_gan())
    assert found(NAME, run).severity == "info"


def test_the_same_law_and_no_sampling_are_fine() -> None:
    assert found(NAME, healthy_ns_gan()) is None
    names = ("mean", "std", "kurtosis")
    run = observe({f"latent.sampling.{name}": None for name in names}, base=healthy_ns_gan())
    assert found(NAME, run) is None


def test_the_kurtosis_of_a_few_values_is_high_by_chance_more_often_than_low() -> None:
    for count, kurtosis, wrong in ((400, 3.8, False), (40_000, 3.8, True), (400, 1.8, True)):
        run = observe(
            {"latent.sampling.kurtosis": kurtosis, "latent.sampling.count": float(count)},
            base=healthy_ns_gan(),
        )
        assert (found(NAME, run) is not None) == wrong


def test_a_spread_that_no_truncation_leaves() -> None:
    for std, severity in ((0.4, "info"), (0.1, "warning")):
        run = observe({"latent.sampling.std": std}, base=healthy_ns_gan())
        assert found(NAME, run).severity == severity


LAW = ("mean", "std", "kurtosis", "count")


@pytest.mark.parametrize(("law", "wrong"), [((0.5, 0.29, 1.8, 1024.0), True), ((0.0, 0.6, 3.0, 1024.0), True),
                                            ((0.02, 1.01, 3.05, 1024.0), False)])  # fmt: skip
def test_the_fakes_of_the_discriminator_come_from_another_law(law, wrong) -> None:
    signals = {f"latent.discriminator.{what}": value for what, value in zip(LAW, law, strict=True)}
    finding = found(NAME, observe(signals, base=healthy_ns_gan()))
    assert (finding is not None) == wrong
    if wrong:
        assert finding.severity == "warning"
        assert "discriminator's fakes" in finding.message


def test_samples_of_an_average_are_samples() -> None:
    signals = {"latent.average.mean": 0.5, "latent.average.std": 0.29, "latent.average.kurtosis": 1.8}
    finding = found(NAME, observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "for sampling" in finding.message
    # Truncation of the generator's own samples does not hide it.
    both = observe({**signals, "latent.sampling.std": 0.7}, base=healthy_ns_gan())
    assert found(NAME, both).severity == "warning"
