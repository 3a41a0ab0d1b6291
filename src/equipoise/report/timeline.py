"""When each finding held: the run judged again as it was known at earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from equipoise.checks.diagnosis import Diagnosis, judge
from equipoise.checks.finding import SEVERITIES
from equipoise.history.observations import Observations, Series
from equipoise.report.drawing import WIDTH, drawing, element

MOMENTS = 20
# A moment is judged by this many of its newest records and as many of the older ones, so that the page of a
# long run takes no longer than that of a short one.
_RECORDS = 500


@dataclass(frozen=True)
class Row:
    """One finding over the run.

    Attributes:
        severities: severity at each moment, None where it did not hold.
        holds: whether it is part of the verdict.
        words: when it held, as a clause.
        strip: the picture.
    """

    code: str
    name: str
    severities: tuple[str | None, ...]
    holds: bool
    words: str
    strip: Markup


@dataclass(frozen=True)
class Timeline:
    """All rows, those of the verdict first; `moments` are the steps at which was judged."""

    moments: tuple[int, ...]
    rows: tuple[Row, ...]


def timeline(diagnosis: Diagnosis, observations: Observations, moments: int = MOMENTS) -> Timeline | None:
    """The verdict at evenly spaced steps, the last being the given one; None where no time passed."""
    steps = _moments(observations, moments)
    if len(steps) < 2 or diagnosis.source == "preflight":
        return None
    verdicts = [judge(_lighter(observations.at(step))) for step in steps[:-1]]
    verdicts.append(diagnosis)
    found: dict[str, str] = {finding.name: finding.code for finding in diagnosis.findings}
    for verdict in verdicts:
        for finding in verdict.findings:
            found.setdefault(finding.name, finding.code)
    rows = []
    for name, code in found.items():
        held = tuple(
            next((finding.severity for finding in verdict.findings if finding.name == name), None)
            for verdict in verdicts
        )
        now = held[-1] is not None
        rows.append(Row(code, name, held, now, _words(held, steps), _strip(name, held, steps)))
    rows.sort(key=lambda row: (not row.holds, -_weight(row)))
    return Timeline(tuple(steps), tuple(rows))


def _weight(row: Row) -> int:
    return max(SEVERITIES.index(severity) for severity in row.severities if severity)


def _moments(observations: Observations, count: int) -> list[int]:
    recorded = [series.steps for series in observations.signals.values() if len(series)]
    if not recorded:
        return []
    first, last = min(float(steps[0]) for steps in recorded), float(observations.step)
    if last <= first:
        return [int(last)]
    return sorted({round(step) for step in np.linspace(first, last, count + 1)[1:]})


def _lighter(observations: Observations) -> Observations:
    observations.signals = {name: _thin(series) for name, series in observations.signals.items()}
    return observations


def _thin(series: Series) -> Series:
    older = len(series) - _RECORDS
    if older <= _RECORDS:
        return series
    kept = np.concatenate([np.linspace(0, older - 1, _RECORDS).astype(int), np.arange(older, len(series))])
    return Series(series.steps[kept], series.values[kept])


def _words(held: Sequence[str | None], steps: Sequence[int]) -> str:
    when = [step for step, severity in zip(steps, held, strict=True) if severity]
    if len(when) == len(steps):
        return "held all the time"
    if held[-1] is not None:
        start = max(index for index, severity in enumerate(held) if severity is None) + 1
        return f"holds now; seen from step {steps[start]:,} on" if start < len(steps) - 1 else "holds now"
    return f"held earlier, last seen at step {when[-1]:,}"


def _edges(steps: Sequence[int]) -> list[float]:
    scale = (WIDTH - 2) / steps[-1]
    return [1.0, *(1 + step * scale for step in steps)]


def _strip(name: str, held: Sequence[str | None], steps: Sequence[int]) -> Markup:
    edges = _edges(steps)
    parts = []
    for index, severity in enumerate(held):
        left, right = edges[index], edges[index + 1]
        height = {None: 2, "info": 6, "warning": 11, "error": 16}[severity]
        cell = element(
            "rect",
            element("title", f"step {steps[index]:,}: {severity or 'not found'}"),
            css=f"cell {severity or 'none'}",
            x=left,
            y=17 - height,
            width=max(right - left - 1.5, 0.5),
            height=height,
        )
        parts.append(cell)
    return drawing(parts, 18, f"{name}: {_words(held, steps)}")
