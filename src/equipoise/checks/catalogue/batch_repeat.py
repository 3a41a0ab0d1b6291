"""EQ403: the same latents or the same real batches come again and again."""

from __future__ import annotations

import math
from dataclasses import replace

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.outliers import outlying_batches
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

REPEATED_LATENTS = 0.9
# New latents once in a while (each epoch) leave a few records without a repeat; nobody makes seven updates
# of the generator from one batch of them on purpose.
RENEWED = 0.15
CONSTANT_LATENT = 1e-6
SAME_BATCHES = 0.5
RECORDS = 5
STEPS = 20
EXACT_UP_TO = 20_000
GROWTH = 0.01
# Copies within one batch: a fifth (survey of reported failures), and five times what chance gives.
REPEATED_WITHIN = 0.2
REPEATED_FACTOR = 5.0
MOST_BY_CHANCE = 0.16  # so that four fifths of copies within a batch are never called chance
# Of the fakes in the discriminator's step; all-alike ones come again by nature.
OLD_FAKES = 0.9
ALL_ALIKE = 0.01
FEW_FACES = 0.5  # of the fakes have a near copy in their own batch
# Batch means beyond the lot; sorted classes of digits give about 16 in batches of 64.
ORDERED = 4.0
ORDERED_RECORDS = 10
OLD_SOURCE = "ours: pools of earlier fakes mix new ones in, one half in CycleGAN's"
ORDERED_SOURCE = "ours: four times the expectation of random batches"
LATENT_SOURCE = "exact: fresh latents never repeat; 0.9 leaves room for one latent used in several steps"
CONSTANT_SOURCE = "exact: all values of the latent batch are equal"
BATCH_SOURCE = "exact: shuffled epochs never give the same batch twice (probability below 1e-30)"
FRESH_LATENTS = Remedy(
    "draw-fresh-latents",
    "Draw the latent batch anew in every step, inside the loop.",
    "root",
    "unsafe",
)
SHUFFLE = Remedy(
    "shuffle-data",
    "Use `DataLoader(..., shuffle=True)`, iterate over it instead of restarting it, and shuffle "
    "anew each epoch.",
    "root",
    "safe",
)
SHOW_NEW_FAKES = Remedy(
    "show-new-fakes",
    "Make fakes anew in every step, or put the new ones into the pool that the discriminator's come from.",
    "root",
    "display-only",
)
EXPLAINED = (
    "mode-collapse",
    "batch-blindness",
    "perfect-discriminator",
    "vanishing-generator-gradient",
    "discriminator-overfitting",
    "late-collapse",
    "z-ignored",
    "bn-erases-latent",
    "uninformative-discriminator",
    "constant-discriminator",
    "oscillation",
)


