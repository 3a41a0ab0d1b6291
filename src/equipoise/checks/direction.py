"""Which way each loss pushes the scores: read from the slopes, whatever the labels' convention is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from equipoise.history.observations import Observations

# A record takes a side when at least this share of its non-zero slopes agree: with clear targets all do;
# label
# flips of up to 5 % are a published trick and must not hide the side.
ONE_SIDED = 0.95


def sides(observations: Observations, signal: str) -> NDArray[np.float64]:
    """Record by record the way descent pushes the scores: +1 up, -1 down, 0 both ways.

    `signal` is one of the `slope.*.positive` shares; a positive slope pushes down. Records in which every
    slope is zero (hinge or relativistic margins that are met) or one is not a number are nan there and are
    left out.
    """
    positive = observations.series(signal).finite().values
    return np.where(positive <= 1 - ONE_SIDED, 1.0, np.where(positive >= ONE_SIDED, -1.0, 0.0))


def counted(observations: Observations, fact: str) -> tuple[int, int] | None:
    """A fact that is two counts, of what went one way and of what went the other; None if it is not known."""
    counts = observations.fact(fact)
    if not isinstance(counts, list) or len(counts) != 2:
        return None
    return int(counts[0]), int(counts[1])


def agreed(pushes: NDArray[np.float64], records: int) -> int:
    """The side that at least 95 % of the records take: +1 or -1; 0 if none or with too few records."""
    if len(pushes) < records:
        return 0
    for side in (1, -1):
        if float(np.mean(pushes == side)) >= ONE_SIDED:
            return side
    return 0
