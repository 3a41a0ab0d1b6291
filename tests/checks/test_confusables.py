"""Pairs that look alike: one must fire and the other must not; the root comes first."""

from __future__ import annotations

import numpy as np
import pytest
from observe import (
    healthy_composite_gan,
    healthy_conditional_gan,
    healthy_minimax_gan,
    healthy_ns_gan,
    healthy_ring_gan,
    healthy_wasserstein_gp,
    observe,
)

from equipoise.checks.base import CHECKS
from equipoise.checks.diagnosis import Diagnosis, judge
from equipoise.history.observations import Observations

DYNAMICS = tuple(name for name, check in CHECKS.items() if check.code[2] in "1235")


def verdict(observations: Observations) -> Diagnosis:
    """By the checks of supply, diversity, stability and generalisation."""
    return judge(observations, checks=[CHECKS.get(name) for name in DYNAMICS])


def serious(observations: Observations) -> list[str]:
    return [finding.name for finding in verdict(observations).findings if finding.severity != "info"]


def first(observations: Observations) -> str:
    return verdict(observations).findings[0].name


def falling(start: float, orders: float):
    return lambda t: start * 10 ** (-orders * np.minimum(1, 2 * t))


WON = {"score.auc": 1.0, "score.accuracy.real": 1.0, "score.accuracy.fake": 1.0, "loss.discriminator": 1e-4}
STARVED = {
    **WON,
    "gradient.samples": falling(0.05, 4),
    "gradient.samples.total": falling(0.05, 4),
    "gradient.samples.relative": falling(1.0, 4),
    "gradient.generator": falling(1.0, 4),
}
FLAT = {**STARVED, "discriminator.slope": falling(0.1, 4)}
ONE_FACE = {"sample.distance.ratio": 0.02, "feature.distance.ratio": 0.03, "sample.fake.duplicates": 1.0}


# ---- discriminator loss near zero


def test_loss_near_zero_flat_discriminator() -> None:
    diagnosis = verdict(observe(FLAT, base=healthy_ns_gan()))
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert diagnosis.findings[0].name == "perfect-discriminator"
    assert ranked["vanishing-generator-gradient"].caused_by == "perfect-discriminator"


def test_loss_near_zero_saturating_loss() -> None:
    signals = {**STARVED, "slope.generator.size": falling(0.5, 4)}
    probe = {"gradient-anatomy": {"slope": 5e-5, "slope.reference": 0.5}}
    diagnosis = verdict(observe(signals, probes=probe, base=healthy_minimax_gan()))
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert diagnosis.findings[0].name == "vanishing-generator-gradient"
    assert ranked["perfect-discriminator"].caused_by == "vanishing-generator-gradient"


def test_a_generator_that_stands_still_because_its_gradient_has_vanished_is_not_frozen() -> None:
    """Adam's steps shrink to nothing once gradients are below its epsilon."""
    signals = {**STARVED, "slope.generator.size": falling(0.5, 11), "gradient.generator": falling(1.0, 11)}
    signals["update.generator"] = falling(1e-3, 7)
    probe = {"gradient-anatomy": {"slope": 5e-12, "slope.reference": 0.5}}
    diagnosis = judge(observe(signals, probes=probe, base=healthy_minimax_gan()))
    assert diagnosis.findings[0].name == "vanishing-generator-gradient"


def test_loss_near_zero_memorised_reals() -> None:
    memory = {"seen": 9.0, "unseen": -3.0, "fake": -9.0, "gap": 0.67, "sign": 1.0, "accuracy.unseen": 0.3}
    observations = observe(FLAT, probes={"memorisation": memory}, base=healthy_ns_gan())
    assert first(observations) == "discriminator-overfitting"


@pytest.mark.parametrize("base", [healthy_ns_gan, healthy_composite_gan])
def test_loss_near_zero_and_all_is_well(base) -> None:
    assert serious(observe(WON, base=base())) == []


