"""EQ102: winning is a fault only when it stops the generator."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_composite_gan, healthy_ns_gan, healthy_relativistic_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.checks.finding import Finding
from equipoise.history.observations import Observations

WON = {"score.auc": 1.0, "score.accuracy.real": 1.0, "score.accuracy.fake": 1.0}
DEAD = {
    "gradient.samples.relative": lambda t: 10 ** (-4 * t),
    "discriminator.slope": lambda t: 10 ** (-4 * t),
}
FAR = {"sample.nearest.ratio": 3.0, "sample.coverage": 0.1}


def found(observations: Observations) -> Finding | None:
    return CHECKS.get("perfect-discriminator")().run(observations)


def test_with_a_dead_gradient_it_is_an_error() -> None:
    finding = found(observe({**WON, **DEAD}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.details["gradient"] == "dead"
    assert "vanishing-generator-gradient" in finding.explains
    roots = [remedy.name for remedy in finding.remedies if remedy.cure == "root"]
    tricks = [remedy.name for remedy in finding.remedies if remedy.cure == "symptomatic"]
    assert "instance-noise" in roots
    assert "one-sided-label-smoothing" in tricks


def test_without_progress_it_is_a_warning() -> None:
    finding = found(observe({**WON, **FAR}, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.details["gradient"] == "alive"


def test_with_a_living_gradient_and_progress_it_is_information() -> None:
    """As under R1: accuracy 1 and a gradient that stays."""
    improving = observe({**WON, **FAR, "sample.nearest.ratio": lambda t: 5 - 2 * t}, base=healthy_ns_gan())
    assert found(improving).severity == "info"


def test_early_in_training_it_is_information() -> None:
    assert found(observe({**WON, **FAR}, base=healthy_ns_gan(600))).severity == "info"


def test_a_critics_many_steps_do_not_make_its_generator_old() -> None:
    updates = {"generator": 250, "discriminator": 1250}
    run = observe({**WON, **FAR}, base=healthy_ns_gan(), step=1250, updates=updates)
    assert found(run).severity == "info"
    # A generator that is hardly ever updated is not waited for.
    starved = observe({**WON, **FAR}, base=healthy_ns_gan(), step=1250, updates={**updates, "generator": 50})
    assert found(starved).severity == "warning"


def test_in_a_composite_loss_it_is_information() -> None:
    assert found(observe({**WON, **FAR}, base=healthy_composite_gan())).severity == "info"


def test_a_relativistic_hinge_at_zero_is_nothing() -> None:
    assert found(observe({"loss.discriminator": 0.0}, base=healthy_relativistic_gan())) is None


def test_a_loss_near_zero_alone_is_nothing() -> None:
    assert found(observe({"loss.discriminator": 1e-6}, base=healthy_ns_gan())) is None


def test_high_but_not_perfect() -> None:
    assert found(observe({**WON, **DEAD, "score.auc": 0.99}, base=healthy_ns_gan())) is None


def test_a_give_away_is_named_as_the_other_cause() -> None:
    observations = observe({**WON, **DEAD}, probes={"one-feature": {"auc": 1.0}}, base=healthy_ns_gan())
    because = {a.cause: a for a in found(observations).because}
    assert because["a give-away in the data (range, lattice)"].verdict == "open"


def test_a_saturating_loss_is_left_to_its_own_check() -> None:
    observations = observe(
        {**WON, "gradient.samples.relative": lambda t: 10 ** (-4 * t), "slope.generator.size": 1e-5},
        facts={"objective.family": "minimax", "objective.generator": "minimax"},
        probes={"gradient-anatomy": {"slope": 1e-5, "slope.reference": 0.5}},
        base=healthy_ns_gan(),
    )
    assert "vanishing-generator-gradient" not in found(observations).explains


def test_a_log_alone_is_undecided() -> None:
    log = observe({"score.real.mean": 0.9999, "score.fake.mean": 1e-4}, source="log")
    assert found(log) is None
    assert "watch" in CHECKS.get("perfect-discriminator")().undecided(log)


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert found(HEALTHY[run]()) is None
