"""What the fakes themselves say, whatever the loss: do they get better, are they far from the reals?"""

from __future__ import annotations

import math

from equipoise.checks.finding import Measurement
from equipoise.checks.trends import latest, recent_trend
from equipoise.history.observations import Observations

# What `improvement` and `distance_from_reals` read; a check that calls them declares these.
IMPROVEMENT_SIGNALS = ("sample.nearest.ratio", "sample.coverage", "sample.distance.ratio", "quality")
DISTANCE_SIGNALS = ("sample.nearest.ratio", "sample.coverage", "sample.distance.ratio")

# A trend counts from a tenth on; calibrated.
LEAST_CHANGE = 0.1
# n fakes and n reals of one distribution: a real lacks a fake nearer than its 3rd real neighbour with
# probability 2^-3, so that coverage is expected at 7/8. Half of it is far.
EXPECTED_COVERAGE = 0.875
FAR_COVERAGE = EXPECTED_COVERAGE / 2
# 1 when fakes and reals come from one distribution; calibrated.
FAR_NEAREST = 1.5
# Mean pairwise distance of the fakes over the reals'; 1 when they are one distribution. Calibrated.
FAR_SPREAD = 1.5
CALIBRATION = "equipoise, benchmarks/failures"
# Trends are taken over the last three tenths of the run, at least this many steps.
TREND_STEPS = 300
TREND_SHARE = 0.3


def trend_window(observations: Observations) -> float:
    """Steps over which a trend is judged: the last three tenths of the run, at least 300."""
    return max(TREND_STEPS, TREND_SHARE * observations.step)


def improvement(observations: Observations) -> list[Measurement]:
    """What of the samples has got better lately by at least a tenth, significantly; empty if nothing has.

    Better is: nearer to the reals (while farther than they are from each other), more reals covered, a spread
    closer to the reals', a lower quality metric. Nothing counts while the coverage or the metric gets worse.
    """
    steps = trend_window(observations)
    better: list[Measurement] = []

    def note(signal: str, value: float, meaning: str) -> None:
        better.append(Measurement(signal, value, meaning=meaning))

    nearest = recent_trend(observations, "sample.nearest.ratio", steps)
    if nearest and nearest.falls(LEAST_CHANGE) and nearest.start > 1.0:
        note(
            "sample.nearest.ratio",
            nearest.end,
            f"fakes came nearer to the reals: {nearest.start:.3g} to {nearest.end:.3g}",
        )
    coverage = recent_trend(observations, "sample.coverage", steps)
    if coverage and coverage.rises(LEAST_CHANGE):
        note(
            "sample.coverage",
            coverage.end,
            f"more reals are covered: {coverage.start:.3g} to {coverage.end:.3g}",
        )
    spread = recent_trend(observations, "sample.distance.ratio", steps)
    if spread and min(spread.start, spread.end) > 0:
        nearer = abs(math.log(spread.end)) < (1 - LEAST_CHANGE) * abs(math.log(spread.start))
        if nearer and (spread.rises(LEAST_CHANGE) or spread.falls(LEAST_CHANGE)):
            note(
                "sample.distance.ratio",
                spread.end,
                f"the spread came closer to the reals': {spread.start:.3g} to {spread.end:.3g}",
            )
    quality = recent_trend(observations, "quality", steps)
    if quality and quality.falls(LEAST_CHANGE):
        note("quality", quality.end, f"the quality metric fell: {quality.start:.4g} to {quality.end:.4g}")
    worse = (coverage and coverage.falls(LEAST_CHANGE)) or (quality and quality.rises(LEAST_CHANGE))
    return [] if worse else better


def distance_from_reals(observations: Observations, steps: float = 200) -> list[Measurement]:
    """By which family-independent measures the fakes are far from the reals now; empty if by none."""
    far: list[Measurement] = []
    nearest = latest(observations, "sample.nearest.ratio", steps).median()
    if nearest > FAR_NEAREST:
        far.append(
            Measurement(
                "sample.nearest.ratio",
                nearest,
                FAR_NEAREST,
                "above",
                CALIBRATION,
                "fakes are farther from the nearest real than reals are",
            )
        )
    coverage = latest(observations, "sample.coverage", steps).median()
    if coverage < FAR_COVERAGE:
        far.append(
            Measurement(
                "sample.coverage",
                coverage,
                FAR_COVERAGE,
                "below",
                "half of 1 - 2^-3, the share expected of equal distributions",
                "reals that have a fake nearby",
            )
        )
    spread = latest(observations, "sample.distance.ratio", steps).median()
    if spread > FAR_SPREAD or spread < 1 / FAR_SPREAD:
        threshold = FAR_SPREAD if spread > 1 else 1 / FAR_SPREAD
        far.append(
            Measurement(
                "sample.distance.ratio",
                spread,
                threshold,
                "above" if spread > 1 else "below",
                CALIBRATION,
                "pairwise distance of the fakes over the reals'",
            )
        )
    return far