def test_loss_near_zero_and_the_gradient_small_because_it_is_over() -> None:
    assert serious(observe({**FLAT, "score.auc": 0.6}, base=healthy_ns_gan())) == []


# ---- one half everywhere


HALF = {
    "score.auc": 0.5,
    "score.gap": 0.0,
    "score.real.mean": 0.0,
    "score.fake.mean": 0.0,
    "score.accuracy.real": 0.5,
    "score.accuracy.fake": 0.5,
    "loss.discriminator": 1.3863,
}
SAME = {"score.real.std": 1e-6, "score.fake.std": 1e-6}


def fresh(auc: float) -> dict[str, dict[str, float]]:
    return {"fresh-discriminator": {"auc": auc, "auc.own": 0.5, "steps": 200}}


def test_one_half_at_equilibrium() -> None:
    assert serious(observe(HALF, probes=fresh(0.52), base=healthy_ns_gan())) == []
    assert serious(observe({**HALF, **SAME}, probes=fresh(0.52), base=healthy_ns_gan())) == []


def test_one_half_from_a_discriminator_that_does_not_look() -> None:
    assert first(observe(HALF, probes=fresh(0.99), base=healthy_ns_gan())) == "uninformative-discriminator"


def test_one_half_from_a_frozen_discriminator() -> None:
    signals = {**HALF, **SAME, "update.discriminator": 0.0}
    diagnosis = verdict(observe(signals, probes=fresh(0.99), base=healthy_ns_gan()))
    assert diagnosis.findings[0].name == "constant-discriminator"
    assert diagnosis.findings[0].details["cause"] == "frozen"
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert ranked["uninformative-discriminator"].caused_by == "constant-discriminator"


# ---- the same sample for every latent


def test_one_face_because_batch_norm_erased_the_latent() -> None:
    probe = {"layer-variance": {"first": 1e-5, "smallest": 1e-5, "smallest.depth": 0.1, "last": 1e-5}}
    diagnosis = verdict(observe(ONE_FACE, probes=probe, base=healthy_ns_gan()))
    assert diagnosis.findings[0].name == "bn-erases-latent"
    caused = {f.name for f in diagnosis.findings if f.caused_by == "bn-erases-latent"}
    assert caused >= {"mode-collapse", "batch-blindness"}


def test_one_face_because_the_generator_starves() -> None:
    assert first(observe({**FLAT, **ONE_FACE}, base=healthy_ns_gan())) == "perfect-discriminator"


def test_one_face_because_the_units_died() -> None:
    assert first(observe({**ONE_FACE, "activation.dead": 0.99}, base=healthy_ns_gan())) == "dead-or-saturated"


def test_one_face_because_it_is_early() -> None:
    assert serious(observe(ONE_FACE, base=healthy_ns_gan()).at(450)) == []


def test_one_answer_for_each_condition() -> None:
    probe = {"generator-response": {"latent": 0.01, "condition": 0.7, "noise": 0.01}}
    few = {"sample.fake.duplicates": 1.0}
    diagnosis = verdict(observe(few, probes=probe, base=healthy_conditional_gan()))
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert diagnosis.findings[0].name == "z-ignored"
    assert ranked["mode-collapse"].caused_by == "z-ignored"


def test_few_modes_in_the_data_themselves() -> None:
    assert serious(observe({"sample.fake.duplicates": 1.0}, base=healthy_ring_gan())) == []


# ---- huge values


def test_a_race_because_nothing_bounds_the_critic() -> None:
    signals = {
        "penalty.applied": 0.0,
        "score.real.mean": lambda t: 2 ** (33 * t),
        "score.fake.mean": lambda t: -(2 ** (33 * t)),
        "gradient.generator": lambda t: 1 + 2 ** (25 * t),
    }
    diagnosis = verdict(observe(signals, base=healthy_wasserstein_gp()))
    assert diagnosis.findings[0].name == "critic-unconstrained"
    caused = {f.name for f in diagnosis.findings if f.caused_by is not None}
    assert {"critic-magnitude-race", "exploding-gradient"} <= caused


