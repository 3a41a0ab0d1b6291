"""EQ004: the generator is trained to look fake."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.direction import ONE_SIDED, agreed, counted, sides
from equipoise.checks.energies import PULL_SIGNALS, own_energy_raised
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.half_turned import half_turned
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

LEAST_RECORDS = 5
LEAST_SIDED = 20  # records of the generator's step from which the side of its target is judged
SEPARATED, MOSTLY = 0.9, 0.9  # AUC of a discriminator that has learnt which is which; share of the records
FAR_SIDE = 3.0  # times as near to the fakes' scores as to the reals'
LEAST_PLACES = 10  # each is a map of scores; healthy loops have none
SOURCE = "exact: the sign of a derivative"
TARGET_SOURCE = "exact: the generator's target against the discriminator's two"
SATURATING = ("minimax",)
WORDS = {1: "up", -1: "down"}


@CHECKS.register("g-objective-sign")
class GeneratorObjectiveSign(Check):
    """The generator's loss pushes its samples away from what the discriminator calls real.

    What it does
        Compares two directions at the discriminator's output. Descent on the discriminator's loss pushes
        the scores of reals one way; that way is "real", whatever the labels are called. Descent on the
        generator's loss must push the scores of its fakes the same way. If it pushes them the other way,
        the generator is paid for being recognised.

    Why it is bad
        Both players then agree that fakes should look fake. The generator moves away from the data, the
        discriminator wins within a few hundred steps, and no hyper-parameter helps.

    Evidence and threshold
        `slope.generator.positive` against `slope.real.positive` and `slope.fake.positive`: one-sided (at
        least 95 % of the non-zero slopes agree) in at least 95 % of 5 or more records, and on the wrong
        side. It is an exact test of signs, so it may be an error at once. With least squares the slopes of
        fakes near the wrong target take both signs; there the target estimated from the generator's slope
        (`objective.target.generator`) decides: an error if it is nearer to the discriminator's fake target
        than to its real one.
        Where the discriminator's slopes take both signs within a batch (noisy labels), its scores say which
        way is real: an error if it separates the players (AUC above 0.9, the reals' mean on one side in 90 %
        of the later half of the records), and the generator's slopes push all fakes away from there in 95 %
        of 20 or more.
        Where only the generator's target could be read, error if it is three times as near to the mean score
        of fakes as to that of reals, and most of its slopes push towards the fakes (20 or more records).
        Where the discriminator's loss is least squares of known targets and the generator's has none, error
        if its slopes push away from the target for reals (20 or more records) while its samples score nearer
        to the one for fakes.
        Of samples that are real in parts (GAIN), error if in all of 10 or more steps both losses push the
        scores of the generator's own values one way, and the discriminator's the others the other way.
        Of a relativistic average loss (two terms) one may have the wrong target: error if no usual family
        explains the slopes and this one does to within 2 %.

    What else it could be
        - Labels or signs that are reversed but consistent (real = 0): ruled out, because "real" is read from
          the discriminator's own slopes and not from a label.
        - A discriminator that does not separate yet: no matter, the slopes are right from the first step.
        - A discriminator whose own two halves push the same way: that is `d-objective-sign`, and this check
          is silent.
        - The saturating loss -log(1 - D): it descends the same way as the others and passes.

    Remedies
        Give the generator's loss the target that the discriminator uses for reals, or turn its sign. Then
        start again: the networks have learned the opposite.

    References
        - https://github.com/Zeleni9/pytorch-wgan/pull/53 (generator of a WGAN pushed the wrong way)
        - https://github.com/https-deeplearning-ai/GANs-Public/issues/1 (target of the generator = fake label)
        - Goodfellow et al., "Generative Adversarial Nets", 2014, section 3.
    """

    code = "EQ004"
    name = "g-objective-sign"
    kinds = ("preflight", "passive")
    signals = (
        *PULL_SIGNALS,
        "slope.generator.positive",
        "slope.real.positive",
        "slope.fake.positive",
        "score.auc",
        "score.real.mean",
        "score.fake.mean",
        "score.generator.mean",
    )
    facts = (
        "objective.target.generator",
        "objective.target.real",
        "objective.target.fake",
        "objective.discriminator",
        "objective.generator",
        "objective.half_turned.generator",
        "objective.flipped",
        "score.orientation",
        "roles.places",
    )
    stage = "wiring"
    explains = (
        *SYMPTOMS,
        "critic-unconstrained",
        "z-ignored",
        "condition-ignored",
        "discriminator-overfitting",
    )
    remedies = (
        Remedy(
            "fix-generator-target",
            "Train the generator towards the discriminator's target for reals (or turn the sign of its "
            "loss), then "
            "start the run again.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        return (
            half_turned(self, observations, "generator", "slope.generator.size")
            or own_energy_raised(self, observations)
            or self._by_sign(observations)
            or self._by_target(observations)
            or self._by_side(observations)
            or self._by_separation(observations)
            or self._away_from_target(observations)
            or self._by_places(observations)
        )

    def _by_places(self, observations: Observations) -> Finding | None:
        """Samples that are real in parts: both losses push the generator's own places one way."""
        counts = counted(observations, "roles.places")
        if counts is None:
            return None
        opposite, same = counts
        if same < LEAST_PLACES or opposite:
            return None
        return self.finding(
            "error",
            0.93,
            "The scores of the values that the generator makes are pushed the same way by both players, and "
            f"those of the others the other way, in all of {same} steps: the players do not play against "
            "each other. One of the two losses has the wrong sign or the wrong mask.",
            evidence=(
                Measurement(
                    "roles.places",
                    float(same),
                    0.0,
                    "above",
                    SOURCE,
                    "steps in which both losses push the generator's own places one way",
                ),
            ),
            because=(
                Alternative(
                    "masks of two different batches",
                    "ruled out",
                    "the discriminator's loss pushes all places the other way that the generator's leaves "
                    "alone",
                ),
            ),
            since=0,
        )

    def _by_separation(self, observations: Observations) -> Finding | None:
        """The discriminator's slopes take both signs in a batch (noisy labels, least squares at its targets).

        Then what it has learnt shows which way is real: it tells the players apart.
        """
        real, fake = (observations.series(f"score.{role}.mean").finite() for role in ("real", "fake"))
        generator = agreed(sides(observations, "slope.generator.positive"), LEAST_SIDED)
        told = observations.series("score.auc").median()
        if len(real) != len(fake) or not generator or not max(told, 1 - told) > SEPARATED:
            return None
        learnt = len(real) // 2  # the second half of the records
        above = float(np.mean(real.values[learnt:] > fake.values[learnt:]))
        towards_real = 1 if above >= MOSTLY else -1 if above <= 1 - MOSTLY else 0
        own = observations.series("score.generator.mean").median()
        # Fakes that score beyond the reals are rightly pushed back by a loss with a target.
        short = towards_real * (real.median() - own) > 0
        if not towards_real or generator == towards_real or not short:
            return None
        # A loss of the discriminator that is at odds with what it shows is another fault.
        pushed = {role: agreed(sides(observations, f"slope.{role}.positive"), 1) for role in ("real", "fake")}
        if pushed["real"] == -towards_real or pushed["fake"] == towards_real:
            return None
        if observations.fact("score.orientation", towards_real) != towards_real:
            return None
        return self.finding(
            "error",
            0.93,
            f"The generator's loss pushes the scores of its samples {WORDS[generator]} from {own:.3g}, while "
            f"the discriminator holds the reals at {real.median():.3g} and the fakes at {fake.median():.3g}: "
            f"the generator is trained to look fake.{_exchanged(towards_real)}",
            evidence=(
                _pushed_down(observations, towards_real),
                Measurement("score.auc", told, meaning="how well the discriminator tells the players apart"),
            ),
            because=(
                Alternative(
                    "fakes that score beyond the reals and are pushed back",
                    "ruled out",
                    f"they score {own:.3g} and the reals {real.median():.3g}",
                ),
            ),
            since=0,
        )

    def _away_from_target(self, observations: Observations) -> Finding | None:
        """Least squares of known targets against a generator whose loss has none and drives away from them.

        A term that is subtracted fits no family: its slope grows with the distance.
        """
        facts = [observations.fact(f"objective.target.{role}") for role in ("generator", "real", "fake")]
        if observations.fact("objective.discriminator") != "least-squares" or facts[0] is not None:
            return None
        own = observations.series("score.generator.mean").finite()
        pushed = agreed(sides(observations, "slope.generator.positive"), LEAST_SIDED)
        if None in facts[1:] or not pushed or not len(own):
            return None
        # Targets are those of scores turned so that higher is real.
        direction = -1 if observations.fact("score.orientation") == -1 else 1
        real, fake = float(facts[1]), float(facts[2])
        if real - fake < 0.2 or pushed * direction > 0:
            return None
        # On the fakes' half all the way: whatever target lies between the two would pull them back.
        share = (direction * own.values[len(own) // 2 :] - fake) / (real - fake)
        if not bool((share < 0.5).all()):
            return None
        return self.finding(
            "error",
            0.93,
            f"The generator's loss pushes the scores of its samples {WORDS[pushed]} from {own.median():.2g}, "
            f"away from the discriminator's target for reals ({direction * real:.2g}; for fakes "
            f"{direction * fake:.2g}): it is trained to look fake, probably by a term of the wrong sign.",
            evidence=(
                _pushed_down(observations, direction),
                Measurement(
                    "score.generator.mean",
                    own.median(),
                    direction * real,
                    "far from",
                    TARGET_SOURCE,
                    "mean score of its samples; the threshold is the discriminator's target for reals",
                ),
            ),
            because=(
                Alternative(
                    "a target of its own between the two (least squares with 0 between -1 and 1)",
                    "ruled out",
                    "it would pull scores that are nearer to the fakes' target towards it",
                ),
            ),
            since=0,
        )

    def _by_side(self, observations: Observations) -> Finding | None:
        """The generator's own target is known, the discriminator's are not: on which side it holds which."""
        target = float(observations.fact("objective.target.generator", math.nan))
        direction = -1.0 if observations.fact("score.orientation") == -1 else 1.0
        real, fake = (
            direction * observations.series(f"score.{role}.mean").median() for role in ("real", "fake")
        )
        positive = observations.series("slope.generator.positive").finite()
        # Where a lower score means real, a slope that raises the score pushes towards the fakes.
        down = positive.median() if direction > 0 else 1.0 - positive.median()
        known = [observations.fact(f"objective.target.{role}") for role in ("real", "fake")]
        if any(one is not None for one in known) or len(positive) < LEAST_SIDED or not down > 0.5:
            return None
        if not (real > fake and abs(target - fake) < abs(target - real) / FAR_SIDE):
            return None
        return self.finding(
            "error",
            0.9,
            f"The generator is trained towards a score of {direction * target:.2g}, where the discriminator "
            f"holds the fakes ({direction * fake:.2g}), away from where it holds the reals "
            f"({direction * real:.2g}).",
            evidence=(
                Measurement(
                    "objective.target.generator",
                    target,
                    fake,
                    "near",
                    SOURCE,
                    "target read from the generator's slopes; the threshold is the mean score of fakes",
                ),
                Measurement(
                    "slope.generator.positive",
                    positive.median(),
                    0.5,
                    "above" if direction > 0 else "below",
                    SOURCE,
                    "share of the generator's slopes that push down, median",
                ),
            ),
            because=(
                Alternative(
                    "a target between the two (least squares with 0 between -1 and 1)",
                    "ruled out",
                    "it would push most fakes up",
                ),
            ),
            since=0,
        )

    def _by_sign(self, observations: Observations) -> Finding | None:
        real = agreed(sides(observations, "slope.real.positive"), LEAST_RECORDS)
        fake = agreed(sides(observations, "slope.fake.positive"), LEAST_RECORDS)
        generator = agreed(sides(observations, "slope.generator.positive"), LEAST_RECORDS)
        # A side that is unknown because its slopes are all zero follows from the other one.
        towards_real = real or -fake
        if not towards_real or not generator or real == fake or generator == towards_real:
            return None
        return self.finding(
            "error",
            0.98,
            f"The generator's loss pushes the scores of its samples {WORDS[generator]} while the "
            "discriminator's "
            f"loss pushes the scores of reals {WORDS[towards_real]}: the generator is trained to look "
            f"fake.{_exchanged(towards_real)}",
            evidence=(
                _pushed_down(observations, towards_real),
                Measurement(
                    "slope.real.positive",
                    observations.series("slope.real.positive").mean(),
                    meaning="the same for reals in the discriminator's step",
                ),
                Measurement(
                    "slope.fake.positive",
                    observations.series("slope.fake.positive").mean(),
                    meaning="the same for fakes in the discriminator's step",
                ),
            ),
            because=(
                Alternative(
                    "a reversed but consistent label convention",
                    "ruled out",
                    f"real means {WORDS[towards_real]} by the discriminator's own slopes, and the "
                    "generator pushes "
                    f"{WORDS[generator]} in at least {ONE_SIDED:.0%} of the records",
                ),
                Alternative(
                    "both halves of the discriminator's loss push the same way",
                    "ruled out",
                    "reals and fakes are pushed apart in the discriminator's step"
                    if real and fake
                    else "one half has only zero slopes and cannot push the same way",
                ),
            ),
            since=0,
        )

    def _by_target(self, observations: Observations) -> Finding | None:
        if observations.fact("objective.generator") in SATURATING:
            return None
        targets = [
            observations.fact(f"objective.target.{which}", math.nan)
            for which in ("generator", "real", "fake")
        ]
        generator, real, fake = (float(target) for target in targets)
        if not all(map(math.isfinite, (generator, real, fake))) or abs(real - fake) < 0.2:
            return None
        to_real, to_fake = abs(generator - real), abs(generator - fake)
        # Well on the fake side: nearer to it by at least half the distance between the two targets.
        if to_real - to_fake < 0.5 * abs(real - fake):
            return None
        return self.finding(
            "error",
            0.95,
            f"The generator is trained towards the target {generator:.2g}, which is the discriminator's "
            "target for "
            f"fakes ({fake:.2g}), not the one for reals ({real:.2g}).",
            evidence=(
                Measurement(
                    "objective.target.generator",
                    generator,
                    real,
                    "far from",
                    TARGET_SOURCE,
                    "target that the generator's slopes aim at; the threshold is the target of reals",
                ),
                Measurement("objective.target.fake", fake, meaning="the discriminator's target of fakes"),
            ),
            because=(
                Alternative(
                    "a reversed but consistent label convention",
                    "ruled out",
                    "all three targets are read from slopes of the same run, so a reversal would turn "
                    "them together",
                ),
            ),
            since=0,
        )


def _pushed_down(observations: Observations, towards_real: int) -> Measurement:
    """How much of the generator's loss pushes down, against what it should; reals are up (1) or down (-1)."""
    return Measurement(
        "slope.generator.positive",
        observations.series("slope.generator.positive").mean(),
        0.0 if towards_real > 0 else 1.0,
        "far from",
        SOURCE,
        "share of the generator's slopes that push down",
    )


def _exchanged(towards_real: int) -> str:
    """By habit real is up; where it is down, the discriminator's side may be the one that was mixed up."""
    if towards_real > 0:
        return ""
    return (
        " Or, if higher is meant to be real, the discriminator's two targets are exchanged and the generator "
        "is right."
    )
