"""EQ203: the latent is decoration; unless there is none, or nothing follows the condition either."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_composite_gan, healthy_conditional_gan, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations


def check():
    return CHECKS.get("z-ignored")()


def conditional(latent: float, condition: float = 0.7, **signals: float) -> Observations:
    probe = {"generator-response": {"latent": latent, "condition": condition, "noise": latent}}
    return observe(signals, probes=probe, base=healthy_conditional_gan())


def test_an_ignored_latent_is_a_warning() -> None:
    finding = check().run(conditional(0.02))
    assert finding.severity == "warning"
    assert finding.because[0].verdict == "ruled out"


def test_an_unconnected_latent_is_an_error() -> None:
    assert check().run(conditional(1e-7)).severity == "error"


def test_a_collapse_follows_neither() -> None:
    assert check().run(conditional(1e-3, condition=0.01)) is None


def test_a_young_generator_that_follows_both_a_little_does_not_ignore_its_latent() -> None:
    """0.08 by the latent, 0.11 by the condition (an ACGAN at step 200): all are near each other yet."""
    assert check().run(conditional(0.08, condition=0.11)) is None
    assert check().run(conditional(0.08, condition=0.95)) is not None
    assert check().run(conditional(0.01, condition=0.11)) is not None


def test_an_unconditional_generator_is_for_mode_collapse() -> None:
    probe = {"generator-response": {"latent": 1e-3, "condition": float("nan")}}
    assert check().run(observe(probes=probe, base=healthy_ns_gan())) is None


def test_image_to_image_without_a_latent_has_none_to_ignore() -> None:
    probe = {"generator-response": {"latent": 0.0, "condition": 0.8}}
    assert check().run(observe(probes=probe, base=healthy_composite_gan())) is None


def test_one_probe_of_two_does_not_suffice() -> None:
    observations = conditional(0.02)
    last = observations.probe("generator-response")
    earlier = type(last)(last.name, 2000, {"latent": 0.5, "condition": 0.7})
    observations.probe_results.insert(0, earlier)
    assert check().run(observations) is None


def test_narrow_modes_per_condition_are_natural() -> None:
    """A ring conditioned on the mode: within a mode there is next to no spread among the reals either."""
    narrow = {"sample.real.duplicates": 0.8}
    assert check().run(conditional(0.01, **narrow)) is None
    copies = {"diversity": {"duplicates.low": 0.9}}
    assert check().run(observe(probes=copies, base=conditional(0.01, **narrow))) is not None


def test_a_reconstruction_term_is_named_as_the_reason() -> None:
    finding = check().run(observe(facts={"objective.composite": 0.95}, base=conditional(0.02)))
    assert finding.because[1].verdict == "open"


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_reals_that_hardly_differ_within_a_condition_set_the_measure() -> None:
    """A ring conditioned on the mode: fakes that spread by 0.05 of all reals, as reals of one mode do."""

    def spread(within: float) -> Observations:
        probe = {"latent": 0.05, "latent.real": within, "condition": 0.7, "noise": 0.05}
        return observe(probes={"generator-response": probe}, base=healthy_conditional_gan())

    assert check().run(spread(0.06)) is None
    finding = check().run(spread(0.9))
    assert finding.severity == "warning"
    assert finding.evidence[0].threshold == pytest.approx(0.09)


def _layers(first: float, latent: float = 0.0, std: float = 1.0, base=None):
    return check().run(
        observe(
            {"latent.std": std},
            probes={
                "layer-variance": {"first": first, "smallest": 0.0, "smallest.depth": 0.1, "last": 0.0},
                "generator-response": {"latent": latent, "condition": float("nan")},
            },
            base=base or healthy_ns_gan(),
        )
    )


def test_a_latent_that_never_arrives() -> None:
    finding = _layers(0.0)
    assert finding.severity == "error"
    assert [remedy.name for remedy in finding.remedies] == ["connect-latent"]
    # Dead units or a normalisation erase it behind the first layer; a constant latent has another check.
    assert _layers(0.005) is None
    assert _layers(0.0, std=0.0) is None
    # Given to a later layer only, as in a style network with a learnt constant: it does reach the output.
    assert _layers(0.0, latent=0.5) is None


def small_latents(std: float, smallest: float, latent: float) -> Observations:
    layers = {"first": smallest, "smallest": smallest, "smallest.depth": 0.5, "last": smallest}
    probes = {"layer-variance": layers, "generator-response": {"latent": latent, "condition": float("nan")}}
    return observe({"latent.std": std}, probes=probes, base=healthy_ns_gan())


def test_latents_that_hardly_differ_are_named_as_the_cause() -> None:
    finding = check().run(small_latents(1e-4, 1e-8, 1e-5))
    assert finding.severity == "error"
    assert "hardly differ" in finding.message
    assert finding.remedies[0].name == "scale-latent"


@pytest.mark.parametrize(
    ("std", "smallest", "latent"),
    [
        (1e-3, 0.3, 0.9),  # scaled up again by the first layer or a normalisation
        (1e-3, 0.3, 1e-4),  # a collapse behind layers that do pass the latent on
        (1.0, 1e-8, 1e-5),  # latents of the usual size: erased, or a collapse
        (0.3, 1e-8, 1e-5),
        (0.0, 0.0, 0.0),  # a constant latent, see batch-repeat
    ],
)
def test_latents_that_are_not_the_cause(std: float, smallest: float, latent: float) -> None:
    assert check().run(small_latents(std, smallest, latent)) is None


def unconnected(connected: float, latent: float, std: float = 1.0) -> Observations:
    response = {"latent": latent, "latent.connected": connected, "condition": float("nan")}
    return observe({"latent.std": std}, probes={"generator-response": response}, base=healthy_ns_gan())


def test_an_output_without_any_path_to_the_latent_is_an_error() -> None:
    finding = check().run(unconnected(0.0, 0.0))
    assert finding.severity == "error"
    assert "not connected" in finding.message
    assert "perfect-discriminator" in check().explains


def test_what_looks_like_an_unconnected_latent() -> None:
    assert check().run(unconnected(1.0, 0.0)) is None  # a collapse: the derivative is zero, and exists
    assert check().run(unconnected(0.0, 0.4)) is None  # enters through a lookup; or the generator's own noise
    assert check().run(unconnected(float("nan"), 0.0)) is None  # an output without a graph
    assert check().run(unconnected(0.0, 0.0, std=0.0)) is None  # a constant latent has another check
