"""EQ405: the condition makes no difference."""

from __future__ import annotations

import math

from equipoise.checks.altered_condition import TREAT_ALIKE, altered_condition
from equipoise.checks.base import CHECKS, Check
from equipoise.checks.collapse import young
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations, ProbeResult

SMALL = 0.05
# The generator's answer to another label, over the distance of reals: shuffled labels gave 0.10 and 0.27
# in the calibration half of benchmarks/failures.
SMALL_ANSWER = 0.3
# A condition that moves a sample at least half as far as a new latent does is heeded: samples of a young
# generator are all near each other, whatever they follow.
HEEDED = 0.5
# Two classes at random agree in half of the fakes; noise put on labels is rarely more than one in ten.
AGREE = 0.8
RECORDS = 5
RECORDS_NOT_ASKED = 10
# A class of one in twenty is missed by so many samples once in 500,000 runs.
SAMPLES_OF_ONE_CLASS = 256
LONG = 300  # updates in which a layer of its own learns classes that show
# Standard errors by which labels that belong to the samples must show: among neighbours, or in the scores.
SHOWS = 2.0
SOURCE = "survey of reported failures; equipoise, benchmarks/failures (calibration half)"
PASS_THE_SAME = Remedy(
    "pass-the-same-labels",
    "Keep the labels that the generator was given and pass the same ones to the discriminator with its "
    "samples.",
    "root",
    "display-only",
)
SAME_ORDER = Remedy(
    "concatenate-in-one-order",
    "Concatenate the sample and its condition in one order wherever the discriminator is called.",
    "root",
    "display-only",
)
CHECK_ALIGNMENT = Remedy(
    "check-label-alignment",
    "Look at 16 reals with their labels as the discriminator is given them; fix the loader if they do not "
    "match.",
    "root",
    "display-only",
)
MAKE_IT_HEED = (
    CHECK_ALIGNMENT,
    PASS_THE_SAME,
    Remedy(
        "projection-discriminator",
        "Give the discriminator the condition by projection, and pairs of reals with wrong conditions "
        "as further fakes.",
        "root",
        "unsafe",
    ),
    Remedy(
        "raise-classifier-weight",
        "Raise the weight of the auxiliary class term until its gradient at the fakes is as large as "
        "the adversarial "
        "one.",
        "symptomatic",
        "unsafe",
    ),
)
DRAW_CLASSES = Remedy(
    "draw-classes-as-in-the-data",
    "Draw the generator's classes anew for every batch, as often as they are among the reals.",
    "root",
    "display-only",
)
ASK_FOR_THE_CLASS = Remedy(
    "ask-for-the-class",
    "Add the discriminator's class loss of the fakes, with the labels that they were made with, to the "
    "generator's loss.",
    "root",
    "display-only",
)


