"""What a check sees of a run: plain numbers over time, facts and probe results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from equipoise.history.catalogue import check_fact, check_probe, check_signal

Source = Literal["live", "history", "log", "preflight"]
WARM_UP_STEPS = 200
# A generator with fewer updates per step than this is starved, not young.
STARVED = 0.05


@dataclass(frozen=True)
class Series:
    """One signal over time: `steps` ascending, `values` of the same length (rows for a vector signal)."""

    steps: NDArray[np.float64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    def finite(self) -> Series:
        """Without the entries that are not finite."""
        keep = np.isfinite(self.values)
        if self.values.ndim > 1:
            keep = np.all(keep, axis=1)
        return Series(self.steps[keep], self.values[keep])

    def since(self, step: float) -> Series:
        """From `step` on."""
        keep = self.steps >= step
        return Series(self.steps[keep], self.values[keep])

    def until(self, step: float) -> Series:
        """Up to and including `step`."""
        keep = self.steps <= step
        return Series(self.steps[keep], self.values[keep])

    @property
    def last(self) -> float:
        return float(self.values[-1]) if len(self) else math.nan

    @property
    def first(self) -> float:
        return float(self.values[0]) if len(self) else math.nan

    @property
    def span(self) -> float:
        """Steps between the first entry and the last."""
        return float(self.steps[-1] - self.steps[0]) if len(self) else 0.0

    def median(self) -> float:
        clean = self.finite().values
        return float(np.median(clean)) if len(clean) else math.nan

    def mean(self) -> float:
        clean = self.finite().values
        return float(np.mean(clean)) if len(clean) else math.nan

    def largest(self) -> float:
        clean = self.finite().values
        return float(np.max(clean)) if len(clean) else math.nan

    def smallest(self) -> float:
        clean = self.finite().values
        return float(np.min(clean)) if len(clean) else math.nan

    def share(self, condition: NDArray[np.bool_]) -> float:
        """The share of entries at which `condition` (same length) holds; nan if there are none."""
        return float(np.mean(condition)) if len(self) else math.nan


EMPTY = Series(np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class ProbeResult:
    """The numbers of one run of a probe."""

    name: str
    step: int
    values: Mapping[str, float]

    def __getitem__(self, number: str) -> float:
        if number not in check_probe(self.name).numbers:
            raise KeyError(number)
        return float(self.values.get(number, math.nan))


@dataclass
class Observations:
    """Everything known of a run at one moment, as plain numbers; what every check is given.

    Args:
        signals: signal name to series. Missing signals read as empty series.
        facts: fact name to JSON value.
        probe_results: all results in order; `probe(name)` gives the newest.
        step: the last step seen. One step is one update of the player that updates most often.
        updates: how often each player's parameters were updated.
        source: where the numbers come from; a log supports fewer checks than a live loop.
        warm_up: balance and diversity are not judged before this step.
    """

    signals: dict[str, Series] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    probe_results: list[ProbeResult] = field(default_factory=list)
    step: int = 0
    updates: dict[str, int] = field(default_factory=lambda: {"generator": 0, "discriminator": 0})
    source: Source = "live"
    warm_up: int = WARM_UP_STEPS

    def series(self, name: str) -> Series:
        """The whole series of a signal; empty if it was never recorded."""
        check_signal(name)
        return self.signals.get(name, EMPTY)

    def recent(self, name: str, steps: float = 200) -> Series:
        """The series over the last `steps` steps."""
        return self.series(name).since(self.step - steps)

    def last(self, name: str) -> float:
        """The newest finite value of a scalar signal; nan if there is none."""
        return self.series(name).finite().last

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact, or `default` where it is not known."""
        check_fact(name)
        value = self.facts.get(name)
        return default if value is None else value

    def probe(self, name: str) -> ProbeResult | None:
        """The newest result of a probe; None if it has not run."""
        check_probe(name)
        for result in reversed(self.probe_results):
            if result.name == name:
                return result
        return None

    def probes(self, name: str) -> list[ProbeResult]:
        """All results of a probe, oldest first."""
        check_probe(name)
        return [result for result in self.probe_results if result.name == name]

    @property
    def warmed_up(self) -> bool:
        """Whether balance and diversity may be judged.

        With several critic steps the generator has had fewer updates than `step` says; it is waited for,
        unless it is hardly updated at all, which is a finding of its own.
        """
        made = self.updates.get("generator", 0)
        starved = made < STARVED * self.step
        old_enough = made >= self.warm_up or starved or not any(self.updates.values())
        return self.step >= self.warm_up and old_enough

    def at(self, step: int) -> Observations:
        """What was known at an earlier step; facts are taken as they are now."""
        return Observations(
            signals={name: series.until(step) for name, series in self.signals.items()},
            facts=self.facts,
            probe_results=[result for result in self.probe_results if result.step <= step],
            step=min(step, self.step),
            updates={
                player: round(count * min(step, self.step) / max(self.step, 1))
                for player, count in self.updates.items()
            },
            source=self.source,
            warm_up=self.warm_up,
        )
