"""EQ103: a guess is a fault only if there is something to know."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS
from equipoise.checks.finding import Finding
from equipoise.history.observations import Observations


def check():
    return CHECKS.get("uninformative-discriminator")()


def guessing(fresh: float | None, **signals: float) -> Observations:
    probes = {"fresh-discriminator": {"auc": fresh, "auc.own": 0.5}} if fresh is not None else None
    base = healthy_ns_gan()
    if fresh is None:
        base.probe_results = [r for r in base.probe_results if r.name != "fresh-discriminator"]
    return observe({"score.auc": 0.5, "score.gap": 0.01, **signals}, probes=probes, base=base)


def test_a_fresh_discriminator_that_separates_is_a_warning() -> None:
    finding: Finding = check().run(guessing(0.9))
    assert finding.severity == "warning"
    assert finding.because[0].verdict == "ruled out"


def test_certain_and_far_is_an_error() -> None:
    finding = check().run(guessing(0.99, **{"sample.nearest.ratio": 3.0}))
    assert finding.severity == "error"


def test_equilibrium_is_no_finding_and_decided() -> None:
    assert check().run(guessing(0.55)) is None
    assert check().undecided(guessing(0.55)) is None


def test_without_the_probe_it_is_undecided() -> None:
    assert check().run(guessing(None)) is None
    assert "fresh-discriminator" in check().undecided(guessing(None))


def test_without_the_probe_two_other_measures_do() -> None:
    finding = check().run(guessing(None, **{"sample.nearest.ratio": 3.0, "sample.coverage": 0.1}))
    assert finding.severity == "warning"
    assert finding.because[0].verdict == "open"


def test_beside_a_reconstruction_it_is_normal() -> None:
    """VQGAN: logits -0.132 and -0.140 for good (LlamaGen issue 27)."""
    finding = check().run(observe(facts={"objective.composite": 0.9}, base=guessing(0.9)))
    assert finding.severity == "info"


def test_an_old_probe_does_not_count() -> None:
    observations = guessing(0.9)
    first = observations.probe_results[-1]
    observations.probe_results = [type(first)(first.name, 100, first.values)]
    observations.signals["score.auc"] = observations.series("score.auc").since(500)
    assert check().run(observations) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_a_discriminator_that_runs_after_the_fakes() -> None:
    """Right and wrong in turns: the AUC flips between 0 and 1 while the fakes fly about."""
    flips = {"score.auc": lambda t: ((t * 20) % 1 < 0.5).astype(float), "sample.nearest.ratio": 50.0}
    probes = {"fresh-discriminator": {"auc": 1.0, "auc.own": 0.0}}
    finding = check().run(observe(flips, probes=probes, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    near = {**flips, "sample.nearest.ratio": 1.0}
    assert check().run(observe(near, probes=probes, base=healthy_ns_gan())) is None
    able = {"fresh-discriminator": {"auc": 0.7, "auc.own": 0.0}}
    assert check().run(observe(flips, probes=able, base=healthy_ns_gan())) is None


def test_fakes_that_are_alike_make_the_collapse_the_root() -> None:
    alike = check().run(guessing(0.99, **{"sample.nearest.ratio": 3.0, "sample.distance.ratio": 0.05}))
    assert "mode-collapse" not in alike.explains
    diverse = check().run(guessing(0.99, **{"sample.nearest.ratio": 3.0}))
    assert "mode-collapse" in diverse.explains


def test_a_collapse_that_hops_about_is_not_said_to_come_from_the_discriminator() -> None:
    hopping = observe(
        {
            "score.auc": lambda t: 0.7 + 0.3 * np.sign(np.sin(60 * t)),
            "sample.distance.ratio": 0.17,
            "sample.coverage": 0.1,
        },
        probes={"fresh-discriminator": {"auc": 0.99, "steps": 200}},
        step=2000,
        base=healthy_ns_gan(),
    )
    finding = check().run(hopping)
    assert "records since the warm-up" in finding.message
    assert not {"mode-collapse", "batch-blindness"} & set(finding.explains)
    assert {"instability", "oscillation"} <= set(finding.explains)
    assert finding.severity == "info"


def layers(*kinds: str, **settings: float) -> dict[str, list[dict[str, object]]]:
    weights = {"Linear": 1000}
    return {
        "discriminator.layers": [
            {"name": str(i), "type": kind, "parameters": weights.get(kind, 0), **settings}
            for i, kind in enumerate(kinds)
        ]
    }


def straight(**slopes: float) -> Observations:
    """Slopes of 0.18 everywhere but where told, fakes far away."""
    return observe(
        {
            "score.auc": 1.0,
            "sample.nearest.ratio": 5.0,
            "sample.coverage": 0.0,
            "sample.distance.ratio": 3.0,
        },
        probes={
            "fresh-discriminator": {"auc": 1.0, "auc.own": 1.0},
            "gradient-penalty": {"norm": 0.18, "norm.std": slopes.pop("std", 1e-9)},
            "gradient-anatomy": {
                "steepness": 0.18, "steepness.real": 0.18, "steepness.between": 0.18, **slopes
            },
        },
        facts=layers("Linear", "Linear"),
        base=healthy_ns_gan(),
    )  # fmt: skip


def test_a_discriminator_that_is_a_straight_line() -> None:
    finding = check().run(straight())
    assert finding.severity == "error"
    assert "straight line" in finding.message
    assert finding.explains is None
    assert "constant-discriminator" in check().explains


def test_a_straight_piece_of_a_network_that_can_bend_is_a_moments_measure() -> None:
    """A tightly clipped critic: early in its training no unit changes sides among the samples."""
    clipped = observe(facts=layers("Linear", "LeakyReLU", "Linear"), base=straight())
    finding = check().run(clipped)
    assert finding.severity == "info"
    assert finding.explains == ()
    # What is told of its guesses comes first.
    guesses = observe({"score.auc": 0.5, "score.gap": 0.01}, base=clipped)
    assert "no better than a guess" in check().run(guesses).message
    # A final sigmoid bends nothing before the score, nor does a slope of 1.
    for facts in (
        layers("Linear", "Sigmoid"),
        layers("Linear", "Linear"),
        layers("Linear", "LeakyReLU", "Linear", negative_slope=1.0),
    ):
        assert check().run(observe(facts=facts, base=straight())).severity == "error"


def test_one_with_curves_is_not() -> None:
    assert check().run(straight(std=0.02)) is None
    assert check().run(straight(**{"steepness.real": 0.17})) is None


def test_nor_one_whose_fakes_have_arrived() -> None:
    arrived = observe(
        {"sample.nearest.ratio": 1.0, "sample.coverage": 0.9, "sample.distance.ratio": 1.0}, base=straight()
    )
    assert check().run(arrived) is None


def test_a_point_against_a_point_or_a_cloud_in_the_wrong_place_needs_no_more_than_a_line() -> None:
    assert check().run(observe({"sample.distance.ratio": 1.0}, base=straight())) is None
    assert check().run(observe({"sample.distance.ratio": 0.0}, base=straight())) is None


def test_a_wasserstein_critic_with_fewer_updates_than_the_generator() -> None:
    """n_critic = 5 counts the generator's steps; one to one, five to one and another loss are right."""
    swapped = {"generator": 1000, "discriminator": 200}
    finding = check().run(observe(updates=swapped, base=healthy_wasserstein_gp()))
    assert finding.severity == "warning"
    assert "The generator had 1,000 updates and its critic 200" in finding.message
    for updates in ({"generator": 1000, "discriminator": 1000}, {"generator": 200, "discriminator": 1000}):
        assert check().run(observe(updates=updates, base=healthy_wasserstein_gp())) is None
    assert check().run(observe(updates=swapped, base=healthy_ns_gan())) is None
    hardly = {"generator": 1000, "discriminator": 10}
    assert "its discriminator 10" in check().run(observe(updates=hardly, base=healthy_ns_gan())).message
    late = np.where(np.arange(301) < 295, np.nan, 1e-3)  # the generator was trained alone until step 2,950
    assert check().run(observe({"update.discriminator": late}, updates=hardly, base=healthy_ns_gan())) is None
    early = {"generator": 50, "discriminator": 1}
    assert check().run(observe(updates=early, base=healthy_wasserstein_gp())) is None