@CHECKS.register("condition-ignored")
class ConditionIgnored(Check):
    """The generator's output, or the discriminator's score, does not depend on the condition.

    What it does
        The probe swaps the condition (labels or image) and measures how much the generator's samples
        change, and how much the discriminator's scores of reals do. In every record the classes that the
        discriminator is given with the fakes, or that the loss of its classifier asks for in the generator's
        step, are compared with those that the generator was given for them.

    Why it is bad
        Asking for a class gives any class. If the discriminator does not look at the condition, nothing ever
        teaches the generator to.

    Evidence and threshold
        For networks that are given a condition, after the warm-up. Warning: swapping it changes the samples
        by less than 30 % of the mean distance between reals (5 % where the generator has no latent: then all
        its samples differ by their conditions only; up to five warm-ups by as much less as the fakes are
        nearer to each other than reals, and by less than half of what a new latent does), or the scores of
        reals by less than 5 % of their spread. Error: both at once, which are two independent measurements
        on two networks. Error also, whatever the probe says: at least 5 records in which fewer than 80 % of
        the fakes are judged with the class, or beside the picture, that they were made with, in one player's
        step (two classes at random agree in half); columns and maps of classes, apart or concatenated, agree
        with none where the other player has one value for all samples.
        Warning also where the labels seem to have nothing to do with the reals, by two signs: the nearest
        other real has the same label no more often than any other (within 2 standard errors), and the
        discriminator finds reals with another label no less real (less than 2 standard errors); or where the
        discriminator names classes, after 300 updates and the warm-up, no more often rightly than always
        naming the commonest one, unless the nearest other real of a batch has the same class more often than
        any other (by more than 2 standard errors): then the labels are theirs, and learnt slowly. Warning
        also where it names classes, and in at least 10 records the
        generator's loss never asks for one, although only the generator is given them; or where at least 256
        samples of the generator's steps were all asked for one class of several. Error also, where in
        at least 5 records the fakes stand in another argument, or other channels, of the discriminator's
        input, beside an image as condition, in the generator's step than in the discriminator's own; or where
        in 95 % of 5 or more records the picture beside the fakes is the one beside the reals with values
        blanked, replaced or scaled, or one of the two is blank.

    What else it could be
        - Mode collapse: then the latent changes nothing either, and this check is silent and says so.
        - Labels that do not belong to the samples (shuffled apart): the discriminator cannot use them;
          check it first.
        - A discriminator that predicts the class instead of being given it: its answers are judged, and what
          is sent back to them.
        - Simply early: not judged before the warm-up.
        - Fakes shown with wrong classes on purpose, beside the same fakes with the right ones: the pass that
          agrees best counts.

    Remedies
        First check that labels and samples belong together. Then give the discriminator the condition
        (projection) and mismatched pairs as fakes; scale the classifier's term up if an unbounded loss
        drowns it.

    References
        - https://github.com/martinarjovsky/WassersteinGAN/issues/16
        - https://github.com/opendp/smartnoise-sdk/pull/288
        - https://github.com/amoodie/StratGAN/issues/3 (labels and images cycled independently)
        - Miyato, Koyama, "cGANs with Projection Discriminator", 2018; Reed et al., "Generative Adversarial
          Text to Image Synthesis", 2016 (mismatched pairs).
    """

    code = "EQ405"
    name = "condition-ignored"
    kinds = ("passive", "probe")
    signals = (
        "condition.agreement.fake",
        "condition.agreement.generator",
        "condition.named",
        "condition.named.guess",
        "condition.kin",
        "condition.kin.chance",
        "condition.asked",
        "condition.place",
        "condition.alike",
        "sample.distance.ratio",
    )
    facts = (
        "generator.conditional",
        "discriminator.conditional",
        "generator.classes",
        "generator.classes.asked",
        "generator.classes.samples",
    )
    probes = ("generator-response",)
    stage = "data"
    explains = ()
    remedies = (*MAKE_IT_HEED, ASK_FOR_THE_CLASS, SAME_ORDER, TREAT_ALIKE, DRAW_CLASSES)

    def run(self, observations: Observations) -> Finding | None:
        labels = (
            self._mixed_up(observations)
            or self._exchanged(observations)
            or altered_condition(self, observations)
            or self._never_asked(observations)
            or self._one_class(observations)
            or self._never_learnt(observations)
        )
        if labels is not None:
            return labels
        probe = observations.probe("generator-response")
        if probe is None or not observations.warmed_up:
            return None
        condition, noise = probe["condition"], probe["noise"]
        score = probe["discriminator.condition"]
        # Without a latent the condition makes all the difference there is between samples: small ones of a
        # young generator are near each other, whatever they follow.
        limit = SMALL if math.isnan(noise) else SMALL_ANSWER
        if young(observations):
            # Samples that are still near each other answer by as much less to anything, a new latent too.
            spread = latest(observations, "sample.distance.ratio").median()
            limit *= min(1.0, spread) if math.isfinite(spread) else 1.0
            limit = min(limit, HEEDED * noise) if math.isfinite(noise) else limit
        generator = observations.fact("generator.conditional") is True and condition < limit
        discriminator = observations.fact("discriminator.conditional") is True and score < SMALL
        if generator and noise < SMALL:  # nothing changes the output: a collapse, not a deaf ear
            generator = False
        if not generator and not discriminator:
            return self._unrelated(probe)
        parts = []
        evidence = []
        if generator:
            parts.append(f"the generator's samples change by {condition:.1%} of the distance between reals")
            evidence.append(
                Measurement(
                    "generator-response.condition",
                    condition,
                    limit,
                    "below",
                    SOURCE,
                    "change of a sample when only its condition is swapped",
                )
            )
        if discriminator:
            parts.append(f"the discriminator's scores of reals change by {score:.1%} of their spread")
            evidence.append(
                Measurement(
                    "generator-response.discriminator.condition",
                    score,
                    SMALL,
                    "below",
                    SOURCE,
                    "change of a real's score when its condition is swapped",
                )
            )
        excess = max(
            (measurement.threshold or SMALL) / measurement.value - 1 if measurement.value > 0 else math.inf
            for measurement in evidence
        )
        both = generator and discriminator
        return self.finding(
            "error" if both else "warning",
            confidence(0.7, 0.95, excess),
            "Swapping the condition makes almost no difference: " + " and ".join(parts) + ".",
            evidence=tuple(evidence),
            because=(
                Alternative(
                    "mode collapse",
                    "open" if math.isnan(noise) or noise < SMALL else "ruled out",
                    "the generator was given no latent to compare with; the probe diversity tells"
                    if math.isnan(noise)
                    else "the probe diversity tells"
                    if noise < SMALL
                    else f"a new latent at the same condition changes the samples by {noise:.0%} of that "
                    "distance",
                ),
                Alternative(
                    "labels that do not belong to the samples",
                    "open",
                    "look at 16 reals with their labels; no measurement knows what they should be",
                ),
            ),
            remedies=MAKE_IT_HEED,
        )

    def _unrelated(self, probe: ProbeResult) -> Finding | None:
        """Labels that neither the reals nor the discriminator know anything of."""
        share, chance, error = (probe[f"condition.neighbours{end}"] for end in ("", ".chance", ".error"))
        fall = probe["discriminator.condition.fall"]
        limit = chance + SHOWS * error
        if not (share <= limit and fall < SHOWS):
            return None
        return self.finding(
            "warning",
            confidence(0.65, 0.85, (limit - share) / (2 * SHOWS * error) if error > 0 else 0.0),
            "The labels seem to have nothing to do with the reals: the nearest other real has the same one "
            f"in {share:.0%} of the cases, any other in {chance:.0%}, and the discriminator finds reals with "
            "another label no less real.",
            evidence=(
                Measurement(
                    "generator-response.condition.neighbours",
                    share,
                    limit,
                    "at most",
                    "chance and two standard errors",
                    "share of reals whose nearest other real has the same label",
                ),
                Measurement(
                    "generator-response.discriminator.condition.fall",
                    fall,
                    SHOWS,
                    "below",
                    "two standard errors",
                    "fall of a real's score with another label, over its standard error",
                ),
            ),
            because=(
                Alternative(
                    "labels of something that hardly shows in a sample",
                    "open",
                    "the discriminator would have learnt it in time; look at 16 reals with their labels",
                ),
            ),
            remedies=(CHECK_ALIGNMENT,),
        )

    def _mixed_up(self, observations: Observations) -> Finding | None:
        """Fakes that are judged with other classes than they were made with."""
        for name, step in (("fake", "discriminator"), ("generator", "generator")):
            signal = f"condition.agreement.{name}"
            shares = observations.series(signal).finite()
            wrong = int((shares.values < AGREE).sum())
            # Right more often than not: some batches are meant to be wrong.
            if wrong < RECORDS or 2 * wrong < len(shares):
                continue
            share = shares.median()
            return self.finding(
                "error",
                confidence(0.8, 0.97, (AGREE - share) / AGREE),
                f"In the {step}'s step only {share:.0%} of the fakes are judged by the discriminator with "
                "the condition (class, picture) that they were made with.",
                evidence=(
                    Measurement(
                        signal,
                        share,
                        AGREE,
                        "below",
                        "two classes at random agree in half of the fakes",
                        f"median of {len(shares)} records",
                    ),
                ),
                because=(
                    Alternative(
                        "wrong pairs shown on purpose, as further fakes",
                        "ruled out",
                        "the pass that agrees best was counted, and none agrees",
                    ),
                    Alternative(
                        "noise put on labels", "unlikely", "it would leave more than half of them as they are"
                    ),
                ),
                remedies=(PASS_THE_SAME,),
                since=int(shares.steps[shares.values < AGREE][0]),
            )
        return None

    def _exchanged(self, observations: Observations) -> Finding | None:
        """Samples and condition stand in each other's channels in the generator's step."""
        place = observations.series("condition.place").finite()
        wrong = place.values < 1
        if int(wrong.sum()) < RECORDS or 2 * int(wrong.sum()) < len(place):
            return None
        return self.finding(
            "error",
            0.95,
            "In the generator's step the fakes stand in another place of the discriminator's input than in "
            "its own step: sample and condition have changed places.",
            evidence=(
                Measurement(
                    "condition.place",
                    0.0,
                    1.0,
                    "below",
                    "exact: the argument or the channels that are the generator's",
                    f"in {int(wrong.sum())} of {len(place)} records",
                ),
            ),
            remedies=(SAME_ORDER,),
            since=int(place.steps[wrong][0]),
        )

    def _never_asked(self, observations: Observations) -> Finding | None:
        """The discriminator learns to name classes, and the generator's loss never asks for one."""
        asked = observations.series("condition.asked").finite()
        if len(asked) < RECORDS_NOT_ASKED or asked.largest() > 0:
            return None
        if observations.fact("generator.conditional") is not True:
            return None
        # Where the discriminator is given the class, its score asks for it.
        if observations.fact("discriminator.conditional") is True:
            return None
        return self.finding(
            "warning",
            0.85,
            "The generator is given a class and the discriminator learns to name the classes of reals, but "
            f"in none of {len(asked)} recorded steps does the generator's loss ask for the class: nothing "
            "makes its samples follow it.",
            evidence=(
                Measurement(
                    "condition.asked",
                    0.0,
                    1.0,
                    "below",
                    "exact: what is sent back to the discriminator's answers in the generator's step",
                    f"over {len(asked)} records",
                ),
            ),
            because=(
                Alternative(
                    "a class term through another classifier",
                    "open",
                    "only the discriminator's own answers are seen",
                ),
                Alternative(
                    "a class term that is added later",
                    "open",
                    "as soon as it is, this finding is gone",
                ),
            ),
            remedies=(ASK_FOR_THE_CLASS,),
            since=int(asked.steps[0]),
        )

    def _one_class(self, observations: Observations) -> Finding | None:
        """The generator is asked for one class only, of several."""
        possible, asked = observations.fact("generator.classes"), observations.fact("generator.classes.asked")
        samples = observations.fact("generator.classes.samples") or 0
        if asked != 1 or not possible or possible < 2 or samples < SAMPLES_OF_ONE_CLASS:
            return None
        return self.finding(
            "warning",
            0.85,
            f"The generator can be asked for {possible} classes, and all {samples:,} recorded samples of its "
            "own steps were asked for one and the same.",
            evidence=(
                Measurement(
                    "generator.classes.asked",
                    1.0,
                    2.0,
                    "below",
                    "exact: the labels in the generator's calls",
                    f"different classes, of {possible}",
                ),
            ),
            because=(
                Alternative("a training on one class on purpose", "open", "then it needs no condition"),
                Alternative("a rare second class", "unlikely", f"it was never among {samples:,} samples"),
            ),
            remedies=(DRAW_CLASSES,),
        )

    def _never_learnt(self, observations: Observations) -> Finding | None:
        """The discriminator cannot name the classes of reals after a long time: the labels are not theirs."""
        named = latest(observations, "condition.named", LONG)
        guess = latest(observations, "condition.named.guess", LONG)
        updates = observations.updates.get("discriminator", 0)
        if not observations.warmed_up or updates < LONG or min(len(named), len(guess)) < RECORDS:
            return None
        if not named.median() <= guess.median() or self._kin(observations):
            return None
        return self.finding(
            "warning",
            confidence(0.7, 0.9, updates / LONG - 1),
            f"After {updates:,} updates the discriminator names the class of {named.median():.0%} of the "
            f"reals as its own loss asks; always naming the commonest would give {guess.median():.0%}. The "
            "labels seem not to belong to the reals.",
            evidence=(
                Measurement(
                    "condition.named",
                    named.median(),
                    guess.median(),
                    "at most",
                    "what always naming the commonest class of the batch gives",
                    f"median of {len(named)} records",
                ),
            ),
            because=(
                Alternative(
                    "classes that hardly show in a sample",
                    "open",
                    "look at 16 reals with their labels",
                ),
                Alternative(
                    "a class term that is too weak",
                    "unlikely",
                    "the class has a layer of its own, which Adam trains whatever its weight",
                ),
            ),
            remedies=(CHECK_ALIGNMENT,),
        )

    @staticmethod
    def _kin(observations: Observations) -> bool:
        """Whether the labels show among neighbouring reals: then they are theirs, and learnt slowly."""
        kin, chance = (
            observations.series(name).finite() for name in ("condition.kin", "condition.kin.chance")
        )
        count = min(len(kin), len(chance))
        if count < RECORDS:
            return False
        beyond = kin.values[:count] - chance.values[:count]
        return bool(beyond.mean() > SHOWS * beyond.std() / math.sqrt(count))

    def undecided(self, observations: Observations) -> str | None:
        if observations.fact("generator.conditional") is not True or not observations.warmed_up:
            return None
        probe = observations.probe("generator-response")
        if probe is None:
            return "Whether the condition is used is open: the probe generator-response tells."
        if probe["condition"] < SMALL and probe["noise"] < SMALL:
            return (
                "Whether the condition is used cannot be told while neither it nor the latent changes the "
                "samples; "
                "cure the collapse first, then the probe generator-response tells."
            )
        return None
