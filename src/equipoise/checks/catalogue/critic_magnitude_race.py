"""EQ306: the critic's scores grow without end."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.energies import RACE_SIGNALS, energies_race
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.samples import CALIBRATION
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations, Series

# survey: doubling every 100 steps for 5 windows, or beyond 1e3, with a growing gap.
WINDOW = 100
WINDOWS = 5
DOUBLING = 2.0
HUGE = 1e3
# Growth of the gap over the five windows that a size beyond 1e3 needs beside it. Calibrated.
STILL_GROWING = 1.5
# Below this a growing gap is a critic that learns: from nothing, doubling five times is a factor of 32.
FLOOR = 50.0
# Data of this size make large scores by themselves (survey: beyond 2 is unnormalised).
LARGE_DATA = 5.0

_DRIFT = Remedy(
    "drift-penalty",
    "Add 0.001 * E[D(real)^2] to the critic's loss (progressive GAN): it holds the scores near zero, not "
    "their slope.",
    "symptomatic",
    "unsafe",
)


@CHECKS.register("critic-magnitude-race")
class CriticMagnitudeRace(Check):
    """The gap between the critic's real and fake scores keeps doubling.

    What it does
        Follows the difference of the mean scores of reals and fakes, which an offset common to both cannot
        change, in windows of 100 steps.

    Why it is bad
        The scores grow because the critic gets steeper, not because it gets better; the generator's gradient
        grows with them, until it overflows.

    Evidence and threshold
        After the warm-up the gap has at least doubled in each of the last 5 windows of 100 steps (of one
        record where records are rarer) and is above
        50: warning. An error when it is also beyond 1,000, or when a gap beyond 1,000 has grown by half over
        those windows and the critic's slope with it.
        Confidence: 0.7 (0.85 for an error) towards 0.97 by the size of the gap.
        Of a discriminator that returns reconstructions: the error at the reals, which its loss lowers, is
        above twice that of a blank answer in the last 5 records and above its median in the first half,
        while its loss raises the fakes' energy without an end: warning; error at five times.

    What else it could be
        A large negative Wasserstein loss early on: it rises again, and the gap does not double five times. An
        offset that drifts: it cancels in the gap. Data that are not normalised (`range-mismatch`). No
        constraint (`critic-unconstrained`) or an invalid one (`gradient-penalty-invalid`) explains it.

    Remedies
        Root: a constraint that acts, normalised data. Symptomatic: a drift penalty, lower learning rates. A
        tanh on the critic only hides it.

    References
        Gulrajani et al. (2017); Karras et al. (2018), drift penalty; WassersteinGAN issue 77;
        improved_wgan_training issues 44 and 72; ganhacks issue 14.
    """

    code = "EQ306"
    name = "critic-magnitude-race"
    kinds = ("passive",)
    stage = "numerics"
    signals = (*RACE_SIGNALS, "score.real.mean", "score.fake.mean", "sample.real.std", "discriminator.slope")
    explains = (
        "exploding-gradient",
        "non-finite",
        "instability",
        "late-collapse",
        "perfect-discriminator",
    )
    remedies = (
        *root("wasserstein-gradient-penalty", "spectral-normalisation", "r1-penalty", "normalise-data"),
        _DRIFT,
        *symptomatic("lower-learning-rates"),
    )

    def run(self, observations: Observations) -> Finding | None:
        raced = energies_race(self, observations)
        if raced is not None:
            return raced
        if not observations.warmed_up:
            return None
        levels = self._levels(observations)
        if levels is None:
            return None
        with np.errstate(all="ignore"):
            growths = levels[1:] / levels[:-1]
        if not (np.isfinite(levels).all() and np.isfinite(growths).all()):
            return None
        now, total = float(levels[-1]), float(levels[-1] / levels[0])
        doubling = bool((growths >= DOUBLING).all()) and now > FLOOR
        steeper = self._steeper(observations)
        huge = now > HUGE and total > STILL_GROWING and steeper is not None
        if not doubling and not huge:
            return None
        error = huge or (doubling and now > HUGE)
        std = latest(observations, "sample.real.std").median()
        evidence = [
            Measurement(
                "score.real.mean",
                float(growths.min()) if doubling else total,
                DOUBLING if doubling else STILL_GROWING,
                "at least",
                "survey of reported failures" if doubling else CALIBRATION,
                "least growth of the gap of the mean scores in a window of 100 steps"
                if doubling
                else "growth of the gap of the mean scores over 500 steps",
            ),
            Measurement(
                "score.fake.mean",
                now,
                HUGE if error else FLOOR,
                "above",
                "survey of reported failures",
                "gap of the mean scores now",
            ),
        ]
        if steeper is not None:
            evidence.append(steeper)
        return self.finding(
            "error" if error else "warning",
            confidence(0.85 if error else 0.7, 0.97, math.log10(max(1.0, now / FLOOR))),
            f"The critic's scores race away: the gap between reals and fakes is {now:.3g}, {total:.3g} "
            "times that "
            f"of {WINDOW * WINDOWS} steps ago.",
            evidence=tuple(evidence),
            because=(
                Alternative(
                    "an offset that drifts, which is harmless",
                    "ruled out",
                    f"An offset cancels in the gap, and the gap has grown {total:.3g} times.",
                ),
                Alternative(
                    "a large negative Wasserstein loss early in training",
                    "ruled out",
                    "That turns round after some hundreds of steps; this kept growing up to step "
                    f"{observations.step}.",
                ),
                Alternative(
                    "data that are not normalised",
                    "open" if not std <= LARGE_DATA else "ruled out",
                    f"The reals' standard deviation is {std:.3g}."
                    if math.isfinite(std)
                    else "The reals' standard deviation was not recorded.",
                ),
            ),
            since=int(observations.step - WINDOW * WINDOWS),
        )

    @staticmethod
    def _levels(observations: Observations) -> np.ndarray | None:
        """The gap in each of the last windows and the one before them, oldest first."""
        real = observations.series("score.real.mean").finite()
        fake = observations.series("score.fake.mean").finite()
        steps, left, right = np.intersect1d(real.steps, fake.steps, return_indices=True)
        gap = Series(steps, np.abs(real.values[left] - fake.values[right]))
        last = gap.since(observations.step / 2)
        if len(last) < WINDOWS + 1:
            return None
        # Where records are rarer than a window, the window is as long as the distance between two of them.
        window = max(float(WINDOW), float(np.median(np.diff(last.steps))))
        ends = gap.steps[-1] - window * np.arange(WINDOWS, -1, -1)
        if ends[0] - window < 0:
            return None
        parts = [gap.since(end - window + 1e-9).until(end) for end in ends]
        return np.array(
            [
                part.median() if len(part) else float(np.interp(end, gap.steps, gap.values))
                for part, end in zip(parts, ends, strict=True)
            ]
        )

    @staticmethod
    def _steeper(observations: Observations) -> Measurement | None:
        slope = observations.series("discriminator.slope")
        before = slope.since(observations.step - WINDOW * (WINDOWS + 1)).until(
            observations.step - WINDOW * WINDOWS
        )
        now = latest(observations, "discriminator.slope", WINDOW).median()
        if not before.median() > 0 or not now > STILL_GROWING * before.median() or not math.isfinite(now):
            return None
        return Measurement(
            "discriminator.slope",
            now,
            STILL_GROWING * before.median(),
            "above",
            CALIBRATION,
            "the critic's slope at the fakes has grown too",
        )
