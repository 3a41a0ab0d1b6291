"""EQ101: where the gradient dies, and when a small one is no fault."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_minimax_gan, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.checks.finding import Finding
from equipoise.history.observations import Observations, Series


def found(observations: Observations) -> Finding | None:
    return CHECKS.get("vanishing-generator-gradient")().run(observations)


def saturated() -> Observations:
    """The minimax loss against a discriminator that has won: slope D(G(z)) falls to 5e-5."""
    return observe(
        {
            "score.auc": 1.0,
            "slope.generator.size": lambda t: 0.5 * 10 ** (-4 * np.minimum(1, 2 * t)),
            "gradient.samples.relative": lambda t: 10 ** (-4 * np.minimum(1, 2 * t)),
            "gradient.samples": lambda t: 0.05 * 10 ** (-4 * np.minimum(1, 2 * t)),
            "gradient.samples.total": lambda t: 0.05 * 10 ** (-4 * np.minimum(1, 2 * t)),
            "gradient.generator": lambda t: 10 ** (-4 * np.minimum(1, 2 * t)),
        },
        probes={"gradient-anatomy": {"slope": 5e-5, "slope.reference": 0.5}},
        base=healthy_minimax_gan(),
    )


def flat() -> Observations:
    """A living loss, a discriminator that has lost its slope at the fakes."""
    return observe(
        {
            "score.auc": 1.0,
            "slope.generator.size": 0.99,
            "discriminator.slope": lambda t: 0.1 * 10 ** (-4 * t),
            "gradient.samples.relative": lambda t: 10 ** (-4 * t),
            "gradient.samples.total": lambda t: 0.1 * 10 ** (-4 * t),
            "gradient.generator": lambda t: 10 ** (-4 * t),
        },
        base=healthy_ns_gan(),
    )


def blocked() -> Observations:
    """The gradient arrives at the samples, but not at the first layer."""
    base = observe({"score.auc": 0.9}, base=healthy_ns_gan())
    steps = np.arange(0, 3001, 10.0)
    layers = np.tile([1e-7, 1e-4, 0.5], (len(steps), 1))
    base.signals["gradient.generator.layers"] = Series(steps, layers)
    return base


def test_a_saturating_loss_is_named_with_its_root_cure() -> None:
    finding = found(saturated())
    assert finding.severity == "error"
    assert finding.details["station"] == "loss"
    assert finding.remedies[0].name == "non-saturating-loss"
    assert finding.remedies[0].cure == "root"
    assert "perfect-discriminator" in finding.explains
    assert finding.since < 1500


def test_a_flat_discriminator_is_named_with_its_root_cures() -> None:
    finding = found(flat())
    assert finding.severity == "error"
    assert finding.details["station"] == "discriminator"
    roots = {remedy.name for remedy in finding.remedies if remedy.cure == "root"}
    assert {"r1-penalty", "wasserstein-gradient-penalty", "instance-noise"} <= roots
    assert "non-saturating-loss" not in roots
    assert "perfect-discriminator" not in finding.explains


def test_a_generator_that_blocks_is_named() -> None:
    finding = found(blocked())
    assert finding.details["station"] == "generator"
    assert finding.severity == "warning"
    assert "shorter-gradient-path" in {remedy.name for remedy in finding.remedies}


@pytest.mark.parametrize("case", [saturated, flat, blocked])
def test_the_other_stations_are_ruled_out_with_numbers(case) -> None:
    finding = found(case())
    ruled_out = [a for a in finding.because if a.verdict == "ruled out"]
    assert len(ruled_out) >= 2
    assert all(any(character.isdigit() for character in a.reason) for a in ruled_out if "keeps" in a.reason)


def test_a_clamp_with_exact_zeros() -> None:
    finding = found(
        observe(
            {"score.auc": 1.0, "gradient.samples.zero": 1.0, "slope.generator.zero": 1.0},
            facts={"objective.clamped": 1e-6},
            base=healthy_ns_gan(),
        )
    )
    assert finding.severity == "error"
    assert finding.details["station"] == "loss"
    assert "fused-logit-loss" in {remedy.name for remedy in finding.remedies if remedy.cure == "root"}


def test_convergence_is_not_vanishing() -> None:
    """Small everywhere because nothing is left to tell apart (AUC 0.55)."""
    for case in (saturated, flat):
        assert found(observe({"score.auc": 0.55}, base=case())) is None


def test_a_gradient_that_has_only_shrunk_is_not_dead() -> None:
    assert (
        found(observe({"gradient.samples.relative": 0.02, "score.auc": 1.0}, base=healthy_ns_gan())) is None
    )


def test_while_the_samples_improve_it_is_information() -> None:
    improving = observe({"sample.nearest.ratio": lambda t: 4 - 2 * t}, base=saturated())
    assert found(improving).severity == "info"


def test_a_cut_graph_is_another_finding() -> None:
    cut = observe(
        {"gradient.samples.zero": 1.0, "score.auc": 1.0}, facts={"generator.graph_cut": True}, base=flat()
    )
    assert found(cut) is None


def test_a_loss_of_zero_is_no_evidence() -> None:
    quiet = observe({"loss.discriminator": 0.0, "loss.generator": 0.0}, base=healthy_ns_gan())
    assert found(quiet) is None


def test_not_before_the_warm_up() -> None:
    assert found(flat().at(150)) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert found(HEALTHY[run]()) is None
