"""When to look: densely at the start, then ever more rarely, within a budget of the loop's time."""

from __future__ import annotations

from collections import deque

from equipoise.validation import Interval, Optional, check_parameter

# Share of the step time that records may cost by default. The design allows 2 % for everything over a run of
# a few thousand steps: the dense start, and what hooks and the cache of the processor cost between records.
BUDGET = 0.007
HEAVY_EVERY = 5
_STRETCH = 4
_DENSE = 100


class Schedule:
    """Which steps are recorded.

    With `every` fixed, each `every`-th step. By default every step up to 10, every 5th up to 100, every 10th
    up to 1,000, every 25th up to 10,000, then every 50th; from step 100 on as much more rarely as the budget
    asks for, up to four times: a record of c seconds in a loop of s seconds a step is due every
    c / (BUDGET s) steps. c and s are means over the last `HEAVY_EVERY` records, of which one is heavy.
    """

    def __init__(self, every: int | None = None) -> None:
        check_parameter("every", every, Optional(Interval(int, 1)), "leave it out for a schedule by cost")
        self._every = every
        self._costs: deque[tuple[float, float, int]] = deque(maxlen=HEAVY_EVERY)
        self.records = 0

    def interval(self, step: int) -> int:
        """Steps until the next record after one at `step`."""
        if self._every is not None:
            return self._every
        base = 1 if step < 10 else 5 if step < _DENSE else 10 if step < 1000 else 25 if step < 10000 else 50
        # Short runs need enough records for a verdict whatever they cost: the start is never stretched.
        return base if step < _DENSE else round(min(max(base, self._affordable()), _STRETCH * base))

    def heavy(self) -> bool:
        """Whether this record also takes the measurements that need extra passes through copies."""
        return self.records % HEAVY_EVERY == 0

    def spent(self, seconds: float, total: float, steps: int) -> None:
        """Report what a record cost, and the wall time and the steps since the one before it, all told.

        Args:
            seconds: of watching, the record's own and the listening since the one before.
            total: wall time with the watching in it.
            steps: of the loop.
        """
        self.records += 1
        self._costs.append((seconds, max(total - seconds, 0.0), steps))

    def _affordable(self) -> float:
        """Steps between records at which they cost the budget."""
        watching, loop, steps = (
            (sum(column) for column in zip(*self._costs)) if self._costs else (0.0, 0.0, 0)
        )
        if not loop or not steps:
            return 0.0
        return watching / len(self._costs) / (BUDGET * loop / steps)
