"""One fault with its symptoms: the fault is named first and the symptoms follow from it, said once."""

from __future__ import annotations

import pytest
from observe import (
    healthy_composite_gan,
    healthy_conditional_gan,
    healthy_ns_gan,
    healthy_wasserstein_gp,
    observe,
)

from equipoise.checks.base import CHECKS
from equipoise.checks.diagnosis import judge, rank
from equipoise.checks.finding import Finding

# The discriminator has won, its gradient is dead and the generator gives one picture.
WON = {
    "score.auc": 1.0,
    "score.gap": 12.0,
    "score.accuracy.real": 1.0,
    "score.accuracy.fake": 1.0,
    "gradient.samples": lambda t: 0.05 * (0.0005 + (t < 0.1)),
    "gradient.samples.relative": lambda t: 0.0005 + 0.9 * (t < 0.1),
    "sample.distance.ratio": 0.02,
    "sample.spread.ratio": 0.02,
    "sample.fake.duplicates": 0.98,
    "feature.distance.ratio": 0.02,
}
COLLAPSED = {
    "diversity": {
        "samples": 512.0,
        "distance.ratio": 0.02,
        "feature.ratio": 0.02,
        "spread.ratio": 0.02,
        "duplicates": 0.98,
        "duplicates.low": 0.96,
        "support.low": 1.0,
        "support.high": 4.0,
        "coverage": 0.02,
        "coverage.expected": 0.95,
        "clusters": 0.95,
        "clusters.expected": 0.06,
    }
}
# The discriminator gives every sample the same score.
FLAT = {
    "score.auc": 0.5,
    "score.gap": 0.0,
    "score.real.std": 1e-4,
    "score.fake.std": 1e-4,
    "score.real.mean": 0.0,
    "score.fake.mean": 0.0,
    "score.accuracy.real": 0.5,
    "score.accuracy.fake": 0.5,
}
EASY = {"fresh-discriminator": {"auc": 0.99, "auc.own": 0.5, "steps": 200.0}}
OPTIMIZERS = healthy_ns_gan().facts["optimizers"]
SCOPE = [{**OPTIMIZERS[0], "discriminator_share": 1.0}, OPTIMIZERS[1]]

FAULTS = {
    "range-mismatch": observe({**WON, "sample.real.low": 0.0}, probes=COLLAPSED, base=healthy_ns_gan()),
    "g-objective-sign": observe(
        {**WON, "slope.generator.positive": 1.0}, probes=COLLAPSED, base=healthy_ns_gan()
    ),
    "generator-graph-cut": observe(
        {**WON, "gradient.samples": 0.0, "gradient.samples.relative": 0.0, "update.generator": 0.0},
        facts={"generator.graph_cut": True},
        probes=COLLAPSED,
        base=healthy_ns_gan(),
    ),
    "optimizer-scope": observe(WON, facts={"optimizers": SCOPE}, probes=COLLAPSED, base=healthy_ns_gan()),
    "batch-repeat": observe({**WON, "latent.repeated": 1.0}, probes=COLLAPSED, base=healthy_ns_gan()),
    "stale-gradients": observe(
        {**FLAT, "gradient.discriminator.stale": 0.8}, probes=EASY, base=healthy_ns_gan()
    ),
    "frozen-network": observe({**FLAT, "update.discriminator": 0.0}, probes=EASY, base=healthy_ns_gan()),
    "d-objective-sign": observe({**FLAT, "slope.fake.positive": 0.0}, probes=EASY, base=healthy_ns_gan()),
    "logit-loss-mismatch": observe(
        FLAT, facts={"objective.double_sigmoid": True}, probes=EASY, base=healthy_ns_gan()
    ),
    "target-shape-broadcast": observe(
        FLAT, facts={"shape.broadcast": True}, probes=EASY, base=healthy_ns_gan()
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_comes_first_and_explains_every_other_warning(name: str) -> None:
    findings = judge(FAULTS[name]).findings
    assert findings[0].name == name
    loose = [f.name for f in findings[1:] if f.severity != "info" and f.caused_by is None]
    assert not loose


def test_the_symptoms_are_really_there() -> None:
    won = {f.name for f in judge(observe(WON, probes=COLLAPSED, base=healthy_ns_gan())).findings}
    assert {"perfect-discriminator", "vanishing-generator-gradient", "mode-collapse"} <= won
    flat = {f.name for f in judge(observe(FLAT, probes=EASY, base=healthy_ns_gan())).findings}
    assert flat & {"constant-discriminator", "uninformative-discriminator"}


@pytest.mark.parametrize("run", [healthy_ns_gan, healthy_wasserstein_gp, healthy_conditional_gan])
def test_a_healthy_run_gets_a_clean_bill(run) -> None:
    diagnosis = judge(run())
    assert diagnosis.healthy
    assert not diagnosis.problems


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        ("bn-erases-latent", "eval-drift"),
        ("init-sanity", "eval-drift"),
        ("optimizer-hparams", "eval-drift"),
        ("optimizer-hparams", "exploding-gradient"),
        ("range-mismatch", "bn-erases-latent"),
    ],
)
def test_a_cause_that_was_seen_beside_its_effect_comes_first(cause: str, effect: str) -> None:
    checks = dict(CHECKS.items())
    drift = Finding(checks[effect].code, effect, "warning", 0.95, "Something follows.")
    fault = Finding(checks[cause].code, cause, "warning", 0.75, "A layer is wrong.")
    assert [(one.name, one.caused_by) for one in rank([drift, fault], checks)] == [
        (cause, None),
        (effect, cause),
    ]
    # Alone it is a fault of its own, and a mere remark explains no warning.
    assert [one.caused_by for one in rank([drift], checks)] == [None]
    remark = Finding(checks[cause].code, cause, "info", 0.75, "Perhaps.")
    assert [one.caused_by for one in rank([drift, remark], checks)] == [None, None]


def test_a_latent_of_zeros_comes_before_the_generator_that_it_freezes() -> None:
    """Published DCGAN, whose layers have no biases: zeros stay zeros, and its weights get no gradient."""
    run = observe(
        {"latent.std": 0.0, "update.generator": 0.0, "gradient.generator": 0.0}, base=healthy_ns_gan()
    )
    found = judge(run).findings
    assert found[0].name == "batch-repeat"
    assert next(one for one in found if one.name == "frozen-network").caused_by == "batch-repeat"


@pytest.mark.parametrize(("share", "causes"), [(1e-4, True), (0.999999, False)])
def test_a_reconstruction_that_is_drowned_explains_a_condition_that_is_not_followed(share, causes) -> None:
    """An autoencoder's; one that drowns the adversary instead ties its samples to what they are made from."""
    run = observe(
        facts={"objective.composite": share, "objective.composite.all": share},
        probes={"generator-response": {"condition": 0.001, "noise": float("nan")}},
        base=healthy_composite_gan(),
    )
    found = {finding.name: finding for finding in judge(run).findings}
    assert found["condition-ignored"].severity == "warning"
    assert (found["condition-ignored"].caused_by == "adversarial-weight-imbalance") is causes
