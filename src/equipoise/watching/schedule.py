"""When to look: densely at the start, then ever more rarely, within a budget of the loop's time."""

from __future__ import annotations

from equipoise.validation import Interval, Optional, check_parameter

# Share of the step time that looking may cost by default; the design allows 2 %.
BUDGET = 0.015
HEAVY_EVERY = 5
_STRETCH = 4


class Schedule:
    """Which steps are recorded.

    With `every` fixed, each `every`-th step. By default every step up to 10, every 5th up to 100, every 10th
    up to 1,000, every 25th up to 10,000, then every 50th; stretched up to four times while the measured cost
    exceeds the budget.
    """

    def __init__(self, every: int | None = None) -> None:
        check_parameter("every", every, Optional(Interval(int, 1)), "leave it out for a schedule by cost")
        self._every = every
        self._stretch = 1.0
        self.records = 0

    def interval(self, step: int) -> int:
        """Steps until the next record after one at `step`."""
        if self._every is not None:
            return self._every
        base = 1 if step < 10 else 5 if step < 100 else 10 if step < 1000 else 25 if step < 10000 else 50
        # Short runs need enough records for a verdict whatever they cost: the start is never stretched.
        return base if step < 100 else round(base * self._stretch)

    def heavy(self) -> bool:
        """Whether this record also takes the measurements that need extra passes through copies."""
        return self.records % HEAVY_EVERY == 0

    def spent(self, seconds: float, total: float) -> None:
        """Report the cost of looking since the last record and the wall time since then."""
        self.records += 1
        if self._every is not None or total <= 0:
            return
        share = seconds / total
        if share > BUDGET:
            self._stretch = min(self._stretch * 1.5, _STRETCH)
        elif share < BUDGET / 2:
            self._stretch = max(self._stretch / 1.5, 1.0)
