"""Batches of reals that hold a value far beyond those of all others: corrupt records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equipoise.history.observations import Observations, Series

OUTLIER = 20.0  # a batch's largest value over that of the usual batch
OUTLIER_SOURCE = "ours: among batches of 128 log-normal values one of 1,000 is 6 times the usual"
_OUTLYING_RECORDS, _RECORDS = 2, 3
# With a corrupt record in most batches the median is one; the usual batch is among the smallest.
_USUAL_BATCH = 0.1


@dataclass(frozen=True)
class Outliers:
    """Batches whose largest absolute value is more than `OUTLIER` times that of a usual batch.

    Attributes:
        worst: the largest absolute value of all.
        usual: that of a usual batch.
        count: how many recorded batches are beyond.
        records: of so many.
        since: the step of the first one.
    """

    worst: float
    usual: float
    count: int
    records: int
    since: int


def outlying_batches(observations: Observations) -> Outliers | None:
    """What is far outside the range of all other reals, if two recorded batches or more hold it."""
    low = observations.series("sample.real.low").finite()
    high = observations.series("sample.real.high").finite()
    if len(low) != len(high) or len(low) < _RECORDS:
        return None
    largest = Series(low.steps, np.maximum(np.abs(low.values), np.abs(high.values)))
    usual = float(np.quantile(largest.values, _USUAL_BATCH))
    beyond = largest.values > OUTLIER * usual
    if not usual > 0 or int(beyond.sum()) < _OUTLYING_RECORDS:
        return None
    first = int(largest.steps[beyond][0])
    return Outliers(largest.largest(), usual, int(beyond.sum()), len(largest), first)