@CHECKS.register("batch-repeat")
class BatchRepeat(Check):
    """The loop is fed the same latents, fakes or batches of reals over and over, or reals in an order.

    What it does
        Counts latent rows that came before, fakes that the discriminator was shown before, and batches of
        reals that equal an earlier batch as a set; and compares the batches' means with one another.

    Why it is bad
        With constant latents the generator learns a handful of outputs, which looks like mode collapse.
        With one batch of reals the discriminator learns it by heart; with an unshuffled loader the batch
        statistics repeat and neighbours in the file always meet in one batch.

    Evidence and threshold
        Error: more than 90 % of the latent rows were seen at an earlier step, in at least 85 % of 5 records
        over 20 steps; or all values of the latent batch are equal (standard deviation below 1e-6). Warning:
        more than half of the batches of reals equal an earlier batch as a set while no new samples appear;
        exact comparisons. Info: batches repeat while new samples still appear (each batch is used several
        times in a row). Error also: more than 90 % of the fakes in the discriminator's step were made
        before an earlier step of the generator, though they are not all alike. Warning also: the means of
        the batches of reals are apart by more than 4 times what random batches would be, in the median of
        at least 10 records; info where the fakes are changed on their way to the discriminator, as an
        augmentation that is drawn once for a batch moves its mean as well. Reals that repeat sample by
        sample are never judged: below 20,000 samples every epoch repeats them, and drawing with replacement
        does too.

    What else it could be
        - A shuffled data set in its second epoch: its samples repeat, its batches do not.
        - A data set that is one batch: told by `data.batch` against the number of distinct samples, and
          said so.
        - A latent that is used for both players' steps: counted once, and below the threshold.
        - Discrete latents with few values (bits): where at most 20,000 are possible, rows repeat by nature,
          and only whole batches that come again count.
        - Corrupt records: they move the mean of a batch as far in any order (`range-mismatch`).

    Remedies
        Draw latents inside the loop; set `shuffle=True` and take the next batch of the loader in each step.

    References
        - https://github.com/zhangqianhui/Conditional-GAN/pull/3 (never shuffled)
        - https://github.com/valentingol/GANJax/issues/11 (shuffle buffer too small)
    """

    code = "EQ403"
    name = "batch-repeat"
    kinds = ("passive",)
    signals = (
        "latent.repeated",
        "latent.same",
        "latent.possible",
        "latent.std",
        "batch.real.same",
        "batch.real.distinct",
        "batch.real.repeated",
        "batch.real.drift",
        "batch.fake.repeated",
        "sample.distance.ratio",
        "sample.fake.duplicates",
        "sample.real.low",
        "sample.real.high",
    )
    facts = ("data.batch", "generator.treated")
    stage = "data"
    # The last two by zeros as latents alone: layers without biases pass them on, and get no gradient.
    explains = (*EXPLAINED, "frozen-network", "dead-or-saturated")
    remedies = (FRESH_LATENTS, SHUFFLE, SHOW_NEW_FAKES)

    def run(self, observations: Observations) -> Finding | None:
        constant = self._constant_latent(observations)
        if constant is not None:
            return constant
        found = (
            self._repeated_latents(observations)
            or self._same_batches(observations)
            or self._duplicates_within(observations)
            or self._old_fakes(observations)
            or self._ordered(observations)
        )
        return found and replace(found, explains=EXPLAINED)

    def _old_fakes(self, observations: Observations) -> Finding | None:
        """Fakes from before are shown to the discriminator, and hardly any new ones."""
        old = sustained(
            observations, "batch.fake.repeated", lambda v: v > OLD_FAKES, steps=STEPS, records=RECORDS
        )
        apart = latest(observations, "sample.distance.ratio").median()
        if old is None or not apart > ALL_ALIKE or observations.updates.get("generator", 0) < STEPS:
            return None
        if latest(observations, "sample.fake.duplicates").median() > FEW_FACES:
            return None  # a saturated generator makes its few samples again, from any latents
        return self.finding(
            "error",
            confidence(0.85, 0.95, (old.value - OLD_FAKES) / (1 - OLD_FAKES)),
            f"{old.value:.0%} of the fakes that the discriminator is trained on were made before earlier "
            "steps of the generator: what the generator makes now is hardly shown to it.",
            evidence=(
                Measurement(
                    "batch.fake.repeated",
                    old.value,
                    OLD_FAKES,
                    "above",
                    OLD_SOURCE,
                    f"share of fakes seen before, over {old.steps:.0f} steps",
                ),
            ),
            because=(
                Alternative(
                    "a pool of earlier fakes on purpose",
                    "unlikely",
                    "it mixes new ones in: one half, in CycleGAN's",
                ),
                Alternative(
                    "a generator that makes one and the same sample",
                    "ruled out",
                    f"its samples are apart ({apart:.2f} of the reals' distance)",
                ),
            ),
            since=old.since,
            remedies=(SHOW_NEW_FAKES,),
        )

    def _ordered(self, observations: Observations) -> Finding | None:
        """Batches that differ from one another as batches drawn at random do not."""
        drift = observations.series("batch.real.drift").finite()
        usual = drift.median()
        if len(drift) < ORDERED_RECORDS or not usual > ORDERED:
            return None
        if outlying_batches(observations) is not None:
            return None  # a mean that holds a corrupt record is far from the others in any order
        treated = observations.fact("generator.treated") is True
        return self.finding(
            "info" if treated else "warning",
            confidence(0.75, 0.95, math.log2(usual / ORDERED)),
            f"The batches of reals differ from one another {usual:.1f} times as much as batches drawn at "
            "random would: the data come in an order, for instance class by class.",
            evidence=(
                Measurement(
                    "batch.real.drift",
                    usual,
                    ORDERED,
                    "above",
                    ORDERED_SOURCE,
                    f"median of {len(drift)} records",
                ),
            ),
            because=(
                Alternative(
                    "an augmentation that is drawn once for a whole batch",
                    "open" if treated else "ruled out",
                    "what the discriminator is given of the generator is changed on its way; reals may be too"
                    if treated
                    else "the fakes reach the discriminator as the generator made them",
                ),
                Alternative(
                    "batches of one class each on purpose",
                    "open",
                    "they disturb batch norm and whatever else looks at the batch all the same",
                ),
                Alternative(
                    "chance",
                    "ruled out",
                    f"its expectation is 1, and half of {len(drift)} records exceed it so",
                ),
            ),
            since=int(drift.steps[0]),
            remedies=(SHUFFLE,),
        )

    def _duplicates_within(self, observations: Observations) -> Finding | None:
        """The very first batch repeats itself, though the data have far more samples than a batch."""
        first = observations.series("batch.real.repeated").until(1).finite()
        distinct = observations.series("batch.real.distinct").finite().last
        batch = float(observations.fact("data.batch", math.nan))
        if not len(first) or not distinct > 0 or not batch > 0:
            return None
        # Drawn with replacement from that many samples, so many repeats are expected in one batch.
        # Those of one batch alone are no measure of how many there are: a batch of clones has one.
        chance = min(batch / (2 * distinct), MOST_BY_CHANCE)
        if not first.last > max(REPEATED_WITHIN, REPEATED_FACTOR * chance):
            return None
        return self.finding(
            "warning",
            confidence(0.7, 0.92, first.last / REPEATED_WITHIN - 1),
            f"{first.last:.0%} of the reals in the first batch are copies of others in it, though at least "
            f"{distinct:,.0f} different reals exist: the loader or the data set repeats samples.",
            evidence=(
                Measurement(
                    "batch.real.repeated",
                    first.last,
                    max(REPEATED_WITHIN, REPEATED_FACTOR * chance),
                    "above",
                    "survey of reported failures: a fifth of an epoch",
                    "share of copies within the first batch",
                ),
            ),
            because=(
                Alternative(
                    "drawing with replacement from a small data set",
                    "ruled out",
                    f"by chance {chance:.1%} of a batch of {batch:.0f} would be copies",
                ),
            ),
            since=0,
            remedies=(SHUFFLE,),
        )

    def _constant_latent(self, observations: Observations) -> Finding | None:
        still = sustained(
            observations, "latent.std", lambda v: v < CONSTANT_LATENT, steps=STEPS, records=RECORDS
        )
        if still is None:
            return None
        return self.finding(
            "error",
            0.96,
            f"All values of the latent batches are equal (standard deviation {still.value:.1e}) over "
            f"{still.steps:.0f} "
            "steps: every sample comes from the same latent.",
            evidence=(
                Measurement(
                    "latent.std",
                    still.value,
                    CONSTANT_LATENT,
                    "below",
                    CONSTANT_SOURCE,
                    "spread of the latents",
                ),
            ),
            because=(
                Alternative(
                    "mode collapse", "ruled out", "the input itself is constant, so the output has to be"
                ),
            ),
            since=still.since,
            remedies=(FRESH_LATENTS,),
        )

    def _repeated_latents(self, observations: Observations) -> Finding | None:
        again = sustained(
            observations,
            "latent.repeated",
            lambda v: v > REPEATED_LATENTS,
            steps=STEPS,
            records=RECORDS,
            tolerated=RENEWED,
        )
        if again is None or self._few_latents(observations):
            return None
        return self.finding(
            "error",
            0.93,
            f"{again.value:.0%} of the latent rows were used at an earlier step already, over "
            f"{again.steps:.0f} steps: the "
            "generator is trained on a fixed set of latents.",
            evidence=(
                Measurement(
                    "latent.repeated",
                    again.value,
                    REPEATED_LATENTS,
                    "above",
                    LATENT_SOURCE,
                    "share of latent rows seen before",
                ),
            ),
            because=(
                Alternative(
                    "one latent batch used for both players' steps",
                    "ruled out",
                    f"rows are counted once per step, and {again.value:.0%} come from earlier steps",
                ),
                self._not_few(observations),
            ),
            since=again.since,
            remedies=(FRESH_LATENTS,),
        )

    @staticmethod
    def _few_latents(observations: Observations) -> bool:
        """Whether there are so few latents that fresh ones repeat, and the batches themselves are new."""
        possible = observations.series("latent.possible").median()
        same = observations.series("latent.same").finite()
        return possible <= EXACT_UP_TO and same.share(same.values > 0) < SAME_BATCHES

    @staticmethod
    def _not_few(observations: Observations) -> Alternative:
        possible = observations.series("latent.possible").median()
        if math.isnan(possible):
            return Alternative(
                "discrete latents with few values", "open", "if they are meant, nothing is wrong"
            )
        few = possible <= EXACT_UP_TO
        return Alternative(
            "discrete latents with few values",
            "ruled out",
            "there are few, but whole batches come again"
            if few
            else f"values like these make at least {possible:.0e} different ones",
        )

    def _same_batches(self, observations: Observations) -> Finding | None:
        same = sustained(
            observations, "batch.real.same", lambda v: v > SAME_BATCHES, steps=STEPS, records=RECORDS
        )
        if same is None:
            return None
        distinct = observations.series("batch.real.distinct").finite()
        seen = distinct.last
        # Records see a part of the batches only, so a small data set is known after a while, not at once.
        earlier = distinct.since(observations.step / 2).first
        growing = seen > earlier * (1 + GROWTH) or not seen < EXACT_UP_TO
        repeated = Measurement(
            "batch.real.same",
            same.value,
            SAME_BATCHES,
            "above",
            BATCH_SOURCE,
            "share of real batches that equal an earlier one as a set",
        )
        shown = f"{seen:,.0f}" if math.isfinite(seen) else "an unknown number of"
        count = Measurement(
            "batch.real.distinct",
            seen if math.isfinite(seen) else 0.0,
            meaning="distinct real samples so far",
        )
        if growing:
            return self.finding(
                "info",
                0.7,
                f"{same.value:.0%} of the real batches equal an earlier one while new samples still "
                "appear: each batch is used "
                "several times.",
                evidence=(repeated, count),
                because=(
                    Alternative(
                        "an unshuffled loader",
                        "ruled out",
                        f"new samples still appear ({shown} distinct so far)",
                    ),
                ),
                remedies=(),
            )
        batch = float(observations.fact("data.batch", math.nan))
        single = seen <= batch
        return self.finding(
            "warning",
            0.8 if single else 0.9,
            f"The discriminator sees the same batch of {shown} reals in every step."
            if single
            else f"{same.value:.0%} of the real batches equal an earlier batch as a set, over "
            f"{same.steps:.0f} steps and "
            f"{shown} distinct samples: the data are not shuffled between epochs.",
            evidence=(repeated, count),
            because=(
                Alternative(
                    "a data set that is one batch",
                    "open" if single or math.isnan(batch) else "ruled out",
                    f"if the data set holds just these {shown} samples, collect more"
                    if single
                    else "the size of a batch is not known"
                    if math.isnan(batch)
                    else f"a batch has {batch:.0f} samples, the data at least {shown}",
                ),
                Alternative(
                    "repetition by a small data set",
                    "ruled out",
                    "shuffled epochs repeat samples but not whole batches",
                ),
            ),
            since=same.since,
            remedies=(SHUFFLE,),
        )
