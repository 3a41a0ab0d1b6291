"""EQ401: reals and fakes live in different ranges."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.outliers import OUTLIER, OUTLIER_SOURCE, outlying_batches
from equipoise.checks.reach import BOUNDS, reach
from equipoise.checks.shares import another_axis
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.units import AUC, SEPARATED, fakes_too_wide, still_bytes
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations, Series

BEYOND = 0.005  # of the width: more than rounding
LARGEST_NOISE = 0.25  # of the width: four standard deviations of a noise of an eighth of a range of two
TOLERANCE = 0.1  # of the width of the generator's range; noise or augmentation pushes data a little beyond
NEVER_NEGATIVE = -0.02
CLEARLY_NEGATIVE = -0.2
FEATURE = 0.95
UNNORMALISED_STD = 10.0
SMALL_SPREAD = 0.1
MOVED = 0.05  # standard deviation of fakes that are more than a constant
RECORDS = 3
HELD = 1e-6  # ends of a range that are this near are one bound
MOSTLY = 0.9
REACH = "exact: what the generator's last activation can give"
SIGN = "voletiv/self-attention-GAN-pytorch issue 6; ours: smallest real at or above -0.02"
FAKE_SIGN = "ours: fakes clearly below zero (-0.2)"
NORMALISED = "UMLAUT: input outside [-1, 1]; ours: a standard deviation above 10"

CLEAN_DATA = Remedy(
    "remove-corrupt-records",
    "Find the samples with values beyond the usual range and remove or clip them when the data are loaded.",
    "root",
    "unsafe",
)
SAME_SCALE = Remedy(
    "same-scale-for-both",
    "Give the discriminator reals and fakes in one scale: make pixels of the fakes only when they are saved, "
    "or map the reals the same way.",
    "root",
    "display-only",
)


@CHECKS.register("range-mismatch")
class RangeMismatch(Check):
    """The values of reals and of fakes lie in ranges that cannot agree.

    What it does
        Compares the values that the discriminator is given: the reals' smallest and largest value with what
        the generator's last activation can give, and with the fakes' own.

    Why it is bad
        The discriminator needs one pixel to be right: a value below 0, or above 1, settles it. It wins at
        once, for a reason that has nothing to do with the content, and the generator learns next to
        nothing.

    Evidence and threshold
        Error, exact: reals lie beyond the range of the generator's last activations (a tanh behind another
        gives -0.76 to 0.76) by more than 10 % of its
        width, and the fakes as they are shown do not (noise on what the discriminator sees moves both). For a
        clamp the end of that range is where the fakes' own end stays, in 90 % of 3 or more records. Warning:
        no real value is below -0.02 although the generator ends in tanh, or no fake is although reals reach
        below -0.5 and the generator ends in tanh (the fakes are mapped on their way), in every record of 3 or
        more. Error if in addition the other side goes below -0.2 and either the AUC of the scores is above
        0.95 over 100 steps or one trivial number tells real from fake with an AUC above 0.95. Without a
        bounded activation only data decide, after the warm-up: reals with a standard deviation above 10 while
        the fakes' spread is below a tenth of theirs and the AUC is above 0.95: warning; before that, from 30
        steps on, images in [0, 255] beside fakes that never went beyond 5: warning. The other way round,
        whatever the activation: fakes as they are shown have more than 10 times the reals' standard deviation
        in the first record and in the median of the warm-up, still more than twice it in the last tenth of
        the run, they reach beyond the reals, their size tells them apart (AUC above 0.95 of the scores or of
        one trivial number), and no layer of the generator starts with weights beyond 3 times He's standard
        deviation: warning (fakes in pixels, reals in [-1, 1]). Two recorded batches of reals whose largest
        value is above 20 times the usual batch's (the 10 % quantile over batches): warning (corrupt records).
        Error, exact: one-hot reals beside fakes that add up to one along another axis only, in 5 records.

    What else it could be
        - A generator without a final activation by design: never judged by its activation.
        - Noise on whatever the discriminator is shown: fakes are beyond the generator's range too.
        - Collapse: it narrows the fakes but keeps them inside the reals' range.
        - A generator that blows up later, or starts with huge weights: the first record and the weights tell.
        - A data set that has no dark values by nature: open where only the structure speaks.
        - Data with heavy tails: their largest values vary too, though far less from batch to batch.

    Remedies
        Map the data to the generator's range, (x - 0.5) / 0.5 for tanh and images in [0, 1], and start
        again. A generator with a sigmoid for data in [0, 1] does it too.

    References
        - https://github.com/voletiv/self-attention-GAN-pytorch/issues/6 (reals in [0, 1], fakes in [-1, 1])
        - https://github.com/carpedm20/DCGAN-tensorflow/pull/24 (not divided by 255)
        - https://github.com/yxgeee/FD-GAN/issues/5 (ImageNet normalisation against tanh)
        - https://github.com/rosinality/style-based-gan-pytorch/issues/30 (no tanh, by design: a false alarm)
    """

    code = "EQ401"
    name = "range-mismatch"
    kinds = ("preflight", "passive", "probe")
    signals = (
        "sample.real.low",
        "sample.real.high",
        "sample.real.std",
        "sample.fake.low",
        "sample.fake.high",
        "sample.fake.std",
        "sample.spread.ratio",
        "sample.fake.elsewhere",
        "score.auc",
    )
    facts = (
        "generator.output_activation",
        "generator.output_activations",
        "generator.output_range",
        "generator.initialisation",
        "data.kind",
    )
    probes = ("one-feature",)
    stage = "data"
    explains = (
        *SYMPTOMS,
        "quantized-reals",
        "discriminator-overfitting",
        "condition-ignored",
        "z-ignored",
        "bn-erases-latent",
        "critic-unconstrained",
        "non-finite",
        "frozen-network",
        "exploding-gradient",
        "instability",
    )
    remedies = (
        Remedy(
            "normalise-data",
            "Map the data to the generator's range (for tanh and images in [0, 1]: (x - 0.5) / 0.5; from "
            "0..255 divide by "
            "127.5 and subtract 1), and start the run again.",
            "root",
            "unsafe",
        ),
        Remedy(
            "change-output-activation",
            "Or end the generator in an activation with the data's range: sigmoid for [0, 1], none for "
            "unbounded data.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        low = observations.series("sample.real.low").finite()
        high = observations.series("sample.real.high").finite()
        if not len(low) or not len(high):
            return None
        return (
            another_axis(self, observations)
            or self._outliers(observations)
            or self._by_activation(observations, low, high)
            or self._fakes_too_wide(observations)
        )

    def _by_activation(self, observations: Observations, low: Series, high: Series) -> Finding | None:
        activation = observations.fact("generator.output_activation")
        if activation == "clamp":
            clamped = self._clamped(observations, low.median(), high.median())
            return clamped or self._unnormalised(observations)
        if activation in BOUNDS:
            return (
                self._unreachable(observations, activation, low.median(), high.median())
                or self._reals_without_negatives(observations, activation)
                or self._fakes_without_negatives(observations, activation)
            )
        return self._unnormalised(observations) or self._bytes(observations)

    def _bytes(self, observations: Observations) -> Finding | None:
        seen = still_bytes(observations)
        if seen is None:
            return None
        return self.finding(
            "warning", seen.confidence, seen.message, evidence=seen.evidence, because=seen.because, since=0
        )

    def _outliers(self, observations: Observations) -> Finding | None:
        """Batches of reals whose largest value is far beyond that of the others: corrupt records."""
        seen = outlying_batches(observations)
        if seen is None:
            return None
        return self.finding(
            "warning",
            confidence(0.8, 0.95, math.log10(seen.worst / (OUTLIER * seen.usual))),
            f"Some reals are far outside the range of all others: in {seen.count} of {seen.records} recorded "
            f"batches the largest value is up to {seen.worst:.3g}, where {seen.usual:.3g} is usual. Look for "
            "corrupt records, or values that mean missing.",
            evidence=(
                Measurement(
                    "sample.real.high",
                    seen.worst,
                    OUTLIER * seen.usual,
                    "above",
                    OUTLIER_SOURCE,
                    "largest absolute value of a batch of reals, against that of a usual batch",
                ),
            ),
            because=(
                Alternative(
                    "data with heavy tails by nature",
                    "open",
                    "scale them by a logarithm or by quantiles; the remedy is the same",
                ),
                Alternative(
                    "values in another unit throughout",
                    "ruled out",
                    f"{seen.records - seen.count} batches lack them",
                ),
            ),
            since=seen.since,
            remedies=(CLEAN_DATA,),
        )

    def _unreachable(
        self, observations: Observations, activation: str, low: float, high: float
    ) -> Finding | None:
        bottom, top, names = reach(observations, activation)
        width = top - bottom if math.isfinite(top) else max(high, 1.0)
        if self._treated(observations, bottom, top, TOLERANCE * width):
            return None
        below, above = bottom - low, high - top
        if max(below, above) <= TOLERANCE * width:
            return None
        lower = below > above
        shown = f"[{bottom:.3g}, {top:.3g}]" if math.isfinite(top) else f"values of at least {bottom:.3g}"
        feature = self._one_feature(observations)
        return self.finding(
            "error",
            0.97,
            f"The reals lie in [{low:.3g}, {high:.3g}], but the generator ends in {names} and can only give "
            f"{shown}.",
            evidence=(
                Measurement(
                    "sample.real.low" if lower else "sample.real.high",
                    low if lower else high,
                    bottom if lower else top,
                    "below" if lower else "above",
                    REACH,
                    "end of the reals' range; the threshold is the end of the generator's",
                ),
                *feature,
            ),
            because=(
                Alternative(
                    "a generator without a final activation by design",
                    "ruled out",
                    f"it ends in {names}",
                ),
                Alternative(
                    "single outliers or augmentation noise",
                    "ruled out",
                    f"the excess is {max(below, above) / width:.0%} of the generator's range in the median "
                    "batch",
                ),
            ),
            since=0,
        )

    @staticmethod
    def _treated(observations: Observations, bottom: float, top: float, tolerance: float) -> bool:
        """Whether fakes too are beyond the generator's range when the discriminator is shown them.

        Then both are treated on the way, with noise for instance, and the reals' range is not the data's.
        """
        lowest = observations.series("sample.fake.low").median()
        highest = observations.series("sample.fake.high").median()
        if lowest < bottom - tolerance or highest > top + tolerance:
            return True
        # The activation itself never goes beyond its bounds, so that a little beyond shows noise on the way;
        # it moves the reals' ends more than those of fakes that do not reach the bounds yet.
        width = top - bottom
        low = observations.series("sample.real.low").median()
        high = observations.series("sample.real.high").median()
        return math.isfinite(width) and (
            max(bottom - lowest, highest - top) > BEYOND * width
            and max(bottom - low, high - top) < LARGEST_NOISE * width
        )

    def _clamped(self, observations: Observations, low: float, high: float) -> Finding | None:
        """A clamp's bounds are where the fakes' own ends stay, record for record."""
        for signal, end, beyond in (("sample.fake.low", low, -1), ("sample.fake.high", high, 1)):
            ends = observations.series(signal).finite()
            if len(ends) < RECORDS:
                continue
            bound = ends.smallest() if beyond < 0 else ends.largest()
            held = ends.share(np.abs(ends.values - bound) < HELD)
            width = high - low
            if held < MOSTLY or not width > 0 or beyond * (end - bound) <= TOLERANCE * width:
                continue
            return self.finding(
                "error",
                0.95,
                f"The reals lie in [{low:.3g}, {high:.3g}], but the generator ends in a clamp at {bound:.3g} "
                "and gives nothing beyond.",
                evidence=(
                    Measurement(
                        signal.replace("fake", "real"),
                        end,
                        bound,
                        "below" if beyond < 0 else "above",
                        REACH,
                        f"end of the reals' range; the threshold is the fakes' in {held:.0%} of the records",
                    ),
                ),
                because=(
                    Alternative(
                        "fakes that have not learnt to go that far",
                        "ruled out",
                        "their end is the same in every record",
                    ),
                ),
                since=0,
            )
        return None

    def _reals_without_negatives(self, observations: Observations, activation: str) -> Finding | None:
        lowest = observations.series("sample.real.low").finite()
        # Before training there is one batch, and it is all there is to judge.
        enough = 1 if observations.source == "preflight" else RECORDS
        if activation != "tanh" or len(lowest) < enough or lowest.smallest() < NEVER_NEGATIVE:
            return None
        fakes = observations.series("sample.fake.low").finite()
        if len(fakes) >= enough and fakes.smallest() >= NEVER_NEGATIVE:
            return None  # from the first one on they were mapped on their way to the discriminator
        fake = fakes.median()
        return self._one_sided(
            observations,
            f"No real value is below {lowest.smallest():.3g}, but the generator ends in tanh and gives "
            "values from -1 to 1" + (f" (lowest fake: {fake:.2f})." if fake < 0 else "."),
            Measurement(
                "sample.real.low", lowest.smallest(), NEVER_NEGATIVE, "not below", SIGN, "smallest real value"
            ),
            fake,
            "sample.fake.low",
            "median of the smallest fake value",
        )

    def _fakes_without_negatives(self, observations: Observations, activation: str) -> Finding | None:
        real = observations.series("sample.real.low").median()
        fake = observations.series("sample.fake.low").finite()
        spread = observations.series("sample.fake.std").median()
        if (
            activation != "tanh"
            or not real < -0.5
            or len(fake) < RECORDS
            or fake.smallest() < NEVER_NEGATIVE
            or not spread > MOVED
        ):
            return None
        return self._one_sided(
            observations,
            f"The discriminator is given fakes without a negative value (smallest {fake.smallest():.3g}) "
            "though the "
            f"generator ends in tanh, while the reals reach down to {real:.2f}: the fakes are mapped on "
            "their way.",
            Measurement(
                "sample.fake.low", fake.smallest(), NEVER_NEGATIVE, "not below", SIGN, "smallest fake value"
            ),
            real,
            "sample.real.low",
            "median of the smallest real value",
        )

    def _one_sided(
        self,
        observations: Observations,
        message: str,
        first: Measurement,
        other: float,
        other_name: str,
        other_meaning: str,
    ) -> Finding:
        auc = sustained(observations, "score.auc", lambda v: v > SEPARATED)
        feature = self._one_feature(observations)
        second: list[Measurement] = []
        if other < CLEARLY_NEGATIVE:
            second.append(Measurement(other_name, other, CLEARLY_NEGATIVE, "below", FAKE_SIGN, other_meaning))
        if auc is not None:
            second.append(Measurement("score.auc", auc.value, SEPARATED, "above", AUC, "real against fake"))
        proven = other < CLEARLY_NEGATIVE and (auc is not None or bool(feature))
        return self.finding(
            "error" if proven else "warning",
            0.95 if proven else 0.75,
            message,
            evidence=(first, *second, *feature),
            because=(
                Alternative(
                    "data that have no low values by nature",
                    "unlikely" if proven else "open",
                    "the discriminator already separates by it"
                    if proven
                    else "the probe one-feature tells whether the sign alone separates reals from fakes",
                ),
                Alternative(
                    "collapse of the generator",
                    "ruled out",
                    "it narrows the fakes' range but does not move the reals'",
                ),
            ),
            since=0,
        )

    def _one_feature(self, observations: Observations) -> tuple[Measurement, ...]:
        probe = observations.probe("one-feature")
        if probe is None or not probe["auc"] > FEATURE:
            return ()
        return (
            Measurement(
                "one-feature.auc",
                probe["auc"],
                FEATURE,
                "above",
                AUC,
                "AUC of the best single trivial number",
            ),
        )

    def _fakes_too_wide(self, observations: Observations) -> Finding | None:
        """Fakes that are shown in another unit than the reals: the mirror of `_unnormalised`."""
        wide = fakes_too_wide(observations, self._one_feature(observations))
        if wide is None:
            return None
        return self.finding(
            "warning",
            wide.confidence,
            wide.message,
            evidence=wide.evidence,
            because=wide.because,
            since=0,
            remedies=(SAME_SCALE, *self.remedies),
        )

    def _unnormalised(self, observations: Observations) -> Finding | None:
        std = observations.series("sample.real.std").median()
        # The generator may creep up to the data's scale later; the whole warm-up spent on it is the evidence.
        spread = observations.series("sample.spread.ratio").until(observations.warm_up).finite()
        auc = observations.series("score.auc").until(observations.warm_up).finite()
        if not (observations.warmed_up and std > UNNORMALISED_STD) or min(len(spread), len(auc)) < RECORDS:
            return None
        if not (spread.median() < SMALL_SPREAD and auc.median() > SEPARATED):
            return None
        return self.finding(
            "warning",
            0.8,
            f"The reals are not normalised (standard deviation {std:.3g}): through the warm-up the fakes "
            f"reached {spread.median():.1%} of their spread, and the discriminator told them apart by size "
            f"alone (AUC {auc.median():.3f}).",
            evidence=(
                Measurement(
                    "sample.real.std",
                    std,
                    UNNORMALISED_STD,
                    "above",
                    NORMALISED,
                    "standard deviation of the reals",
                ),
                Measurement(
                    "sample.spread.ratio",
                    spread.median(),
                    SMALL_SPREAD,
                    "below",
                    "ours: a tenth of the reals' spread",
                    "spread of the fakes over that of the reals",
                ),
                Measurement("score.auc", auc.median(), SEPARATED, "above", AUC, "real against fake"),
            ),
            because=(
                Alternative(
                    "mode collapse",
                    "open",
                    "normalise first; a collapse would remain, and the probe diversity would show it",
                ),
            ),
            since=0,
            remedies=(
                Remedy(
                    "standardise-data",
                    "Subtract the mean and divide by the standard deviation of each feature (overall "
                    f"{std:.3g}), keep both "
                    "with the model, and start the run again.",
                    "root",
                    "unsafe",
                ),
            ),
        )
