"""What an experiment leaves: arms with numbers, expectations that hold or not, doubts, panels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from equipoise.errors import EquipoiseError, unknown_name
from equipoise.lab.encoding import decode_number, encode_number
from equipoise.lab.panels import Panel, panel_from_json

Role = Literal["failure", "cure", "mask", "control", "healthy", "variant"]
State = Literal["failing", "cured", "masked", "healthy", ""]
ROLES: tuple[str, ...] = get_args(Role)
STATES: tuple[str, ...] = get_args(State)

_COMPARISONS = {
    ">=": lambda measured, threshold: measured >= threshold,
    "<=": lambda measured, threshold: measured <= threshold,
    ">": lambda measured, threshold: measured > threshold,
    "<": lambda measured, threshold: measured < threshold,
}


@dataclass(frozen=True)
class Number:
    """A measured value with its unit; the unit is empty for a plain ratio or count."""

    value: float
    unit: str = ""


@dataclass(frozen=True)
class Series:
    """A measured curve: two equally long sequences."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass
class Arm:
    """One way of doing it, next to the others.

    Attributes:
        name: short, unique within the experiment; it is the legend's entry.
        role: what the textbook says it is: the failure, a cure, a mask (it hides or delays the failure), a
            control (it should change nothing), a healthy case, or one variant of several.
        description: what is done in this arm, in one line.
        numbers: what was measured at the end.
        series: what was measured on the way.
        state: what the measurement says it is; empty where the arm is not judged.
        findings: what `equipoise.watch` found in this arm, where it was watched: code, name, severity, step.
    """

    name: str
    role: Role
    description: str
    numbers: dict[str, Number] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    state: State = ""
    findings: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise unknown_name("role of an arm", self.role, ROLES)

    def number(self, name: str, value: float, unit: str = "") -> float:
        """Keep a number; returns it."""
        self.numbers[name] = Number(float(value), unit)
        return float(value)

    def value(self, name: str) -> float:
        """The value of a number that was kept, without its unit.

        Raises:
            EquipoiseError: no number of that name was kept.

        Example:
            >>> arm = Arm("plain", "failure", "as published")
            >>> _ = arm.number("distance", 2.5)
            >>> arm.value("distance")
            2.5
        """
        if name not in self.numbers:
            raise unknown_name(f"number of the arm {self.name!r}", name, self.numbers)
        return self.numbers[name].value

    def curve(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Keep a curve.

        Raises:
            EquipoiseError: x and y differ in length.
        """
        if len(x) != len(y):
            raise EquipoiseError(
                f"The curve `{name}` must have as many y as x, but it has {len(y)} and {len(x)}; check both."
            )
        self.series[name] = Series(tuple(float(entry) for entry in x), tuple(float(entry) for entry in y))


@dataclass(frozen=True)
class Expectation:
    """One measurable sentence of the claim.

    Attributes:
        sentence: what is expected, readable on its own.
        measured: the value; nan never holds.
        comparison: `>=`, `<=`, `>` or `<`, read as "measured comparison threshold".
        threshold: the bound.
        source: where the bound comes from: a theorem, a paper's section, a definition. A bound must not be
            chosen by looking at the value that is then reported.
        unit: of both numbers.

    Example:
        >>> Expectation("Nothing is lost.", 0.0, "<=", 0.1, "a definition").holds
        True
    """

    sentence: str
    measured: float
    comparison: str
    threshold: float
    source: str
    unit: str = ""

    def __post_init__(self) -> None:
        if self.comparison not in _COMPARISONS:
            raise unknown_name("comparison", self.comparison, _COMPARISONS)

    @property
    def holds(self) -> bool:
        return not math.isnan(self.measured) and bool(
            _COMPARISONS[self.comparison](self.measured, self.threshold)
        )


@dataclass
class Outcome:
    """Everything that one run of an experiment found.

    Attributes:
        arms: in the order of the page.
        expectations: the claim holds if and only if all of them hold.
        doubts: sentences on where this shows less than the textbook says.
        panels: what the figure shows.
        key: the name of the number that stands for an arm in a comparison.
    """

    arms: list[Arm]
    expectations: list[Expectation]
    doubts: list[str]
    panels: list[Panel]
    key: str

    @property
    def holds(self) -> bool:
        """Whether every expectation holds; without any there is no claim, and it does not."""
        return bool(self.expectations) and all(entry.holds for entry in self.expectations)

    def arm(self, name: str) -> Arm:
        """The arm of that name; an unknown one is refused with the nearest."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise unknown_name("arm", name, [arm.name for arm in self.arms])

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; numbers that are not finite become text."""
        return {
            "arms": [
                {
                    "name": arm.name,
                    "role": arm.role,
                    "state": arm.state,
                    "description": arm.description,
                    "numbers": {
                        name: {"value": encode_number(number.value), "unit": number.unit}
                        for name, number in arm.numbers.items()
                    },
                    "series": {
                        name: {
                            "x": [encode_number(entry) for entry in series.x],
                            "y": [encode_number(entry) for entry in series.y],
                        }
                        for name, series in arm.series.items()
                    },
                    "findings": arm.findings,
                }
                for arm in self.arms
            ],
            "expectations": [
                {
                    "sentence": entry.sentence,
                    "measured": encode_number(entry.measured),
                    "comparison": entry.comparison,
                    "threshold": encode_number(entry.threshold),
                    "unit": entry.unit,
                    "source": entry.source,
                    "holds": entry.holds,
                }
                for entry in self.expectations
            ],
            "doubts": list(self.doubts),
            "panels": [panel.to_json() for panel in self.panels],
            "key": self.key,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Outcome:
        """What `to_json` gave, as an outcome again.

        Example:
            >>> outcome = Outcome([Arm("plain", "failure", "as published")], [], [], [], "gradient")
            >>> Outcome.from_json(outcome.to_json()) == outcome
            True
        """
        arms = [
            Arm(
                name=arm["name"],
                role=arm["role"],
                description=arm["description"],
                numbers={
                    name: Number(decode_number(number["value"]), number["unit"])
                    for name, number in arm["numbers"].items()
                },
                series={
                    name: Series(
                        tuple(decode_number(entry) for entry in series["x"]),
                        tuple(decode_number(entry) for entry in series["y"]),
                    )
                    for name, series in arm["series"].items()
                },
                state=arm["state"],
                findings=arm["findings"],
            )
            for arm in plain["arms"]
        ]
        expectations = [
            Expectation(
                sentence=entry["sentence"],
                measured=decode_number(entry["measured"]),
                comparison=entry["comparison"],
                threshold=decode_number(entry["threshold"]),
                source=entry["source"],
                unit=entry["unit"],
            )
            for entry in plain["expectations"]
        ]
        panels = [panel_from_json(panel) for panel in plain["panels"]]
        return cls(arms, expectations, list(plain["doubts"]), panels, plain["key"])
