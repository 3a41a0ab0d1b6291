"""EQ303: the run was good and is good no more."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import below
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement
from equipoise.checks.samples import CALIBRATION
from equipoise.checks.trends import rolling_median
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# survey: above it diversity is not low; what was never good cannot have collapsed late.
GOOD_RATIO = 0.5
GOOD_COVERAGE = 0.5
# Less than half of the best level it held. Calibrated.
LOST = 0.5
# survey: a metric twice its best for 3 evaluations; a singular value doubled within 1,000
# steps; a jump of the discriminator's loss by more than 5 median absolute deviations.
QUALITY_FACTOR, EVALUATIONS = 2.0, 3
SPECTRAL_FACTOR, SPECTRAL_STEPS = 2.0, 1000
JUMP = 5.0
WINDOW = 200
RECORDS = 5


@CHECKS.register("late-collapse")
class LateCollapse(Check):
    """After a good phase, diversity or quality has been lost and does not come back.

    What it does
        Compares now with the best that the run held for a while: diversity, coverage, a quality metric. Looks
        for what announces a collapse: a discriminator's loss that jumps, a largest singular value that
        doubles.

    Why it is bad
        The weights on disk that are good are behind you; every further step moves away from them.

    Evidence and threshold
        One of these is a warning: mean pairwise distance (once above 0.5 of the reals') or coverage
        (once above 0.5) below half of the best level held over 200 steps, for 100 steps; a quality
        metric above twice its best at the last 3 evaluations. An error needs two of them, or one and an
        announcement: a largest singular value that doubled within 1,000 steps, or a jump of the
        reconstructed discriminator's loss by more than 5 median absolute deviations.
        Confidence: 0.65 (0.8 for an error) towards 0.95 with how much was lost.

    What else it could be
        A collapse from the start (`mode-collapse` alone). An overfitting discriminator
        (`discriminator-overfitting`), an augmentation that leaks (`augmentation-runaway`), steps that are
        too large (`instability`), values that are no numbers (`non-finite`): those explain this one. A noisy
        metric: a single bad evaluation is not counted.

    Remedies
        Root: a constraint or R1, lower learning rates from before the collapse on. Symptomatic: rollback to
        the best checkpoint; it contains the collapse and does not remove its cause.

    References
        Brock et al. (2019), section 4 and appendix; Liu et al. (2019), spectral collapse; BigGAN-PyTorch
        issues 57 and 91; stylegan2-ada-pytorch issue 159.
    """

    code = "EQ303"
    name = "late-collapse"
    kinds = ("passive",)
    stage = "dynamics"
    signals = (
        "sample.distance.ratio",
        "sample.coverage",
        "quality",
        "spectral.generator",
        "spectral.discriminator",
        "loss.discriminator",
    )
    explains = ("mode-collapse", "batch-blindness", "perfect-discriminator", "vanishing-generator-gradient")
    remedies = (
        *root("lower-learning-rates", "r1-penalty", "spectral-normalisation"),
        *symptomatic("roll-back", "generator-average"),
    )

    def run(self, observations: Observations) -> Finding | None:
        if not observations.warmed_up:
            return None
        lost, since = self._lost(observations)
        if not lost:
            return None
        announced = self._announced(observations)
        error = len(lost) > 1 or bool(announced)
        # How much is left of the best, as halvings beyond the threshold.
        excess = max(self._halvings(m) for m in lost)
        return self.finding(
            "error" if error else "warning",
            confidence(0.8 if error else 0.65, 0.95, excess),
            "The run was good and has lost it: "
            + "; ".join(f"{m.meaning}, now {m.value:.3g}" for m in lost)
            + (
                f". It was announced: {announced[0].meaning} ({announced[0].value:.3g})."
                if announced
                else "."
            ),
            evidence=(*lost, *announced),
            because=(
                Alternative(
                    "a collapse from the start",
                    "ruled out",
                    f"Once {lost[0].meaning}.",
                ),
                Alternative(
                    "a passing dip or a noisy metric",
                    "unlikely",
                    f"It has lasted since step {since}, over at least three records.",
                ),
                Alternative(
                    "an overfitting discriminator",
                    "open",
                    "The probe memorisation with held-out reals would tell.",
                ),
            ),
            since=since,
        )

    @staticmethod
    def _halvings(measurement: Measurement) -> float:
        if not measurement.threshold or measurement.value <= 0:
            return 1.0
        return abs(math.log2(measurement.value / measurement.threshold))

    def _lost(self, observations: Observations) -> tuple[list[Measurement], int]:
        found, since = [], observations.step
        for signal, good, words in (
            ("sample.distance.ratio", GOOD_RATIO, "the fakes' mean distance was {:.2f} of the reals'"),
            ("sample.coverage", GOOD_COVERAGE, "{:.0%} of the reals had a fake nearby"),
        ):
            held = rolling_median(
                observations.series(signal).since(observations.warm_up), WINDOW, RECORDS
            ).finite()
            # More than the reals have is no diversity that could be lost.
            best = min(held.largest(), 1.0)
            if not good < best:
                continue
            gone = sustained(observations, signal, below(LOST * best))
            if gone and gone.since > held.steps[int(np.argmax(held.values))]:
                found.append(
                    Measurement(signal, gone.value, LOST * best, "below", CALIBRATION, words.format(best))
                )
                since = min(since, gone.since)
        quality = observations.series("quality").finite()
        if len(quality) > EVALUATIONS and quality.smallest() > 0:
            best = quality.smallest()
            last = quality.values[-EVALUATIONS:]
            if (last > QUALITY_FACTOR * best).all() and np.isfinite(last).all():
                found.append(
                    Measurement(
                        "quality",
                        float(np.median(last)),
                        QUALITY_FACTOR * best,
                        "above",
                        "survey of reported failures",
                        f"the quality metric was {best:.4g}",
                    )
                )
                since = min(since, int(quality.steps[-EVALUATIONS]))
        return found, since

    def _announced(self, observations: Observations) -> list[Measurement]:
        found = []
        for player in ("generator", "discriminator"):
            series = rolling_median(
                observations.series(f"spectral.{player}").since(observations.warm_up), WINDOW
            )
            grown = 0.0
            for step, value in zip(series.steps, series.values, strict=True):
                before = series.values[(series.steps >= step - SPECTRAL_STEPS) & (series.steps <= step)].min()
                if before > 0 and math.isfinite(value / before):
                    grown = max(grown, float(value / before))
            if grown > SPECTRAL_FACTOR:
                found.append(
                    Measurement(
                        f"spectral.{player}",
                        grown,
                        SPECTRAL_FACTOR,
                        "above",
                        "survey of reported failures, BigGAN (2019), section 4",
                        f"the {player}'s largest singular value grew within 1,000 steps, by the factor",
                    )
                )
        loss = observations.series("loss.discriminator").since(observations.warm_up).finite()
        if len(loss) >= 4 * RECORDS:
            half = loss.values[: len(loss) // 2]
            deviation = float(np.median(np.abs(half - np.median(half))))
            jump = float(np.median(loss.values[-RECORDS:]) - np.median(half))
            if deviation > 0 and math.isfinite(jump / deviation) and jump > JUMP * deviation:
                found.append(
                    Measurement(
                        "loss.discriminator",
                        jump / deviation,
                        JUMP,
                        "above",
                        "survey of reported failures, BigGAN (2019)",
                        "the discriminator's loss jumped, in median absolute deviations",
                    )
                )
        return found
