"""EQ104: the discriminator gives everything the same answer ("always 1"), and why."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above, at_least, at_most, below
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.trends import BLOCKS, latest, trend
from equipoise.checks.windows import Sustained, confidence, sustained
from equipoise.history.observations import Observations, Series

STEPS = 200
SELDOM = 0.05  # of the steps: a discriminator that is updated so seldom is not young but starved
# In the families with targets or margins the natural unit of a score is 1. Calibrated.
CONSTANT_SPREAD = 1e-3
# Families without a scale: relative to the size of the scores, near float32's resolution.
RELATIVE_SPREAD = 1e-5
# Without a scale a large offset hides the spread; scores that rank reals at all (survey) are
# not constant.
CHANCE = 0.05
# Almost every real and almost every fake on one side of the boundary (survey's accuracies).
ONE_SIDE = 0.99
# Above this the scores rank real over fake though the boundary is off: then the discriminator is not
# constant.
RANKS = 0.9
# survey (SageMaker UnchangedTensor, WeightUpdateRatio 1e-8).
FROZEN = 1e-8
# survey.
STALE = 0.1
# survey: SageMaker's and DeepDiagnosis' vanishing gradient.
STARVED = 1e-7
ZERO_SLOPES = 0.99
# SageMaker DeadRelu 50 %, AutoTrainer 70 %; here nothing may be left.
DEAD_UNITS = 0.95
# survey.
FRESH_SEPARATES = 0.8
EQUILIBRIUM = 0.65
APPROACH = 0.1  # least fall of the distance to the boundary, of itself
LEARNS = 1e-4  # of the weights a step; Adam's usual rates give 1e-3, starved ones 1e-5
SCALE_FREE = ("wasserstein", "relativistic-average-hinge", "relativistic-pairing", "relativistic")


class _Cause(NamedTuple):
    name: str
    words: str
    evidence: Measurement


def _boundary(observations: Observations) -> tuple[float, float]:
    """The score at which the discriminator is undecided, and how far from it is still near; nan if unknown.

    Near is within a quarter of the way from one target to the other, of a probability between 1/4 and 3/4.
    """
    family = observations.fact("objective.family")
    if family in ("non-saturating", "minimax"):
        return 0.0, math.log(3)
    if family == "hinge":
        return 0.0, 0.5
    real, fake = (observations.fact(f"objective.target.{side}") for side in ("real", "fake"))
    bounded = observations.fact("discriminator.output_activation") is not None
    if family != "least-squares" or real is None or fake is None or bounded:
        return math.nan, math.nan
    return (real + fake) / 2 * (observations.fact("score.orientation") or 1), abs(real - fake) / 4


_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "frozen": root("train-discriminator"),
    "stale-gradients": root("train-discriminator"),
    "double-sigmoid": root("fused-logit-loss"),
    "starved": root("fused-logit-loss", "initialise-weights"),
    "dead-units": root("leaky-activation", "initialise-weights", "lower-learning-rates"),
    "unknown": (
        *root("train-discriminator", "higher-discriminator-learning-rate", "larger-discriminator"),
        *symptomatic("lower-learning-rates"),
    ),
}


@CHECKS.register("constant-discriminator")
class ConstantDiscriminator(Check):
    """The discriminator answers the same whatever it sees: "my discriminator always says 1".

    What it does
        Tells apart the six things that look like it: an equilibrium; a discriminator that is frozen, starved
        or dead; gradients left over from the generator's step; a sigmoid applied twice; labels the other way
        round but consistently, which is harmless; a metric that is read the wrong way round.

    Why it is bad
        A constant score has no slope: the generator learns nothing, and what it does is drift.

    Evidence and threshold
        Over 200 steps after the warm-up, with 200 updates of the discriminator itself (or fewer than one in
        20 steps, which is a cause), on raw scores: their spread within and between the players is below
        1e-3 (in families without a scale 1e-5 of their size,
        with an AUC of 0.45 to 0.55), or 99 % of both reals and fakes are on the same
        side of the boundary while the scores do not rank them (AUC below 0.9).
        Warning; an error with a second signal: no update (below 1e-8 per step), leftover gradients (over
        10 %), a double sigmoid in the slopes, slopes or units that are all zero, or a fresh
        discriminator that separates (AUC above 0.8). Nothing is reported when a fresh discriminator
        cannot separate either, nor for one-sided scores without a cause that are within a quarter of the
        targets' distance from the boundary (a probability of 1/4 to 3/4) or come nearer to it by a
        significant trend, while its weights change by 1e-4 or more a step: that discriminator has only begun.
        Confidence: 0.6 (0.75 for an error) towards 0.95 with how long it has lasted.

    What else it could be
        Equilibrium: the probe fresh-discriminator stays at or below 0.65. Flipped labels: the scores
        used here are oriented by the loss's own gradient, so that the convention cannot look like this.
        A metric read the wrong way: this uses scores of samples whose origin is known, so that an
        accuracy of "100 %" on fakes called real shows as an accuracy of 0 here.

    Remedies
        By cause: train it (optimizer, zero_grad, requires_grad), return logits with the fused loss, LeakyReLU
        and a sound initialisation; else more learning rate or capacity for it.

    References
        Goodfellow et al. (2014), proposition 1; keras issue 4943; Lightning issues 557 and 591; Paddle issue
        22085; PyTorch-StudioGAN issue 112; HyperGAN issue 177.
    """

    code = "EQ104"
    name = "constant-discriminator"
    kinds = ("passive", "probe")
    stage = "supply"
    signals = (
        "score.real.std",
        "score.fake.std",
        "score.real.mean",
        "score.fake.mean",
        "score.accuracy.real",
        "score.accuracy.fake",
        "score.auc",
        "update.discriminator",
        "gradient.discriminator.stale",
        "gradient.discriminator.mean",
        "slope.real.zero",
        "slope.fake.zero",
        "activation.dead.discriminator",
    )
    facts = (
        "discriminator.output_activation",
        "objective.double_sigmoid",
        "objective.family",
        "objective.flipped",
        "objective.target.fake",
        "objective.target.real",
        "score.orientation",
    )
    probes = ("fresh-discriminator",)
    explains = (
        "uninformative-discriminator",
        "vanishing-generator-gradient",
        "mode-collapse",
        "batch-blindness",
        "instability",
    )
    remedies = tuple(dict.fromkeys(remedy for remedies in _REMEDIES.values() for remedy in remedies))

    def run(self, observations: Observations) -> Finding | None:
        state = self._state(observations)
        if state is None:
            return None
        words, evidence, held = state
        fresh = self._fresh(observations, held)
        causes = self._causes(observations)
        if not causes and (fresh <= EQUILIBRIUM or self._undecided_yet(observations, evidence)):
            return None
        if math.isfinite(fresh):
            evidence.append(
                Measurement(
                    "fresh-discriminator.auc",
                    fresh,
                    FRESH_SEPARATES,
                    "above",
                    "survey of reported failures",
                    "a small discriminator trained afresh on the same samples",
                )
            )
        severity: Severity = "error" if causes or fresh > FRESH_SEPARATES else "warning"
        cause = causes[0] if causes else None
        if cause:
            why = f"The reason: {cause.words}."
        elif fresh > FRESH_SEPARATES:
            why = f"That is no equilibrium: a small discriminator trained afresh reaches AUC {fresh:.2f}."
        else:
            why = "Whether that is an equilibrium, the probe fresh-discriminator would tell."
        return self.finding(
            severity,
            confidence(0.75 if severity == "error" else 0.6, 0.95, held.steps / STEPS - 1),
            f"The discriminator answers the same whatever it sees: {words}. {why}",
            evidence=(*(c.evidence for c in causes), *evidence),
            because=self._because(observations, fresh, causes),
            since=held.since,
            remedies=_REMEDIES[cause.name if cause else "unknown"],
            details={"cause": cause.name if cause else "unknown"},
        )

    @staticmethod
    def _young(observations: Observations) -> bool:
        """A discriminator with few updates of its own, which is not the fault itself."""
        made = observations.updates.get("discriminator", 0)
        return SELDOM * observations.step <= made < min(STEPS, observations.step)

    def _state(self, observations: Observations) -> tuple[str, list[Measurement], Sustained] | None:
        """How it is constant, in words and numbers; None if it is not."""
        if not observations.warmed_up or self._young(observations):
            return None
        auc = latest(observations, "score.auc", STEPS).median()
        real, fake = (latest(observations, f"score.{side}.mean", STEPS).median() for side in ("real", "fake"))
        spread = max(
            latest(observations, "score.real.std", STEPS).median(),
            latest(observations, "score.fake.std", STEPS).median(),
            abs(real - fake),
        )
        limit = CONSTANT_SPREAD
        if observations.fact("objective.family") in SCALE_FREE:
            if abs(auc - 0.5) > CHANCE:
                return None
            limit = RELATIVE_SPREAD * max(abs(real), abs(fake))
        held = sustained(observations, "score.real.std", at_most(limit), steps=STEPS)
        if held and spread <= limit:
            measurement = Measurement(
                "score.real.std",
                spread,
                limit,
                "at most",
                "equipoise, benchmarks/failures",
                "spread of the scores within and between the players",
            )
            return f"all scores are {real:.4g} within {spread:.1g}", [measurement], held
        if observations.fact("objective.family") in SCALE_FREE or auc >= RANKS:
            return None
        for answer, high, low in (("real", "real", "fake"), ("fake", "fake", "real")):
            right = sustained(observations, f"score.accuracy.{high}", at_least(ONE_SIDE), steps=STEPS)
            wrong = sustained(observations, f"score.accuracy.{low}", at_most(1 - ONE_SIDE), steps=STEPS)
            if right and wrong:
                evidence = [
                    Measurement(
                        f"score.accuracy.{high}",
                        right.value,
                        ONE_SIDE,
                        "at least",
                        "survey of reported failures",
                    ),
                    Measurement(
                        f"score.accuracy.{low}",
                        wrong.value,
                        1 - ONE_SIDE,
                        "at most",
                        "survey of reported failures",
                    ),
                ]
                if math.isfinite(auc):
                    evidence.append(
                        Measurement(
                            "score.auc",
                            auc,
                            RANKS,
                            "below",
                            "equipoise, benchmarks/failures",
                            "rank of reals",
                        )
                    )
                shares = f"{right.value:.0%} of the {high}s and {1 - wrong.value:.0%} of the {low}s"
                words = f"it calls {shares} {answer}"
                return words, evidence, max(right, wrong, key=lambda stretch: stretch.since)
        return None

    @staticmethod
    def _undecided_yet(observations: Observations, evidence: list[Measurement]) -> bool:
        """Whether scores that are all on one side are at the boundary, or on their way to it.

        A discriminator that starts with a small slope first finds the answer that is best for all, which is
        the boundary; "always one" sits away from it.
        """
        boundary, near = _boundary(observations)
        if latest(observations, "update.discriminator").median() < LEARNS:
            return False
        if math.isnan(boundary) or all(one.name == "score.real.std" for one in evidence):
            return False
        for side in ("real", "fake"):
            # Records get rare: the last twelve may reach back beyond the window, so the newest count as well.
            means = latest(observations, f"score.{side}.mean", STEPS, BLOCKS, 1.0)
            distances = Series(means.steps, np.abs(means.values - boundary))
            newest, going = distances.values[-3:], trend(distances)
            comes = going is not None and going.falls(APPROACH) and bool((np.diff(newest) < 0).all())
            if Series(means.steps[-3:], newest).median() > near and not comes:
                return False
        return True

    def _fresh(self, observations: Observations, held: Sustained) -> float:
        probe = observations.probe("fresh-discriminator")
        if probe is None or probe.step < held.since or not 0 <= probe["auc"] <= 1:
            return math.nan
        return probe["auc"]

    def _causes(self, observations: Observations) -> list[_Cause]:
        """What of the wiring or the numbers explains it, the most exact first."""
        causes = []
        if observations.fact("objective.double_sigmoid"):
            causes.append(
                _Cause(
                    "double-sigmoid",
                    "a sigmoid is applied twice, so that the loss sees only scores between 0 and 1",
                    Measurement(
                        "objective.double_sigmoid", 1.0, 1.0, "equal to", "fitted slopes", "double sigmoid"
                    ),
                )
            )
        for name, signal, limit, beyond, words in (
            (
                "frozen",
                "update.discriminator",
                FROZEN,
                False,
                "its parameters do not change ({:.2g} per step)",
            ),
            (
                "stale-gradients",
                "gradient.discriminator.stale",
                STALE,
                True,
                "{:.0%} of its gradient is left over from before its own backward",
            ),
            (
                "starved",
                "gradient.discriminator.mean",
                STARVED,
                False,
                "its own gradient has vanished ({:.2g} in the mean)",
            ),
            (
                "dead-units",
                "activation.dead.discriminator",
                DEAD_UNITS,
                True,
                "{:.0%} of the units of one of its layers are dead",
            ),
        ):
            held = sustained(
                observations,
                signal,
                above(limit) if beyond else below(limit),
            )
            if held:
                comparison = "above" if beyond else "below"
                causes.append(
                    _Cause(
                        name,
                        words.format(held.value),
                        Measurement(signal, held.value, limit, comparison, "survey of reported failures"),
                    )
                )
        zeros = [
            sustained(observations, f"slope.{side}.zero", at_least(ZERO_SLOPES)) for side in ("real", "fake")
        ]
        if zeros[0] and zeros[1]:
            causes.append(
                _Cause(
                    "starved",
                    "the slope of its own loss is zero at all reals and all fakes",
                    Measurement(
                        "slope.real.zero",
                        zeros[0].value,
                        ZERO_SLOPES,
                        "at least",
                        "exact zeros",
                        "zero slopes",
                    ),
                )
            )
        return causes

    def _because(
        self, observations: Observations, fresh: float, causes: list[_Cause]
    ) -> tuple[Alternative, ...]:
        found = {cause.name for cause in causes}
        alternatives = [
            Alternative(
                "equilibrium: there is nothing left to tell apart",
                "open" if math.isnan(fresh) else "ruled out" if fresh > EQUILIBRIUM else "open",
                "The probe fresh-discriminator would tell."
                if math.isnan(fresh)
                else f"A fresh discriminator reaches AUC {fresh:.2f}.",
            )
        ]
        for name, cause, signal in (
            ("frozen", "a frozen discriminator", "update.discriminator"),
            (
                "stale-gradients",
                "gradients left over from the generator's step",
                "gradient.discriminator.stale",
            ),
        ):
            value = latest(observations, signal).median()
            if name not in found and math.isfinite(value):
                alternatives.append(Alternative(cause, "ruled out", f"{signal} is {value:.2g}."))
        if (
            "double-sigmoid" not in found
            and observations.fact("objective.double_sigmoid", default=None) is not None
        ):
            alternatives.append(
                Alternative("a sigmoid applied twice", "ruled out", "The slopes do not fit a double sigmoid.")
            )
        flipped = observations.fact("objective.flipped")
        if flipped is not None:
            alternatives.append(
                Alternative(
                    "labels the other way round, consistently",
                    "ruled out",
                    ("The loop does use real = low, but scores" if flipped else "Scores")
                    + " are oriented by the loss's own gradient before they are judged.",
                )
            )
        real, fake = (
            latest(observations, f"score.accuracy.{side}", STEPS).median() for side in ("real", "fake")
        )
        if math.isfinite(real) and math.isfinite(fake):
            alternatives.append(
                Alternative(
                    "a metric read the wrong way round",
                    "ruled out",
                    f"Counted on samples of known origin, accuracy is {real:.2f} on reals and {fake:.2f} "
                    "on fakes.",
                )
            )
        return tuple(alternatives)

    def undecided(self, observations: Observations) -> str | None:
        state = self._state(observations)
        if state is None or self._causes(observations):
            return None
        if math.isnan(self._fresh(observations, state[2])):
            return (
                f"The discriminator is constant ({state[0]}); the probe fresh-discriminator would tell why."
            )
        return None
