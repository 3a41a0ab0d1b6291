"""Signals over the steps of a run, as lines with the spread of what was thinned out behind them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from equipoise.history.catalogue import SIGNALS
from equipoise.history.observations import Observations
from equipoise.report.drawing import WIDTH, drawing, element, path
from equipoise.report.numbers import Array, Thinned, figure, thinned
from equipoise.report.scales import Scale, fitting

_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 190, 44, 8, 10, 24


# A run that begins this early, as a share of its length, is drawn from step 0 on.
_NEAR_ZERO = 0.1


@dataclass(frozen=True)
class Line:
    """One signal of a chart.

    Attributes:
        signal: its name in the catalogue.
        words: what it is called here.
        look: `real`, `fake`, `generator`, `discriminator` or `third`: colour and dashes.
    """

    signal: str
    words: str
    look: str


@dataclass(frozen=True)
class Chart:
    """What a chart shows.

    Attributes:
        title: a few words.
        note: how to read it, in one sentence.
        low, high: bounds of the axis where the signal has them.
        reference: a level to compare with, and what it is.
    """

    title: str
    lines: tuple[Line, ...]
    note: str = ""
    low: float | None = None
    high: float | None = None
    reference: tuple[float, str] | None = None


@dataclass(frozen=True)
class Key:
    """One entry of the legend: what the line is and where it started and ended."""

    look: str
    words: str
    range: str
    formula: str
    unit: str


@dataclass(frozen=True)
class Drawn:
    """A chart ready for the page."""

    title: str
    note: str
    svg: Markup
    keys: tuple[Key, ...]
    scale: str
    broken: int


def draw(chart: Chart, observations: Observations) -> Drawn | None:
    """The chart of what was recorded; None if nothing of it was."""
    found: list[tuple[Line, Thinned]] = []
    drawn = [line for line in chart.lines if len(observations.series(line.signal))]
    if len(drawn) == 1:
        # Dashes only tell lines apart; one alone needs none.
        drawn = [dataclasses.replace(drawn[0], look=f"{drawn[0].look} solid")]
    for line in drawn:
        series = observations.series(line.signal)
        if series.values.ndim == 1:
            found.append((line, thinned(series)))
    if not any(len(points) for _, points in found):
        return None
    every = np.concatenate([np.concatenate([points.low, points.high]) for _, points in found])
    scale = fitting(every, low=chart.low, high=chart.high)
    steps = np.concatenate([np.concatenate([points.steps, points.broken]) for _, points in found])
    # One axis for all charts of a page, so that what happened at one time stands in one place.
    first, last = float(steps.min()), max(float(steps.max()), float(observations.step))
    first = 0.0 if first < _NEAR_ZERO * last else first
    last = max(last, first + 1)
    across = Scale("linear", first, last)
    parts = [*_axes(scale, across), *_reference(chart, scale)]
    for line, points in found:
        parts += _line(line, points, across, scale)
    parts.append(element("line", css="cursor", x1=0, x2=0, y1=_TOP, y2=_HEIGHT - _BOTTOM))
    keys = tuple(_key(line, points) for line, points in found if len(points))
    label = f"{chart.title}: " + "; ".join(f"{key.words} {key.range}" for key in keys)
    data = {
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "first": first,
        "last": last,
        "lines": [
            {"words": line.words, "x": _list(points.steps), "y": _list(points.middle)}
            for line, points in found
            if len(points)
        ],
    }
    svg = drawing(
        parts, _HEIGHT, label, css="lines", tabindex=0, data_chart=json.dumps(data, separators=(",", ":"))
    )
    return Drawn(
        title=chart.title,
        note=chart.note,
        svg=svg,
        keys=keys,
        scale=scale.words,
        broken=sum(len(points.broken) for _, points in found),
    )


def _list(values: Array) -> list[float]:
    return [float(f"{value:.4g}") if abs(value) < 1e4 else float(f"{value:.7g}") for value in values]


def _down(scale: Scale, values: Array | float) -> Array:
    return _TOP + (1 - scale.place(values)) * (_HEIGHT - _TOP - _BOTTOM)


def _over(across: Scale, steps: Array | float) -> Array:
    return _LEFT + across.place(steps) * (WIDTH - _LEFT - _RIGHT)


def _axes(scale: Scale, across: Scale) -> list[Markup]:
    parts = []
    for place, text in scale.ticks():
        y = _TOP + (1 - place) * (_HEIGHT - _TOP - _BOTTOM)
        parts.append(element("line", css="grid", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y))
        parts.append(element("text", text, css="tick", x=_LEFT - 5, y=y + 4, text_anchor="end"))
    ticks = across.ticks(5)
    for place, text in ticks:
        x = _LEFT + place * (WIDTH - _LEFT - _RIGHT)
        parts.append(
            element(
                "text", text, css="tick", x=x, y=_HEIGHT - 8, text_anchor="end" if place > 0.95 else "middle"
            )
        )
    return parts


def _reference(chart: Chart, scale: Scale) -> list[Markup]:
    if chart.reference is None:
        return []
    level, words = chart.reference
    if not scale.low <= level <= scale.high:
        return []
    y = float(_down(scale, level))
    place = y - 4 if y > _TOP + 14 else y + 12
    return [
        element("line", css="reference", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y),
        element("text", words, css="tick", x=WIDTH - _RIGHT - 2, y=place, text_anchor="end"),
    ]


def _line(line: Line, points: Thinned, across: Scale, scale: Scale) -> list[Markup]:
    parts = []
    if len(points):
        x = _over(across, points.steps)
        if np.any(points.high > points.low):
            edge = path(
                np.concatenate([x, x[::-1]]),
                np.concatenate([_down(scale, points.low), _down(scale, points.high)[::-1]]),
                closed=True,
            )
            parts.append(element("path", css=f"band {line.look}", d=edge))
        y = _down(scale, points.middle)
        if len(points) == 1:
            parts.append(element("circle", css=f"dot {line.look}", cx=float(x[0]), cy=float(y[0]), r=3))
        else:
            parts.append(element("path", css=f"line {line.look}", d=path(x, y)))
    # Where a value was not finite there is nothing to draw but the fact itself.
    for x in np.unique(np.round(_over(across, points.broken)))[:60]:
        parts.append(element("text", "×", css="broken", x=float(x), y=_TOP + 4, text_anchor="middle"))
    return parts


def _key(line: Line, points: Thinned) -> Key:
    entry = SIGNALS[line.signal]
    first, last = float(points.middle[0]), float(points.middle[-1])
    text = figure(last, 3) if len(points) == 1 else f"{figure(first, 3)} → {figure(last, 3)}"
    return Key(line.look, line.words, text, f"{line.signal}: {entry.formula}", entry.unit)


def charts(wanted: Sequence[Chart], observations: Observations) -> list[Drawn]:
    """Those of the charts for which something was recorded."""
    return [drawn for chart in wanted if (drawn := draw(chart, observations)) is not None]


__all__ = ["Chart", "Drawn", "Key", "Line", "charts", "draw"]
