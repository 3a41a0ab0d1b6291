"""How the scores were spread and how that moved: one row per stretch of the run, two outlines a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from equipoise.history.observations import Observations, Series
from equipoise.report.drawing import WIDTH, drawing, element, path
from equipoise.report.numbers import Array, figure, short
from equipoise.report.scales import WIDE, Scale

ROWS = 12
# Most records that one row is drawn from, spread evenly over its stretch.
_RECORDS = 40
_COLUMNS = 96
_LEFT, _RIGHT, _TOP, _ROW, _HILL, _BOTTOM = 44, 8, 36, 31, 44, 24


@dataclass(frozen=True)
class Ridge:
    """The picture and what to say of its axis."""

    svg: Markup
    scale: str


def score_ridge(observations: Observations) -> Ridge | None:
    """The picture, oldest row at the top; None without histograms.

    Each record's counts are spread evenly within their bins, records of one stretch are added, each row is
    scaled to its own highest peak: the shapes and places are to be compared, not the heights of rows.
    """
    aligned = _aligned(observations)
    if aligned is None:
        return None
    steps, edges, real, fake = aligned
    rows = _stretches(steps)
    scale = _scale(edges, real + fake, [row for row, _ in rows])
    grid = np.linspace(0.0, 1.0, _COLUMNS + 1)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts: list[Markup] = []
    for place, text in scale.ticks():
        across = _LEFT + place * (WIDTH - _LEFT - _RIGHT)
        parts.append(element("line", css="grid", x1=across, x2=across, y1=_TOP - 16, y2=height - _BOTTOM + 4))
        parts.append(element("text", text, css="tick", x=across, y=height - 8, text_anchor="middle"))
    for index, (row, last) in enumerate(rows):
        base = _TOP + _ROW * (index + 1)
        hills = {
            kind: _density(scale, grid, edges[row], counts[row])
            for kind, counts in (("real", real), ("fake", fake))
        }
        peak = max(float(hill.max()) for hill in hills.values()) or 1.0
        for kind, hill in hills.items():
            x = _LEFT + (grid[:-1] + grid[1:]) / 2 * (WIDTH - _LEFT - _RIGHT)
            y = base - hill / peak * _HILL
            ends = np.array([x[0], *x, x[-1]]), np.array([base, *y, base])
            parts.append(element("path", css=f"hill {kind}", d=path(*ends, closed=True)))
        parts.append(element("text", short(last), css="tick", x=_LEFT - 5, y=base, text_anchor="end"))
    return Ridge(drawing(parts, height, _label(observations, scale)), scale.words)


def _stretches(steps: Array) -> list[tuple[NDArray[np.intp], float]]:
    """The records of each row and its last step; stretches grow with the row squared: most moves early."""
    ends = steps[0] + (steps[-1] - steps[0]) * (np.arange(1, ROWS + 1) / ROWS) ** 2
    borders = np.searchsorted(steps, ends, side="right")
    borders[-1] = len(steps)
    parts = [part for part in np.split(np.arange(len(steps)), borders[:-1]) if len(part)]
    return [(part[:: -(-len(part) // _RECORDS)], float(steps[part[-1]])) for part in parts]


def _label(observations: Observations, scale: Scale) -> str:
    real, fake = (observations.last(f"score.{kind}.mean") for kind in ("real", "fake"))
    return (
        f"Distributions of the scores over the run, from {figure(scale.low, 3)} to {figure(scale.high, 3)}; "
        f"at the end reals have mean {figure(real, 3)} and fakes {figure(fake, 3)}."
    )


def _aligned(observations: Observations) -> tuple[Array, Array, Array, Array] | None:
    names = ("score.histogram.edges", "score.real.histogram", "score.fake.histogram")
    series = [observations.series(name).finite() for name in names]
    if any(len(one) == 0 or one.values.ndim != 2 for one in series) or series[0].values.shape[1] != 2:
        return None
    common = set(series[0].steps) & set(series[1].steps) & set(series[2].steps)
    if not common:
        return None
    edges, real, fake = (_at(one, common) for one in series)
    return np.array(sorted(common)), edges, real, fake


def _at(series: Series, steps: set[float]) -> Array:
    return series.values[np.isin(series.steps, list(steps))]


def _scale(edges: Array, counts: Array, rows: list[NDArray[np.intp]]) -> Scale:
    """Without the lowest and the highest thousandth of all scores; bent where rows differ wildly."""
    bins = counts.shape[1]
    shares = np.arange(bins + 1) / bins
    borders = edges[:, :1] + (edges[:, 1:] - edges[:, :1]) * shares
    weights = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).ravel()
    order = np.argsort(borders[:, :-1].ravel())
    sums = np.cumsum(weights[order]) / max(float(weights.sum()), 1e-12)
    low = float(borders[:, :-1].ravel()[order][min(int(np.searchsorted(sums, 0.001)), len(order) - 1)])
    order = np.argsort(borders[:, 1:].ravel())
    sums = np.cumsum(weights[order]) / max(float(weights.sum()), 1e-12)
    high = float(borders[:, 1:].ravel()[order][min(int(np.searchsorted(sums, 0.999)), len(order) - 1)])
    if not high > low:
        low, high = low - 0.5, low + 0.5
    widths = [float(np.median(edges[row, 1] - edges[row, 0])) for row in rows]
    narrowest = max(min(widths), (high - low) * 1e-6)
    if high - low > WIDE * narrowest:
        return Scale("both-sided", low, high, unit=narrowest)
    return Scale("linear", low, high)


def _density(scale: Scale, grid: Array, edges: Array, counts: Array) -> Array:
    """Share of the samples in each column of the paper, over all records of the row."""
    total = np.zeros(len(grid) - 1)
    bins = np.arange(counts.shape[1] + 1) / counts.shape[1]
    for (low, high), row in zip(edges, counts, strict=True):
        if row.sum() <= 0:
            continue
        borders = scale.place(low + (high - low) * bins)
        reached = np.concatenate([[0.0], np.cumsum(row)]) / row.sum()
        if borders[-1] - borders[0] < 1 / len(total):
            # All scores are equal, or nearly: one column holds them.
            total[min(int(borders[0] * len(total)), len(total) - 1)] += 1.0
        else:
            total += np.diff(np.interp(grid, borders, reached, left=0.0, right=1.0))
    return total
