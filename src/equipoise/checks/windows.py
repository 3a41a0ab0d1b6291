"""Over which records a condition has held, and how sure that makes a finding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.history.observations import Observations, Series

# A warning needs one signal over at least 100 steps and 3 records (design notes, "what a verdict must be").
SUSTAINED_STEPS = 100
SUSTAINED_RECORDS = 3


@dataclass(frozen=True)
class Sustained:
    """A condition that holds now and has held for a while.

    Attributes:
        since: step of the first record of the unbroken stretch that reaches to the newest record.
        steps: length of that stretch up to the newest record.
        records: how many records it has.
        value: median of the signal over it.
    """

    since: int
    steps: float
    records: int
    value: float


def sustained(
    observations: Observations,
    signal: str,
    condition: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    *,
    steps: float = SUSTAINED_STEPS,
    records: int = SUSTAINED_RECORDS,
    tolerated: float = 0.05,
) -> Sustained | None:
    """The stretch over which `condition` holds up to now, or None if it is too short.

    Records that are not finite are left out. The stretch is the longest one that ends at the newest record,
    begins with a record at which the condition holds, and breaks it at a share of at most `tolerated`.

    Args:
        condition: from the array of values to an array of booleans.
        steps: least number of steps from the first record of the stretch to the last.
        records: least number of records in it.
        tolerated: share of records in the stretch that may break the condition.

    Example:
        >>> import numpy as np
        >>> auc = Series(np.arange(0, 500, 50.0), np.array([0.5] * 4 + [1.0] * 6))
        >>> found = sustained(Observations({"score.auc": auc}, step=450), "score.auc", lambda v: v > 0.999)
        >>> found.since, found.steps, found.records
        (200, 250.0, 6)
    """
    series: Series = observations.series(signal).finite()
    if len(series) == 0 or series.values.ndim != 1:
        return None
    holds = np.asarray(condition(series.values), dtype=bool)
    backwards = holds[::-1]
    share = np.cumsum(~backwards) / np.arange(1, len(backwards) + 1)
    allowed = np.flatnonzero((share <= tolerated) & backwards)
    if len(allowed) == 0:
        return None
    start = len(holds) - 1 - int(allowed[-1])
    stretch = Series(series.steps[start:], series.values[start:])
    if len(stretch) < records or stretch.span < steps:
        return None
    return Sustained(int(stretch.steps[0]), stretch.span, len(stretch), stretch.median())


def confidence(low: float, high: float, excess: float) -> float:
    """A raw confidence: `low` at the threshold, approaching `high` as the excess grows.

    `excess` is how far beyond its threshold the evidence is, in units of the threshold (0 at it, 1 at twice
    it): low + (high - low) * excess / (1 + excess). What is not finite counts as just at the threshold.

    Example:
        >>> confidence(0.6, 0.9, 0.0), round(confidence(0.6, 0.9, 2.0), 2)
        (0.6, 0.8)
    """
    if math.isnan(excess) or excess <= 0:
        return low
    if math.isinf(excess):
        return high
    return low + (high - low) * excess / (1 + excess)