def test_a_race_because_the_penalty_is_over_the_wrong_axes() -> None:
    signals = {
        "score.real.mean": lambda t: 2 ** (33 * t),
        "score.fake.mean": lambda t: -(2 ** (33 * t)),
    }
    probe = {"gradient-penalty": {"norm": 28.0, "norm.pixel": 1.0, "applied.outside": 0.0}}
    observations = observe(signals, probes=probe, base=healthy_wasserstein_gp())
    assert first(observations) == "gradient-penalty-invalid"


def test_huge_but_only_offset() -> None:
    signals = {"score.real.mean": lambda t: 1e6 * t + 5, "score.fake.mean": lambda t: 1e6 * t}
    assert serious(observe(signals, base=healthy_wasserstein_gp())) == []


# ---- not a number


def test_not_a_number_after_divergence_is_explained_by_it() -> None:
    signals = {
        "finite": lambda t: np.where(t >= 0.95, 0.0, 1.0),
        "gradient.generator": lambda t: np.where(t < 0.9, 1.0, np.where(t < 0.95, 1e7, np.nan)),
    }
    diagnosis = verdict(observe(signals, base=healthy_ns_gan()))
    ranked = {finding.name: finding for finding in diagnosis.findings}
    assert ranked["non-finite"].details["mechanism"] == "divergence"
    assert ranked["non-finite"].caused_by == "exploding-gradient"


def test_not_a_number_out_of_the_blue_comes_first() -> None:
    signals = {"finite": lambda t: np.where(t >= 0.5, 0.0, 1.0), **ONE_FACE}
    assert first(observe(signals, base=healthy_wasserstein_gp())) == "non-finite"


# ---- late loss of quality


def test_late_loss_because_the_discriminator_overfits() -> None:
    memory = {"seen": 9.0, "unseen": -3.0, "fake": -9.0, "gap": 0.67, "sign": 1.0, "accuracy.unseen": 0.3}
    signals = {"sample.distance.ratio": lambda t: np.where(t < 0.7, 0.9, 0.2)}
    observations = observe(signals, probes={"memorisation": memory}, base=healthy_ns_gan())
    assert first(observations) == "discriminator-overfitting"
    ranked = {finding.name: finding for finding in verdict(observations).findings}
    assert ranked["late-collapse"].caused_by == "discriminator-overfitting"


def test_late_loss_by_itself() -> None:
    signals = {"sample.distance.ratio": lambda t: np.where(t < 0.7, 0.9, 0.02)}
    assert first(observe(signals, base=healthy_ns_gan())) == "late-collapse"


# ---- oscillation


def test_steps_that_are_too_large_come_before_what_they_cause() -> None:
    wave = {
        "sample.fake.mean": lambda t: -0.6 + 0.5 * np.sin(120 * t),
        "update.generator": 0.5,
        "update.discriminator": 0.5,
    }
    observations = observe(wave, base=healthy_ns_gan())
    assert first(observations) == "instability"
    ranked = {finding.name: finding for finding in verdict(observations).findings}
    assert ranked["oscillation"].caused_by == "instability"


def test_no_cause_is_its_own_consequence() -> None:
    """Whatever fires together, some finding is left that nothing explains."""
    everything = {
        **FLAT,
        **ONE_FACE,
        "finite": lambda t: np.where(t >= 0.9, 0.0, 1.0),
        "update.generator": 0.5,
        "activation.dead": 0.99,
        "score.real.mean": lambda t: 2 ** (33 * t),
        "score.fake.mean": lambda t: -(2 ** (33 * t)),
        "sample.fake.mean": lambda t: -0.6 + 0.5 * np.sin(120 * t),
    }
    diagnosis = verdict(observe(everything, base=healthy_ns_gan()))
    assert diagnosis.findings[0].caused_by is None
    causes = {finding.name: finding.caused_by for finding in diagnosis.findings}
    for name in causes:
        seen = set()
        while name is not None:
            assert name not in seen
            seen.add(name)
            name = causes[name]
