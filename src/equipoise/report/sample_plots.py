"""Samples that are no images: points in the plane, curves, and histograms of the columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from equipoise.report.drawing import WIDTH, drawing, element, path
from equipoise.report.scales import Scale

_EDGE = 30
_CURVES = 5
_BINS = 24


def bounds(values: NDArray[Any], others: NDArray[Any] | None) -> tuple[float, float]:
    """What an axis must reach over: all reals, and the fakes without the farthest hundredth at each end."""
    parts = []
    for given, share in ((values, 0.0), (others, 0.01)):
        finite = given[np.isfinite(given)] if given is not None else np.zeros(0)
        if len(finite):
            parts += [float(np.quantile(finite, share)), float(np.quantile(finite, 1 - share))]
    low, high = (min(parts), max(parts)) if parts else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def scatter(real: NDArray[Any] | None, fake: NDArray[Any] | None, label: str) -> Markup:
    """Points (n, 2): reals as rings, fakes as crosses."""
    anchor = real if real is not None else fake
    if anchor is None:
        return drawing([], 10, label)
    axes = [
        Scale("linear", *bounds(anchor[:, axis], None if fake is None else fake[:, axis])) for axis in (0, 1)
    ]
    parts = _frame(axes)
    for kind, points in (("real", real), ("fake", fake)):
        if points is None:
            continue
        points = points[np.isfinite(points).all(axis=1)]
        x = _EDGE + axes[0].place(points[:, 0]) * (WIDTH - _EDGE - 8)
        y = 8 + (1 - axes[1].place(points[:, 1])) * (WIDTH - _EDGE - 8)
        if kind == "real":
            parts += [
                element("circle", css="ring real", cx=float(a), cy=float(b), r=3.5) for a, b in zip(x, y)
            ]
        else:
            strokes = "".join(f"M{a - 3:.1f},{b - 3:.1f}l6,6m0,-6l-6,6" for a, b in zip(x, y))
            parts.append(element("path", css="cross fake", d=strokes))
    return drawing(parts, WIDTH, label)


def _frame(axes: list[Scale]) -> list[Markup]:
    parts = []
    for place, text in axes[0].ticks(5):
        x = _EDGE + place * (WIDTH - _EDGE - 8)
        parts.append(element("line", css="grid", x1=x, x2=x, y1=8, y2=WIDTH - _EDGE + 8))
        parts.append(element("text", text, css="tick", x=x, y=WIDTH - 6, text_anchor="middle"))
    for place, text in axes[1].ticks(5):
        y = 8 + (1 - place) * (WIDTH - _EDGE - 8)
        parts.append(element("line", css="grid", x1=_EDGE, x2=WIDTH - 8, y1=y, y2=y))
        parts.append(element("text", text, css="tick", x=_EDGE - 4, y=y + 4, text_anchor="end"))
    return parts


def curves(samples: NDArray[Any], kind: str, shared: tuple[float, float], label: str) -> Markup:
    """A few sequences (n, C, T), one below the other; the first channel."""
    chosen = samples[:_CURVES, 0]
    scale = Scale("linear", *shared)
    row = 46.0
    parts = []
    for index, curve in enumerate(chosen):
        places = np.unique(np.linspace(0, len(curve) - 1, 240).astype(int))
        finite = places[np.isfinite(curve[places])]
        x = 2 + finite / max(len(curve) - 1, 1) * (WIDTH - 4)
        y = row * index + 3 + (1 - scale.place(curve[finite])) * (row - 6)
        parts.append(element("line", css="grid", x1=0, x2=WIDTH, y1=row * (index + 1), y2=row * (index + 1)))
        parts.append(element("path", css=f"line solid {kind}", d=path(x, y)))
    return drawing(parts, row * max(len(chosen), 1) + 2, label)


def histogram(real: NDArray[Any] | None, fake: NDArray[Any] | None, label: str) -> Markup:
    """One column of a table: shares of the reals and of the fakes in common bins, as two outlines."""
    anchor = real if real is not None else fake
    if anchor is None:
        return drawing([], 10, label)
    low, high = bounds(anchor, fake)
    scale, height = Scale("linear", low, high), 96.0
    edges = np.linspace(low, high, _BINS + 1)
    shares = {}
    for kind, values in (("real", real), ("fake", fake)):
        if values is not None and np.isfinite(values).any():
            counts = np.histogram(np.clip(values[np.isfinite(values)], low, high), edges)[0]
            shares[kind] = counts / max(counts.sum(), 1)
    peak = max((float(share.max()) for share in shares.values()), default=1.0) or 1.0
    parts = []
    for place, text in scale.ticks(5):
        x = 8 + place * (WIDTH - 16)
        parts.append(element("line", css="grid", x1=x, x2=x, y1=2, y2=height))
        parts.append(element("text", text, css="tick", x=x, y=height + 14, text_anchor="middle"))
    outline = np.repeat(8 + scale.place(edges) * (WIDTH - 16), 2)
    for kind, share in shares.items():
        y = height - np.concatenate([[0.0], np.repeat(share, 2), [0.0]]) / peak * (height - 8)
        parts.append(element("path", css=f"hill {kind}", d=path(outline, y, closed=True)))
    return drawing(parts, height + 18, label)
