"""Where a signal is going: a robust trend, the best level it ever held, and a period if it has one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equipoise.history.observations import Observations, Series

# One-sided 5 % point of the normal distribution: the usual level of the Mann-Kendall test.
SIGNIFICANT = 1.645
# Medians of twelve blocks: enough for the test's normal approximation (ten or more), few enough to take out
# the correlation between neighbouring records.
BLOCKS = 12
FEWEST_RECORDS = 6


@dataclass(frozen=True)
class Trend:
    """A monotone trend.

    Attributes:
        z: Mann-Kendall statistic over block medians; above 1.645 rising, below -1.645 falling (5 %).
        start: median over the first third.
        end: median over the last third.
    """

    z: float
    start: float
    end: float

    @property
    def change(self) -> float:
        """Relative change, (end - start) / |start|; nan where start is 0."""
        return (self.end - self.start) / abs(self.start) if self.start else math.nan

    def rises(self, least: float = 0.1) -> bool:
        """Whether it rises significantly and by at least the share `least` of its start."""
        return self.z > SIGNIFICANT and self.end - self.start >= least * abs(self.start)

    def falls(self, least: float = 0.1) -> bool:
        """Whether it falls significantly and by at least the share `least` of its start."""
        return self.z < -SIGNIFICANT and self.start - self.end >= least * abs(self.start)


def trend(series: Series, blocks: int = BLOCKS) -> Trend | None:
    """The trend of a scalar series, or None with fewer than six finite records.

    Mann-Kendall: S = sum over i < j of sign(x_j - x_i); z = (S -+ 1) / sqrt(n (n-1) (2n+5) / 18).

    Example:
        >>> import numpy as np
        >>> trend(Series(np.arange(60.0), np.arange(60.0))).rises()
        True
    """
    if series.values.ndim != 1:
        return None
    values = series.finite().values
    if len(values) < FEWEST_RECORDS:
        return None
    medians = np.array([np.median(part) for part in np.array_split(values, min(blocks, len(values)))])
    count = len(medians)
    upper = np.triu_indices(count, 1)
    s = float(np.sign(medians[upper[1]] - medians[upper[0]]).sum())
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    third = max(1, len(values) // 3)
    return Trend(
        z=(s - math.copysign(1.0, s)) / spread if s else 0.0,
        start=float(np.median(values[:third])),
        end=float(np.median(values[-third:])),
    )


def latest(
    observations: Observations, signal: str, steps: float = 200, records: int = 5, share: float = 0.5
) -> Series:
    """The finite records of the last `steps` steps, or the last `records` where those are more.

    Records get rarer as a run goes on, so that a window in steps alone may be empty. Nothing older than the
    last `share` of the run is taken, unless it is within `steps`.
    """
    series = observations.series(signal).finite()
    within = series.since(observations.step - steps)
    if len(within) >= records:
        return within
    few = Series(series.steps[-records:], series.values[-records:])
    return few.since(min(observations.step - steps, (1 - share) * observations.step))


def recent_trend(observations: Observations, signal: str, steps: float) -> Trend | None:
    """The trend over the last `steps` steps, or over the last twelve records if those are more."""
    return trend(latest(observations, signal, steps, BLOCKS, 0.6))


def rolling_median(series: Series, steps: float, records: int = 3, points: int = 400) -> Series:
    """The median over the `steps` steps that end at a record, or over its last `records` if more.

    The first records have too short a history and are left out. Of a long series it is taken at `points`
    records spread evenly, the newest among them.

    Example:
        >>> import numpy as np
        >>> rolling_median(Series(np.arange(5.0), np.array([1.0, 1, 9, 1, 1])), 2).values
        array([1., 1., 1.])
    """
    clean = series.finite()
    starts = np.minimum(
        np.searchsorted(clean.steps, clean.steps - steps), np.arange(len(clean)) - records + 1
    )
    kept = np.flatnonzero(starts >= 0)
    if len(kept) > points:
        kept = kept[np.linspace(0, len(kept) - 1, points).astype(int)]
    return Series(
        clean.steps[kept], np.array([float(np.median(clean.values[starts[i] : i + 1])) for i in kept])
    )


@dataclass(frozen=True)
class Rotation:
    """A signal that goes round and round.

    Attributes:
        period: steps of one turn.
        cycles: how many turns the window holds.
        amplitude: half the distance between the 5th and the 95th percentile, without the trend.
        regularity: autocorrelation at the period, 1 for a pure wave.
        centre: mean of the signal over the window.
        since: first step of the window.
    """

    period: float
    cycles: float
    amplitude: float
    regularity: float
    centre: float
    since: int


def rotation(series: Series, cycles: float, regularity: float, points: int = 512) -> Rotation | None:
    """The period of a signal that repeats itself, or None.

    The values are put on an even grid and a straight line is taken out. The period is the first lag, after
    the autocorrelation has first been negative, at which it peaks above `regularity`. White noise has no such
    lag, a drift never becomes positive again.

    Args:
        cycles: least number of periods within the series.
        regularity: least autocorrelation at the period.
        points: most points of the grid.
    """
    clean = series.finite()
    if clean.values.ndim != 1 or len(clean) < 4 * cycles or clean.span <= 0:
        return None
    count = min(points, len(clean))
    grid = np.linspace(clean.steps[0], clean.steps[-1], count)
    values = np.interp(grid, clean.steps, clean.values)
    if not np.isfinite(values).all() or float(np.ptp(values)) <= 1e-9 * float(np.abs(values).max()):
        return None
    line = np.polyval(np.polyfit(grid - grid[0], values, 1), grid - grid[0])
    wave = values - line
    correlation = _autocorrelation(wave)
    negative = np.flatnonzero(correlation < 0)
    if len(negative) == 0:
        return None
    # A lag beyond a cycles-th of the window leaves fewer than `cycles` turns.
    last = int(count / cycles)
    candidates = correlation[negative[0] : last + 1]
    if len(candidates) < 2:
        return None
    lag = int(negative[0] + np.argmax(candidates))
    if correlation[lag] < regularity or lag in (0, last):
        return None
    low, high = np.percentile(wave, [5, 95])
    spacing = clean.span / (count - 1)
    return Rotation(
        period=lag * spacing,
        cycles=(count - 1) / lag,
        amplitude=float(high - low) / 2,
        regularity=float(correlation[lag]),
        centre=float(values.mean()),
        since=int(clean.steps[0]),
    )


def _autocorrelation(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Autocorrelation at each lag, unbiased in the number of overlapping points, 1 at lag 0."""
    count = len(wave)
    scaled = wave / float(np.abs(wave).max() or 1.0)
    spectrum = np.fft.rfft(scaled, 2 * count)
    raw = np.fft.irfft(spectrum * spectrum.conj())[:count]
    level = raw[0] / count
    return np.asarray(raw / (count - np.arange(count)) / (level or 1.0), dtype=np.float64)
