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
        warm_up: balance and diversity are not judged before the generator is of this age, see `warmed_up`.
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
        """Whether balance may be judged: the generator's age has reached `warm_up`.

        A starved generator is not waited for: that it hardly moves is a finding of its own, which must come
        in time. What the generator itself has learned is judged by `generator_age`, without this exception.
        """
        age = self.step if self.starved else self.generator_age()
        return age >= self.warm_up

    @property
    def starved(self) -> bool:
        """Whether the generator has had less than one update in twenty steps, and somebody has had some."""
        made = self.updates.get("generator", 0)
        return any(self.updates.values()) and made < STARVED * self.step

    def generator_age(self, step: float | None = None) -> float:
        """Updates of the generator up to a step (now by default): a critic's many steps do not make it older.

        Before now they are taken as evenly spread. Where none was counted, as in a log, it is the step.

        Example:
            >>> run = Observations(step=1000, updates={"generator": 200, "discriminator": 1000})
            >>> run.generator_age(), run.generator_age(500), Observations(step=1000).generator_age()
            (200.0, 100.0, 1000)
        """
        step = self.step if step is None else step
        made = self.updates.get("generator", 0)
        return min(step, step * made / self.step) if made and self.step else step

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
