"""EQ005: the discriminator is given the same answer for reals and fakes."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.direction import ONE_SIDED, agreed, counted, sides
from equipoise.checks.energies import PULL_SIGNALS, energies_alike
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.half_turned import half_turned
from equipoise.checks.reals_as_fakes import reals_as_fakes
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

# Each is dozens of samples that agree; a hinge may have met its margins, on the wrong side, soon after.
LEAST_RECORDS = 3
LEAST_PUSHED, UNKNOWN_ROLES = 60, 0.05  # batches in all, of which so many may have a known role
SAME_TARGET = 0.05  # targets read from slopes are exact to about 1 %; smoothing keeps them 0.5 or more apart
LEAST_UNSEEN = 20  # records of the generator's step after which fakes must have been seen in the other's
SURE_ROLES = 0.99
LEAST_MIXED, MIXED = 10, 0.1
HARD_SLOPE = 0.35  # |sigmoid - target| of an undecided discriminator is 0.5; of a reached soft target near 0
SOURCE = "exact: the signs of a derivative"
MIXED_SOURCE = "ours: within 0.1 of one half; flipping a third of the labels leaves 0.33 and 0.67"
TARGET_SOURCE = "exact: both targets of one loss are equal"
DIVIDED = 0.5
ROLES_SOURCE = "exact: no fake entered the discriminator's step, of which 99 % or more of the roles are known"
PASS_REALS = Remedy(
    "pass-reals",
    "Give the discriminator a batch of reals in the term of the loss that is meant for them.",
    "root",
    "display-only",
)


@CHECKS.register("d-objective-sign")
class DiscriminatorObjectiveSign(Check):
    """The discriminator's loss asks for the same answer on reals and on fakes.

    What it does
        Looks at the derivative of the discriminator's loss at its scores. Descent must push reals one way and
        fakes the other. If both are pushed the same way, both have the same target. If fakes never enter the
        discriminator's step at all, it has only one thing to learn.

    Why it is bad
        The discriminator learns a constant. Its loss falls to zero and looks excellent, while the generator
        is given noise or nothing.

    Evidence and threshold
        `slope.real.positive` and `slope.fake.positive`: one-sided (at least 95 % of the non-zero slopes
        agree) in at least 95 % of 3 or more records, and on the same side: error, an exact test. Where
        slopes take both signs (least squares), the two estimated targets decide: closer than 0.05 to each
        other. Fakes that are absent from the discriminator's step while the generator's step has 20 records
        and at least 99 % of the roles are known: warning; the same where 20 records of the discriminator's
        step hold fakes and no real, unless scores of one call are pushed both ways in more than half of them
        (a sample that is real in parts, GAIN). Neither reals nor fakes ever have a slope in the
        discriminator's step, while a penalty is sent back and 20 records show it being updated: error. The
        same where in 20 of its steps no loss reaches its scores, whatever else is sent back, while the
        generator's loss does; or the generator's samples are scored and only the scores of one other batch
        enter the loss; or in 95 % of 5 or more records what is judged as fake is the step's own batch of
        reals, with all that is given beside it. One of the two terms of a relativistic average loss has the
        other's target: error if no usual family explains the slopes and this one does to within 2 %. Where no
        batch can be told to be real or fake (a reward instead of a gradient), error if all of 60 or more are
        pushed the same way. Under cross entropy, targets that are a coin's toss: error if in the median of 10
        records both shares are within 0.1 of one half and the mean slopes above 0.35.

    What else it could be
        - Slopes that are zero because margins are met (hinge, relativistic): left out, they have no sign.
        - A reversed label convention: harmless; it turns both signs and they stay opposite.
        - Noisy labels: up to 5 % flipped labels do not reach the threshold.

    Remedies
        Give fakes the fake target (zeros, or the other sign). A frequent cause is one label tensor that is
        reused, or the prediction of reals used in both terms.

    References
        - https://github.com/eriklindernoren/Keras-GAN/issues/5 (the same target for both)
        - https://github.com/SerezD/vqvae-vqgan-pytorch-lightning/issues/3
        - https://github.com/PrashanthaTP/wav2mov/issues/6
        - https://github.com/liutaocode/LivePortrait-Train/issues/7 (the real prediction used for fakes)
    """

    code = "EQ005"
    name = "d-objective-sign"
    kinds = ("preflight", "passive")
    signals = (
        *PULL_SIGNALS,
        "slope.real.positive",
        "slope.fake.positive",
        "score.real.mean",
        "score.fake.mean",
        "score.generator.mean",
        "slope.real.size",
        "slope.fake.size",
        "slope.generator.size",
        "update.discriminator",
        "penalty.applied",
        "batch.fake.real",
    )
    facts = (
        "objective.target.real",
        "objective.target.fake",
        "objective.generator",
        "objective.half_turned.discriminator",
        "loss.reaches_scores",
        "loss.uses_fakes",
        "roles.decided",
        "roles.pushed",
        "roles.divided",
        "score.orientation",
    )
    stage = "wiring"
    explains = (*SYMPTOMS, "discriminator-overfitting", "condition-ignored", "critic-unconstrained")
    remedies = (
        PASS_REALS,
        Remedy(
            "fix-discriminator-targets",
            "Give fakes the opposite target of reals in the discriminator's loss, and pass its scores of "
            "fakes to that "
            "term; then start the run again.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        return (
            half_turned(self, observations, "discriminator", "slope.real.size")
            or reals_as_fakes(self, observations)
            or energies_alike(self, observations)
            or self._by_sign(observations)
            or self._by_target(observations)
            or self._by_mixture(observations)
            or self._all_one_way(observations)
            or self._never_sent_back(observations)
            or self._fakes_thrown_away(observations)
            or self._without_fakes(observations)
            or self._without_reals(observations)
        )

    def _by_mixture(self, observations: Observations) -> Finding | None:
        """Hard targets drawn at random: both batches are pushed both ways, half and half, and hard."""
        known = [observations.fact(f"objective.target.{role}") for role in ("real", "fake")]
        logistic = observations.fact("objective.generator") == "logistic"
        if not logistic or any(target is not None for target in known):
            return None
        measured = []
        for role in ("real", "fake"):
            shares = observations.series(f"slope.{role}.positive").finite()
            size = observations.series(f"slope.{role}.size").median()
            if len(shares) < LEAST_MIXED or not size > HARD_SLOPE:
                return None
            if not abs(shares.median() - 0.5) < MIXED:
                return None
            measured.append(
                Measurement(
                    f"slope.{role}.positive",
                    shares.median(),
                    0.5,
                    "near",
                    MIXED_SOURCE,
                    f"share of slopes that push down, median of {len(shares)} records",
                )
            )
        return self.finding(
            "error",
            0.85,
            "The discriminator's targets are drawn at random: of the reals' scores "
            f"{measured[0].value:.0%} are pushed down and the rest up, of the fakes' "
            f"{measured[1].value:.0%}, all with the strength of targets of 0 and 1. There is nothing to "
            "learn from that.",
            evidence=tuple(measured),
            because=(
                Alternative(
                    "noise put on labels",
                    "ruled out",
                    "up to a third of flipped labels would leave a difference between reals and fakes",
                ),
                Alternative(
                    "soft targets that the scores have reached",
                    "ruled out",
                    "the slopes would be small there",
                ),
            ),
            since=0,
        )

    def _without_reals(self, observations: Observations) -> Finding | None:
        """The discriminator is trained, but no real ever reaches its loss."""
        reals = len(observations.series("score.real.mean").finite())
        fakes = len(observations.series("score.fake.mean").finite())
        roles = float(observations.fact("roles.decided", 0.0))
        if reals or fakes < LEAST_UNSEEN or roles < SURE_ROLES:
            return None
        if float(observations.fact("roles.divided") or 0.0) > DIVIDED:
            return None  # it is told both answers about the one batch: samples completed by the generator
        return self.finding(
            "warning",
            0.75,
            f"In {fakes} records the discriminator's step was given the generator's samples only: no real "
            "entered its loss, so it cannot learn what is real.",
            evidence=(
                Measurement(
                    "score.real.mean",
                    0.0,
                    1.0,
                    "below",
                    ROLES_SOURCE,
                    "records of reals in the discriminator's step",
                ),
            ),
            because=(
                Alternative(
                    "reals that came out of the generator too (a reconstruction as the real one)",
                    "open",
                    "then tell them with monitor.real",
                ),
            ),
            since=0,
            remedies=(PASS_REALS,),
        )

    def _by_sign(self, observations: Observations) -> Finding | None:
        real = agreed(sides(observations, "slope.real.positive"), LEAST_RECORDS)
        fake = agreed(sides(observations, "slope.fake.positive"), LEAST_RECORDS)
        if not real or real != fake:
            return None
        way = "up" if real > 0 else "down"
        positive = {
            which: observations.series(f"slope.{which}.positive").mean() for which in ("real", "fake")
        }
        return self.finding(
            "error",
            0.98,
            f"The discriminator's loss pushes the scores of reals and of fakes the same way ({way}): both "
            "have the "
            "same target, so nothing is left to tell apart.",
            evidence=(
                Measurement(
                    "slope.fake.positive",
                    positive["fake"],
                    1 - round(positive["real"]),
                    "far from",
                    SOURCE,
                    "share of slopes at fakes that push down",
                ),
                Measurement("slope.real.positive", positive["real"], meaning="the same share at reals"),
            ),
            because=(
                Alternative(
                    "zero slopes of met margins (hinge, relativistic)",
                    "ruled out",
                    "only slopes that are not zero are counted, and there are some in both halves",
                ),
                Alternative(
                    "a reversed label convention",
                    "ruled out",
                    f"it would leave the signs opposite; here {ONE_SIDED:.0%} of the records agree",
                ),
            ),
            since=0,
        )

    def _by_target(self, observations: Observations) -> Finding | None:
        real = float(observations.fact("objective.target.real", math.nan))
        fake = float(observations.fact("objective.target.fake", math.nan))
        if not abs(real - fake) < SAME_TARGET:
            return None
        if observations.fact("score.orientation") == -1:
            real, fake = -real, -fake  # as the loop writes them, not turned to "higher is real"
        return self.finding(
            "error",
            0.95,
            f"The discriminator is trained towards {real:.2g} on reals and {fake:.2g} on fakes: the same "
            "target.",
            evidence=(
                Measurement(
                    "objective.target.fake",
                    fake,
                    real,
                    "equal to",
                    TARGET_SOURCE,
                    "target read from the slopes at fakes; the threshold is the one at reals",
                ),
            ),
            because=(
                Alternative(
                    "label smoothing", "ruled out", "smoothing leaves the targets at least 0.5 apart"
                ),
            ),
            since=0,
        )

    def _all_one_way(self, observations: Observations) -> Finding | None:
        """Nobody knows which batches are real, and all of them are pushed the same way."""
        pushed = counted(observations, "roles.pushed")
        roles = float(observations.fact("roles.decided") or 0.0)
        if pushed is None or roles > UNKNOWN_ROLES:
            return None
        least, most = sorted(pushed)
        if least or most < LEAST_PUSHED:
            return None
        way = "up" if pushed[0] else "down"
        return self.finding(
            "error",
            0.9,
            f"All {most} batches that the discriminator was trained on are pushed {way}, whichever are real "
            "and fake: they have the same target, so nothing is left to tell apart.",
            evidence=(
                Measurement(
                    "roles.pushed", 0.0, 1.0, "below", SOURCE, f"batches pushed the other way, of {most}"
                ),
            ),
            because=(
                Alternative(
                    "reals and fakes in steps of their own",
                    "ruled out",
                    "then one of the two steps would push the other way",
                ),
            ),
            since=0,
        )

    def _never_sent_back(self, observations: Observations) -> Finding | None:
        """The discriminator moves, but neither its reals nor its fakes ever had a slope."""
        return self._beside_the_scores(observations) or self._penalty_alone(observations)

    def _beside_the_scores(self, observations: Observations) -> Finding | None:
        """The scores are never sent anything in the discriminator's step, and are what the generator has."""
        counts = counted(observations, "loss.reaches_scores")
        if counts is None:
            return None
        reached, missed = counts
        asked = observations.series("slope.generator.size").finite()
        moved = observations.series("update.discriminator").finite()
        if reached or missed < LEAST_UNSEEN or len(asked) < LEAST_UNSEEN or not moved.largest() > 0:
            return None
        return self.finding(
            "error",
            0.93,
            f"In none of {missed} recorded steps of the discriminator is a loss sent back to its scores of "
            "reals and fakes: it is trained by other terms only (a penalty, a class), while the generator is "
            "trained to raise these very scores. Nothing teaches them what is real.",
            evidence=(
                Measurement(
                    "loss.reaches_scores",
                    float(reached),
                    1.0,
                    "below",
                    "exact: a count",
                    f"recorded steps with a loss at the scores, of {reached + missed}",
                ),
                Measurement(
                    "slope.generator.size",
                    asked.median(),
                    meaning="slope of the generator's loss at the same scores",
                ),
            ),
            because=(
                Alternative(
                    "scores that could not be found in the discriminator's output",
                    "ruled out",
                    "in the generator's step they were found and had a slope",
                ),
                Alternative(
                    "met margins (hinge)", "ruled out", "a met margin sends back zeros, here nothing is sent"
                ),
            ),
            since=0,
        )

    def _penalty_alone(self, observations: Observations) -> Finding | None:
        updates = observations.series("update.discriminator").finite()
        if any(len(observations.series(f"slope.{which}.size")) for which in ("real", "fake")):
            return None  # slopes that are not finite are slopes too
        if not observations.series("penalty.applied").largest() > 0 or len(updates) < LEAST_UNSEEN:
            return None
        return self.finding(
            "error",
            0.9,
            "The discriminator's loss on reals and fakes is never sent back: in its step only the penalty "
            "has a gradient, so it learns to be flat or steep, but not what is real.",
            evidence=(
                Measurement(
                    "slope.real.size",
                    0.0,
                    1.0,
                    "below",
                    "exact: a count",
                    f"records of a slope at reals or fakes, against {len(updates)} records of updates",
                ),
                Measurement(
                    "penalty.applied",
                    observations.series("penalty.applied").largest(),
                    0.0,
                    "above",
                    "exact: a count",
                    "penalties sent back in a step",
                ),
            ),
            because=(
                Alternative(
                    "scores that could not be found in the discriminator's output",
                    "ruled out" if len(observations.series("slope.generator.size").finite()) else "open",
                    "in the generator's step they were found and had a slope"
                    if len(observations.series("slope.generator.size").finite())
                    else "tag the batches with `monitor.real` and `monitor.fake`",
                ),
            ),
            since=0,
        )

    def _fakes_thrown_away(self, observations: Observations) -> Finding | None:
        """Scores of fakes are computed in the discriminator's step, and another batch's enter its loss."""
        counts = counted(observations, "loss.uses_fakes")
        if counts is None:
            return None
        used, unused = counts
        if used or unused < LEAST_UNSEEN:
            return None
        return self.finding(
            "error",
            0.92,
            f"In all {unused} recorded steps the discriminator scores the generator's samples, and nothing "
            "is sent back to these scores: only those of the other batch enter its loss. Probably the term "
            "for fakes is left out, or the prediction of reals stands in it.",
            evidence=(
                Measurement(
                    "loss.uses_fakes",
                    float(used),
                    1.0,
                    "below",
                    "exact: a count",
                    f"recorded steps in which the scores of fakes enter the loss, of {used + unused}",
                ),
            ),
            because=(
                Alternative(
                    "scores of fakes that are computed for a log only",
                    "ruled out",
                    "then other fakes would enter the loss, and there is no other batch in it but one",
                ),
                Alternative(
                    "met margins (hinge)",
                    "ruled out",
                    "a met margin sends back zeros, here nothing is sent",
                ),
            ),
            since=0,
        )

    def _without_fakes(self, observations: Observations) -> Finding | None:
        seen = len(observations.series("score.generator.mean").finite())
        roles = float(observations.fact("roles.decided", 0.0))
        reals = len(observations.series("score.real.mean").finite())
        fakes = len(observations.series("score.fake.mean").finite())
        if fakes or not reals or seen < LEAST_UNSEEN or roles < SURE_ROLES:
            return None
        return self.finding(
            "warning",
            0.7,
            f"In {reals} records the discriminator's step was given reals only; no fake entered it, though "
            "the "
            "generator is trained against it.",
            evidence=(
                Measurement(
                    "score.fake.mean",
                    0.0,
                    1.0,
                    "below",
                    ROLES_SOURCE,
                    "records of fakes in the discriminator's step",
                ),
                Measurement("roles.decided", roles, meaning="share of forwards whose role is known"),
            ),
            because=(
                Alternative(
                    "fakes that were not recognised",
                    "unlikely",
                    f"the role of {roles:.0%} of the discriminator's forwards is known; tag the fakes with "
                    "`monitor.fake` to be sure",
                ),
            ),
            since=0,
        )
