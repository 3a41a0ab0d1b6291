"""From a value to a place on the paper: linear, logarithmic, or logarithmic on both sides of zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.report.numbers import nice_ticks, short

Kind = Literal["linear", "logarithmic", "both-sided"]
# Beyond this ratio of the largest to the usual value a linear axis shows one flat line and one spike.
WIDE = 50.0
# A gradient that dies exponentially must not stretch the axis for ever.
_DECADES = 12
# Least distance of two labels, as a share of the axis.
_APART = 0.08


@dataclass(frozen=True)
class Scale:
    """Places values between `low` and `high` on 0 to 1.

    Attributes:
        kind: `linear`; `logarithmic`, with values at or below `low` at the bottom; `both-sided`, which is
            asinh(v / unit).
        zero: whether the bottom of a logarithmic axis stands for zero.
    """

    kind: Kind
    low: float
    high: float
    unit: float = 1.0
    zero: bool = False

    def place(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Shares of the axis, clipped to 0 to 1."""
        bent = self._bend(np.asarray(values, dtype=np.float64))
        low, high = (float(self._bend(np.asarray(end))) for end in (self.low, self.high))
        return np.clip((bent - low) / ((high - low) or 1.0), 0.0, 1.0)

    def _bend(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.kind == "logarithmic":
            return np.log10(np.maximum(values, self.low))
        if self.kind == "both-sided":
            return np.arcsinh(values / self.unit)
        return values

    @property
    def words(self) -> str:
        """What to say of the axis; nothing where it is linear."""
        return {
            "linear": "",
            "logarithmic": "Logarithmic axis.",
            "both-sided": "The axis is logarithmic on both sides of zero.",
        }[self.kind]

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Places on the axis, as shares, and what to write there."""
        if self.kind == "linear":
            values = nice_ticks(self.low, self.high, most)
        elif self.kind == "logarithmic":
            values = _powers(self.low, self.high, most)
        else:
            largest = max(abs(self.low), abs(self.high))
            powers = _powers(self.unit, largest, max(2, most // 2))
            values = sorted(
                {-p for p in powers if -p >= self.low} | {0.0} | {p for p in powers if p <= self.high}
            )
            values = [value for value in values if self.low <= value <= self.high]
        found = [(float(self.place(value)), short(value)) for value in values]
        if self.zero:
            found.insert(0, (0.0, "0"))
        # Of two labels that would overlap, that of zero stays, else the first.
        kept: list[tuple[float, str]] = []
        for tick in sorted(found, key=lambda tick: (tick[1] != "0", tick[0])):
            if all(abs(tick[0] - other[0]) >= _APART for other in kept):
                kept.append(tick)
        return sorted(kept)


def fitting(values: NDArray[np.float64], *, low: float | None = None, high: float | None = None) -> Scale:
    """The scale on which these finite values can be read.

    Bounds that are given are kept and make the axis linear. Without them: logarithmic where all values are
    non-negative and reach over more than a factor of fifty, both-sided where the largest is far beyond the
    usual.

    Example:
        >>> import numpy as np
        >>> fitting(np.array([1e-5, 1e-2, 1.0])).kind, fitting(np.array([0.4, 0.6])).kind
        ('logarithmic', 'linear')
    """
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return Scale("linear", 0.0 if low is None else low, 1.0 if high is None else high)
    least, largest = float(values.min()), float(values.max())
    if low is not None or high is not None:
        bottom, top = (
            min(least, least if low is None else low),
            max(largest, largest if high is None else high),
        )
        return Scale("linear", bottom, top if top > bottom else bottom + 1.0)
    sizes = np.abs(values[values != 0])
    if least >= 0 and len(sizes) and largest > WIDE * float(np.quantile(sizes, 0.05, method="lower")):
        bottom = max(float(sizes.min()), largest / 10.0**_DECADES)
        zero = least < bottom
        return Scale("logarithmic", bottom / 3 if zero else bottom, largest * 1.05, zero=zero)
    if len(sizes) and float(sizes.max()) > WIDE * float(np.median(sizes)):
        return Scale("both-sided", least, largest, unit=float(np.median(sizes)))
    margin = 0.04 * (largest - least) or 0.05 * abs(largest) or 0.5
    bottom = 0.0 if 0 <= least < 0.5 * largest else least - margin
    top = 0.0 if least < 0.5 * largest <= 0 and largest <= 0 else largest + margin
    return Scale("linear", bottom, top if top > bottom else bottom + 1.0)


def _powers(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        return nice_ticks(low, high, most)
    every = max(1, math.ceil((last - first + 1) / most))
    return [10.0**power for power in range(first, last + 1, every)]
