"""EQ502: an adaptive augmentation has reached its end and still wants more."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.trends import latest, recent_trend
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# stylegan2-ada issue 27, survey: beyond 0.8 augmentations leak into the samples (ADA, section 2.2).
HIGH = 0.8
END = 1.0
# Karras et al. (2020), ADA, section 3.1.
TARGET_SIGN = 0.6
# The range of a batch of reals late in the run, over that of its first batches.
WIDENED = 1.5
FIRST = 10
NEARLY_ALL = 0.75
LEAST_RECORDS = 20

_CAP = Remedy(
    "cap-augmentation",
    "Cap the probability at 0.8 and stop the run when it stays there: the published controller is "
    "bounded below only.",
    "symptomatic",
    "unsafe",
)


@CHECKS.register("augmentation-runaway")
class AugmentationRunaway(Check):
    """The augmentation's probability has run to its end without calming the discriminator.

    What it does
        Reads the probability p of an adaptive augmentation, from a log or as the user gives it, and the mean
        sign r_t of the discriminator's scores of reals, which p is to bring to 0.6. Without a p it looks
        whether the reals, as they are shown, are changed more and more.

    Why it is bad
        Beyond about 0.8 the generator cannot tell augmented from real and learns the augmentations. A
        controller at its end controls nothing any more: the discriminator overfits as before.

    Evidence and threshold
        p above 0.8 for 100 steps: warning. p at 1 or above with r_t still above 0.6: error.
        Where no p is known: the range of the reals as they are shown is more than 1.5 times that of the
        first ten records in the median of the last third, having grown before, and three quarters of those
        are wider than any of the first ten: warning.
        Confidence: 0.75 (0.9 for an error) towards 0.97 with p.

    What else it could be
        A high p that works: r_t is at its target and p does not rise. A flipped sign of r_t, which makes the
        controller run the wrong way: then r_t is far below 0.6.

    Remedies
        Root: more data or a pretrained model, R1. Symptomatic: a cap at 0.8, stopping, rollback.

    References
        Karras et al. (2020), ADA, sections 2.2 and 3.1; stylegan2-ada issues 27, 69 and 98;
        stylegan2-ada-pytorch issue 175.
    """

    code = "EQ502"
    name = "augmentation-runaway"
    kinds = ("passive", "probe")
    stage = "supply"
    signals = ("augmentation.probability", "score.accuracy.real", "sample.real.low", "sample.real.high")
    probes = ("memorisation",)
    explains = ("late-collapse", "mode-collapse", "batch-blindness")
    remedies = (*root("more-data", "r1-penalty"), _CAP, *symptomatic("roll-back"))

    def run(self, observations: Observations) -> Finding | None:
        held = sustained(observations, "augmentation.probability", above(HIGH))
        if held is None or not math.isfinite(held.value):
            return self._widening(observations)
        now = observations.last("augmentation.probability")
        sign = self._sign(observations)
        error = now >= END and sign > TARGET_SIGN
        severity: Severity = "error" if error else "warning"
        evidence = [
            Measurement(
                "augmentation.probability",
                now,
                END if error else HIGH,
                "at least" if error else "above",
                "stylegan2-ada issue 27; survey of reported failures",
                "probability of the augmentation",
            )
        ]
        if math.isfinite(sign):
            evidence.append(
                Measurement(
                    "score.accuracy.real",
                    sign,
                    TARGET_SIGN,
                    "above",
                    "Karras et al. (2020), ADA, section 3.1",
                    "mean sign of the real scores (r_t), whose target is 0.6",
                )
            )
        rising = recent_trend(observations, "augmentation.probability", 0.5 * observations.step)
        rises = rising is not None and rising.rises(0.02)
        return self.finding(
            severity,
            confidence(0.9 if error else 0.75, 0.97, now / HIGH - 1),
            f"The adaptive augmentation has run to p = {now:.3g}"
            + (f" while the mean sign of the real scores is {sign:.2f}" if math.isfinite(sign) else "")
            + (
                ", above its target: it controls nothing any more."
                if error
                else ": it leaks into the samples."
            ),
            evidence=tuple(evidence),
            because=(
                Alternative(
                    "a high probability that works",
                    "ruled out" if error or rises else "open",
                    "It is at its end and the discriminator is still too sure."
                    if error
                    else "It still rises."
                    if rises
                    else "It does not rise any more; look for augmentations in the samples.",
                ),
                Alternative(
                    "a controller with the wrong sign",
                    "open" if not sign > TARGET_SIGN else "ruled out",
                    f"The mean sign of the real scores is {sign:.2f}."
                    if math.isfinite(sign)
                    else "The scores of the reals were not recorded.",
                ),
            ),
            since=held.since,
        )

    def _widening(self, observations: Observations) -> Finding | None:
        """Reals whose range grows while the run goes on: what is done to them does."""
        low, high = (observations.series(f"sample.real.{end}").finite() for end in ("low", "high"))
        if len(low) != len(high) or len(low) < LEAST_RECORDS or not observations.warmed_up:
            return None
        width = high.values - low.values
        third = len(width) // 3
        early, late = width[:FIRST], width[-third:]
        first, middle, last = (float(np.median(part)) for part in (early, width[-2 * third : -third], late))
        if not (first > 0 and last > WIDENED * first and middle > math.sqrt(WIDENED) * first):
            return None
        # Under heavy tails one wide batch is nothing: nearly all late ones must be wider than any early one.
        if not np.quantile(late, 1 - NEARLY_ALL) > early.max():
            return None
        return self.finding(
            "warning",
            confidence(0.7, 0.92, last / (WIDENED * first) - 1),
            "The range of the reals as the discriminator is shown them has grown from "
            f"{first:.2f} to {last:.2f} during the run: data do not do that, so whatever is done to them, an "
            "augmentation or noise, grows without a bound.",
            evidence=(
                Measurement(
                    "sample.real.high",
                    last,
                    WIDENED * first,
                    "above",
                    "ours: one and a half times",
                    f"range of a batch of reals in the last third, median; at first {first:.2f}",
                ),
            ),
            because=(
                Alternative(
                    "single outliers",
                    "ruled out",
                    f"medians of many batches; in the middle of the run it was {middle:.2f}",
                ),
                Alternative(
                    "data that change by design (a curriculum, growing resolution)",
                    "open",
                    "then this range should settle",
                ),
            ),
            since=int(low.steps[-third]),
            remedies=(_CAP,),
        )

    @staticmethod
    def _sign(observations: Observations) -> float:
        """r_t from the share of reals on the real side, or from the probe; nan if neither is known."""
        accuracy = latest(observations, "score.accuracy.real").median()
        if 0 <= accuracy <= 1:
            return 2 * accuracy - 1
        probe = observations.probe("memorisation")
        return probe["sign"] if probe is not None and -1 <= probe["sign"] <= 1 else math.nan
