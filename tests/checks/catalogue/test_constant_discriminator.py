"""EQ104: "my discriminator always says 1", in its six forms."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_ns_gan, healthy_reversed_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations

CONSTANT = {
    "score.real.std": 1e-5,
    "score.fake.std": 1e-5,
    "score.real.mean": 9.0,
    "score.fake.mean": 9.0,
    "score.auc": 0.5,
    "score.accuracy.real": 1.0,
    "score.accuracy.fake": 0.0,
}
ONE_SIDED = {
    "score.accuracy.real": 1.0, "score.accuracy.fake": 0.0, "score.auc": 0.6,
    "score.real.mean": 2.5, "score.fake.mean": 2.4,
}  # fmt: skip
NO_PROBE = {"fresh-discriminator": {}}


def check():
    return CHECKS.get("constant-discriminator")()


def constant(signals=None, facts=None, fresh: float | None = None, base=None) -> Observations:
    probes = {"fresh-discriminator": {"auc": fresh} if fresh is not None else {}}
    return observe({**CONSTANT, **(signals or {})}, facts=facts, probes=probes, base=base or healthy_ns_gan())


@pytest.mark.parametrize(
    ("signals", "facts", "cause"),
    [
        ({"update.discriminator": 0.0}, {}, "frozen"),
        ({"gradient.discriminator.stale": 0.9}, {}, "stale-gradients"),
        ({}, {"objective.double_sigmoid": True}, "double-sigmoid"),
        ({"gradient.discriminator.mean": 1e-9}, {}, "starved"),
        ({"slope.real.zero": 1.0, "slope.fake.zero": 1.0}, {}, "starved"),
        ({"activation.dead.discriminator": 1.0}, {}, "dead-units"),
    ],
)
def test_each_cause_is_told(signals, facts, cause) -> None:
    finding = check().run(constant(signals, facts))
    assert finding.severity == "error"
    assert finding.details["cause"] == cause


def test_equilibrium_is_no_finding() -> None:
    assert check().run(constant(fresh=0.52)) is None
    assert check().undecided(constant(fresh=0.52)) is None


def test_a_fresh_discriminator_that_separates_is_an_error() -> None:
    finding = check().run(constant(fresh=0.97))
    assert finding.severity == "error"
    assert finding.details["cause"] == "unknown"
    assert finding.because[0].verdict == "ruled out"


def test_without_the_probe_it_is_a_warning_that_names_it() -> None:
    finding = check().run(constant())
    assert finding.severity == "warning"
    assert "fresh-discriminator" in finding.message


def test_always_one_with_scores_that_vary() -> None:
    finding = check().run(observe(ONE_SIDED, probes=NO_PROBE, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert "100% of the fakes real" in finding.message


def test_always_zero() -> None:
    turned = {**ONE_SIDED, "score.accuracy.real": 0.0, "score.accuracy.fake": 1.0}
    assert "fake" in check().run(observe(turned, probes=NO_PROBE, base=healthy_ns_gan())).message


def one_sided(mean, **facts) -> Observations:
    signals = {**ONE_SIDED, "score.real.mean": mean, "score.fake.mean": mean, "score.auc": 0.5}
    probes = {"fresh-discriminator": {"auc": 1.0}}
    return observe(signals, facts=facts, probes=probes, base=healthy_ns_gan())


def test_one_side_of_the_boundary_by_a_little_or_on_the_way_to_it_is_no_answer_yet() -> None:
    """LSGAN as published: from -0.09 the scores of all creep to one half, where nothing is decided yet."""
    squares = {
        "objective.family": "least-squares", "objective.target.real": 1.0, "objective.target.fake": 0.0,
        "discriminator.output_activation": None,
    }  # fmt: skip
    assert check().run(one_sided(lambda t: -0.1 + 0.5 * t, **squares)) is None
    assert check().run(one_sided(0.45, **squares)) is None
    assert check().run(one_sided(0.5)) is None
    # One that stays where it is, moves away, or has a cause is told.
    assert check().run(one_sided(-0.1, **squares)).severity == "error"
    assert check().run(one_sided(lambda t: 1.2 + 3 * t)).severity == "error"
    starved = observe({"update.discriminator": 3e-5}, base=one_sided(0.5))
    assert check().run(starved).severity == "error"
    frozen = observe({"update.discriminator": 0.0}, base=one_sided(0.5))
    assert check().run(frozen).details["cause"] == "frozen"


def test_scores_that_rank_are_not_constant_though_the_boundary_is_off() -> None:
    assert check().run(observe({**ONE_SIDED, "score.auc": 0.97}, base=healthy_ns_gan())) is None


def test_a_consistent_flip_is_harmless() -> None:
    assert check().run(healthy_reversed_gan()) is None
    flipped = check().run(constant(facts={"objective.flipped": True}, fresh=0.97))
    assert any(
        "other way round, consistently" in a.cause and a.verdict == "ruled out" for a in flipped.because
    )


def test_a_metric_read_the_wrong_way_is_answered_with_counted_accuracies() -> None:
    reasons = [a.reason for a in check().run(constant(fresh=0.97)).because if "metric" in a.cause]
    assert "1.00 on reals and 0.00 on fakes" in reasons[0]


def test_small_scores_of_a_clipped_critic_are_not_constant() -> None:
    small = {
        "score.real.mean": 1e-3,
        "score.fake.mean": 5e-4,
        "score.real.std": 1e-4,
        "score.fake.std": 1e-4,
    }
    assert check().run(observe(small, base=healthy_wasserstein_gp())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_a_discriminator_with_few_updates_of_its_own_is_waited_for_unless_that_is_the_fault() -> None:
    def severity(made: int) -> str | None:
        run = constant(fresh=0.97)
        run.updates = {"generator": run.step, "discriminator": made}
        finding = check().run(run)
        return finding and finding.severity

    assert severity(180) is None
    assert severity(300) == "error"
    assert severity(3) == "error"
