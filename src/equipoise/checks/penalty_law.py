"""A gradient penalty's weight, read off what it sends back to each sample's slope; for EQ305.

Sources: Gulrajani et al. 2017 (1704.00028), equation 3: weight 10; Petzka et al. 2018 (1709.08894).
"""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

LAW_SIGNALS = ("penalty.weight", "penalty.target", "slope.real.size")
# Each is a straight line through four samples or more.
LEAST_LAWS = 5
# Ten times beyond what is published, over the slope of the critic's own loss, which is 1 for Wasserstein's.
LARGEST, SMALLEST = 1000.0, 0.01
USUAL_WEIGHT = Remedy(
    "usual-penalty-weight",
    "Give the penalty the weight 10, beside a critic's loss that is the difference of the two means.",
    "root",
    "unsafe",
)


def negative_weight(check: Check, observations: Observations, remedy: Remedy) -> Finding | None:
    """The finding of `check`, if in every record that shows it the penalty's weight is negative."""
    weights = observations.series("penalty.weight").finite()
    target = observations.series("penalty.target").finite().median()
    if len(weights) < LEAST_LAWS or not weights.largest() < 0 or not target > 0:
        return None
    return check.finding(
        "error",
        0.95,
        f"The gradient penalty has the wrong sign: what it sends back to each sample's slope is that of "
        f"{weights.median():.3g} (|ds/dx| - {target:.3g})^2, so that it drives the slopes away from "
        f"{target:.3g}.",
        evidence=(
            Measurement(
                "penalty.weight",
                weights.largest(),
                0.0,
                "below",
                "exact: dL/dg = 2 weight (1 - target / |g|) g, a straight line over 1 / |g|",
                f"the largest of {len(weights)} records",
            ),
            Measurement("penalty.target", target, meaning="the target in the same law, median"),
        ),
        since=int(weights.steps[0]),
        remedies=(remedy,),
        details={"case": "sign", "exact": True},
    )


def far_weight(check: Check, observations: Observations) -> Finding | None:
    """The finding of `check`, if the penalty's weight is far outside of what is published."""
    weights = observations.series("penalty.weight").finite()
    target = observations.series("penalty.target").finite().median()
    slope = observations.series("slope.real.size").finite().median()
    if len(weights) < LEAST_LAWS or not weights.smallest() > 0 or not (target > 0 and slope > 0):
        return None
    ratio = weights.median() / slope
    if SMALLEST <= ratio <= LARGEST:
        return None
    large = ratio > LARGEST
    return check.finding(
        "warning",
        0.8,
        f"The gradient penalty's weight is {ratio:.3g} times the slope of the critic's loss: "
        + (
            "next to it the difference between real and fake hardly counts."
            if large
            else "next to that loss it holds nothing."
        ),
        evidence=(
            Measurement(
                "penalty.weight",
                weights.median(),
                slope * (LARGEST if large else SMALLEST),
                "above" if large else "below",
                "ours: published weights lie between 0.1 and 100; ten times beyond",
                f"read off what is sent back to ds/dx, median of {len(weights)} records",
            ),
            Measurement("slope.real.size", slope, meaning="slope of the critic's loss at its scores"),
        ),
        because=(
            Alternative(
                "a target far from 1, which the weight makes up for",
                "ruled out" if 0.1 <= target <= 10 else "open",
                f"the target is {target:.3g}",
            ),
        ),
        since=int(weights.steps[0]),
        remedies=(USUAL_WEIGHT,),
        details={"case": "weight"},
    )
