"""Numbers for the eye: figures, axis ticks, and long series thinned without losing their extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.history.observations import Series

Array = NDArray[np.float64]
BUCKETS = 150


def figure(value: float | None, digits: int = 4) -> str:
    """A number in at most `digits` significant digits, with separators in large whole numbers.

    Example:
        >>> figure(0.00012345), figure(12000.0), figure(float("nan")), figure(float("inf"))
        ('0.0001234', '12,000', 'not a number', 'infinite')
    """
    if value is None or math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if abs(value) >= 1000 and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def short(value: float) -> str:
    """A number for an axis: as short as it can be.

    Example:
        >>> short(1500.0), short(2_000_000.0), short(0.25), short(1e-06)
        ('1.5k', '2M', '0.25', '1e-6')
    """
    size = abs(value)
    if size >= 1e12 or (0 < size < 1e-3):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` of them, spaced by 1, 2 or 5 times a power of ten.

    Example:
        >>> nice_ticks(0.0, 1.0)
        [0.0, 0.5, 1.0]
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    power = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20, 50):
        spacing = power * factor
        first = math.ceil(low / spacing - 1e-9)
        last = math.floor(high / spacing + 1e-9)
        if last - first + 1 <= most:
            return [round(index * spacing, 12) + 0.0 for index in range(first, last + 1)]
    return [low, high]


@dataclass(frozen=True)
class Thinned:
    """A series for drawing: medians of its buckets and their extremes.

    Attributes:
        steps: middle of each bucket (its median step).
        middle, low, high: median, least and largest finite value of each bucket.
        broken: steps at which values were not finite.
    """

    steps: Array
    middle: Array
    low: Array
    high: Array
    broken: Array

    def __len__(self) -> int:
        return len(self.steps)


def thinned(series: Series, buckets: int = BUCKETS) -> Thinned:
    """At most `buckets` points of a scalar series, equally wide in steps.

    Example:
        >>> thinned(Series(np.arange(4.0), np.array([1.0, 2.0, float("nan"), 4.0]))).broken
        array([2.])
    """
    steps, values = series.steps, series.values
    if values.ndim != 1:
        raise ValueError("only scalar signals can be drawn as a line")
    finite = np.isfinite(values)
    broken = steps[~finite]
    steps, values = steps[finite], values[finite]
    if len(steps) <= buckets:
        return Thinned(steps, values, values, values, broken)
    span = float(steps[-1] - steps[0]) or 1.0
    bucket = np.minimum(((steps - steps[0]) / span * buckets).astype(int), buckets - 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    ends = np.append(starts[1:], len(steps))
    # Sorted within each bucket, the two middle entries give its median without a loop.
    ordered = values[np.lexsort((values, bucket))]
    lower, upper = (starts + ends - 1) // 2, (starts + ends) // 2
    return Thinned(
        steps=(steps[lower] + steps[upper]) / 2,
        middle=(ordered[lower] + ordered[upper]) / 2,
        low=ordered[starts],
        high=ordered[ends - 1],
        broken=broken,
    )
