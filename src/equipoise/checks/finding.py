"""A finding: what is wrong, the measurements that prove it, what else it could have been, what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
Cure = Literal["root", "symptomatic"]
Safety = Literal["safe", "unsafe", "display-only"]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True)
class Measurement:
    """One piece of evidence.

    Attributes:
        name: the signal, fact or probe number it comes from.
        value: what was measured.
        threshold: what it was compared with; None for a measurement that only illustrates.
        comparison: how, read between value and threshold ("below", "above", "equal to").
        source: where the threshold comes from: a paper, a tool, or the calibration benchmark.
        meaning: the measurement in a few plain words.
    """

    name: str
    value: float
    threshold: float | None = None
    comparison: str = ""
    source: str = ""
    meaning: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": _number(self.value),
            "threshold": _number(self.threshold),
            "comparison": self.comparison,
            "source": self.source,
            "meaning": self.meaning,
        }


@dataclass(frozen=True)
class Alternative:
    """Another cause that looks the same, and what spoke against it.

    Attributes:
        cause: the other explanation.
        verdict: `ruled out`, `unlikely` or `open`; open ones name the probe that would tell.
        reason: the measurement that decided, with its number, or the probe that would.
    """

    cause: str
    verdict: Literal["ruled out", "unlikely", "open"]
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"cause": self.cause, "verdict": self.verdict, "reason": self.reason}


@dataclass(frozen=True)
class Remedy:
    """One thing to do.

    Attributes:
        name: stable name in kebab-case, the key of the remedies' registry where it can be applied.
        text: what to do, in the imperative, with the numbers to use.
        cure: `root` removes the cause; `symptomatic` hides or delays it.
        safety: `safe` keeps the mathematics, `unsafe` changes the game, `display-only` is for the user to do.
    """

    name: str
    text: str
    cure: Cure
    safety: Safety

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "text": self.text, "cure": self.cure, "safety": self.safety}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        code, name: the check's, such as "EQ101" and "vanishing-generator-gradient".
        severity: `info`, `warning` or `error`.
        confidence: probability that the named cause is right, calibrated on the failure benchmark.
        message: one or two sentences with the measured numbers.
        evidence: the measurements, those that decided first.
        because: what else it could have been, and what ruled that out.
        remedies: root cures before symptomatic ones.
        since: the first step at which the condition held, if known.
        caused_by: the name of the finding in the same diagnosis that explains this one, if any.
        explains: names of checks whose findings this one explains, where that depends on what was measured;
            None takes those of the check's class.
    """

    code: str
    name: str
    severity: Severity
    confidence: float
    message: str
    evidence: tuple[Measurement, ...] = ()
    because: tuple[Alternative, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    since: int | None = None
    caused_by: str | None = None
    explains: tuple[str, ...] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "confidence": round(self.confidence, 4),
            "message": self.message,
            "evidence": [measurement.to_json() for measurement in self.evidence],
            "because": [alternative.to_json() for alternative in self.because],
            "remedies": [remedy.to_json() for remedy in self.remedies],
            "since": self.since,
            "caused_by": self.caused_by,
            "details": self.details,
        }
