"""EQ301: the training is erratic: steps too large, samples and scores thrown about."""

from __future__ import annotations

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.samples import CALIBRATION, IMPROVEMENT_SIGNALS, improvement
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# DeepDiagnosis (ICSE 2022): the update ratio belongs into [1e-5, 1e-1].
LARGEST_UPDATE = 0.1
# The mean of the fakes over the reals' standard deviation, its standard deviation over time. Calibrated.
WANDERING = 0.5
# 90th over 10th percentile of the diversity within the window. Calibrated.
SWING = 5.0
# survey, stylegan2-ada-pytorch issue 157: FID between 58 and 634; threefold within five evaluations.
QUALITY_SWING = 3.0
# AUC on both sides of these for this share of the records each: the players win in turns.
LOW_AUC, HIGH_AUC, SHARE = 0.2, 0.8, 0.15
WINDOW = 300
RECORDS = 6


@CHECKS.register("instability")
class Instability(Check):
    """The players throw each other about instead of approaching anything.

    What it does
        Looks at the size of the steps against the size of the weights, and at what the samples, the
        scores and a quality metric do from record to record.

    Why it is bad
        Steps that replace a tenth of the weights each time leave nothing for the next one to build on; a
        player that jumps hands its opponent a different problem at each step.

    Evidence and threshold
        Over 300 steps (or 12 records) after the warm-up, each one sign: an update-to-weight ratio above
        0.1 (DeepDiagnosis); the fakes' mean wanders by more than half of the reals' standard deviation;
        their diversity swings fivefold; AUC is below 0.2 and above 0.8 for 15 % of the time each; a
        quality metric changes threefold within five evaluations. The first sign or any two are a
        warning; the first with one of the others, or any three, are an error. Nothing is reported while
        the samples improve. Confidence: 0.6 (0.75 for an error) towards 0.95 with the number of signs
        and the size of the steps.

    What else it could be
        A regular rotation (`oscillation`), exploding gradients (`exploding-gradient`), an unconstrained
        critic (`critic-unconstrained`). Batches of one or two samples make every statistic jump. The normal
        back and forth of the losses, of least squares above all, is not looked at here.

    Remedies
        Root: lower learning rates, R1, spectral normalisation. Symptomatic: gradient clipping, a moving
        average of the generator.

    References
        DeepDiagnosis (ICSE 2022); Heusel et al. (2017); Mescheder et al. (2018); stylegan2-ada-pytorch issue
        157.
    """

    code = "EQ301"
    name = "instability"
    kinds = ("passive",)
    stage = "dynamics"
    signals = (
        *IMPROVEMENT_SIGNALS,
        "update.generator",
        "update.discriminator",
        "sample.fake.mean",
        "sample.real.std",
        "score.auc",
    )
    explains = (
        "oscillation",
        "exploding-gradient",
        "non-finite",
        "late-collapse",
        "mode-collapse",
        "dead-or-saturated",
        "perfect-discriminator",
        "vanishing-generator-gradient",
        "constant-discriminator",
        "uninformative-discriminator",
        "critic-magnitude-race",
        "batch-blindness",
    )
    remedies = (
        *root("lower-learning-rates", "r1-penalty", "spectral-normalisation"),
        *symptomatic("clip-gradients", "generator-average"),
    )

    def run(self, observations: Observations) -> Finding | None:
        if not observations.warmed_up:
            return None
        steps, since = self._large_steps(observations)
        erratic = self._erratic(observations)
        signs = (*steps, *erratic)
        if not steps and len(erratic) < 2:
            return None
        better = improvement(observations)
        if better:
            return None
        severity: Severity = "error" if (steps and erratic) or len(erratic) > 2 else "warning"
        excess = len(signs) - 1 + max((m.value / LARGEST_UPDATE - 1 for m in steps), default=0.0)
        return self.finding(
            severity,
            confidence(0.75 if severity == "error" else 0.6, 0.95, excess),
            "The training is erratic: " + "; ".join(f"{m.meaning} ({m.value:.2g})" for m in signs[:3]) + ".",
            evidence=signs,
            because=self._because(observations, bool(steps)),
            since=since,
            # Without steps that are too large the other dynamic faults are causes rather than consequences.
            explains=self.explains if steps else ("late-collapse",),
            details={"signs": [m.name for m in signs]},
        )

    def _large_steps(self, observations: Observations) -> tuple[list[Measurement], int | None]:
        found, since = [], None
        for player in ("generator", "discriminator"):
            held = sustained(observations, f"update.{player}", above(LARGEST_UPDATE))
            if held and np.isfinite(held.value):
                since = held.since if since is None else min(since, held.since)
                found.append(
                    Measurement(
                        f"update.{player}",
                        held.value,
                        LARGEST_UPDATE,
                        "above",
                        "DeepDiagnosis (ICSE 2022): update ratio within [1e-5, 1e-1]",
                        f"change of the {player}'s weights in one step over their size",
                    )
                )
        return found, since

    def _erratic(self, observations: Observations) -> list[Measurement]:
        found = []
        mean = latest(observations, "sample.fake.mean", WINDOW, 2 * RECORDS).finite()
        scale = latest(observations, "sample.real.std", WINDOW, 2 * RECORDS).median()
        if len(mean) >= RECORDS and scale > 0:
            wandering = float(np.std(mean.values)) / scale
            if wandering > WANDERING:
                found.append(
                    Measurement(
                        "sample.fake.mean",
                        wandering,
                        WANDERING,
                        "above",
                        CALIBRATION,
                        "the mean of the fakes wanders, in standard deviations of the reals",
                    )
                )
        ratio = latest(observations, "sample.distance.ratio", WINDOW, 2 * RECORDS).finite()
        if len(ratio) >= RECORDS and (ratio.values > 0).all():
            low, high = np.percentile(ratio.values, [10, 90])
            if high > SWING * low:
                found.append(
                    Measurement(
                        "sample.distance.ratio",
                        float(high / low),
                        SWING,
                        "above",
                        CALIBRATION,
                        "the diversity swings, 90th over 10th percentile",
                    )
                )
        auc = latest(observations, "score.auc", WINDOW, 2 * RECORDS).finite()
        if len(auc) >= RECORDS:
            turns = min(auc.share(auc.values < LOW_AUC), auc.share(auc.values > HIGH_AUC))
            if turns > SHARE:
                found.append(
                    Measurement(
                        "score.auc",
                        turns,
                        SHARE,
                        "above",
                        CALIBRATION,
                        "the players win in turns, share of records on the rarer side",
                    )
                )
        quality = observations.series("quality").finite().values[-5:]
        if len(quality) == 5 and (quality > 0).all() and np.isfinite(quality.max() / quality.min()):
            swing = float(quality.max() / quality.min())
            turning = np.sign(np.diff(quality))
            if swing > QUALITY_SWING and (turning > 0).any() and (turning < 0).any():
                found.append(
                    Measurement(
                        "quality",
                        swing,
                        QUALITY_SWING,
                        "above",
                        "stylegan2-ada-pytorch issue 157",
                        "the quality metric jumps, largest over smallest of five",
                    )
                )
        return [m for m in found if np.isfinite(m.value)]

    def _because(self, observations: Observations, large: bool) -> tuple[Alternative, ...]:
        return (
            Alternative(
                "a regular rotation of the players",
                "unlikely" if large else "open",
                "The steps themselves are too large."
                if large
                else "The check oscillation looks for a period; it reports one if there is.",
            ),
            Alternative(
                "a healthy back and forth",
                "ruled out",
                "The samples have not improved over the last three tenths of the run.",
            ),
            Alternative(
                "very small batches",
                "open" if not large else "ruled out",
                "Batch statistics jump with one or two samples; look at them over larger batches."
                if not large
                else "The size of the steps does not depend on the statistics of a batch.",
            ),
        )
