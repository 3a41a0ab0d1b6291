"""Panels drawn with matplotlib, all alike: a colour a role, a sentence a panel, readable at page width."""

from __future__ import annotations

import io
import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from equipoise.errors import EquipoiseError
from equipoise.lab.outcome import Arm, Outcome
from equipoise.lab.panels import (
    BarPanel,
    HistogramPanel,
    ImagePanel,
    LinePanel,
    Panel,
    Reference,
    ScatterPanel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which people with any form of colour blindness can tell apart.
COLOURS = {
    "failure": "#d55e00",
    "cure": "#009e73",
    "mask": "#e69f00",
    "control": "#666666",
    "healthy": "#0072b2",
    "variant": "#cc79a7",
    "data": "#4d4d4d",
}
MEANINGS = {
    "failure": "failure",
    "cure": "cure",
    "mask": "only hides or delays it",
    "control": "control",
    "healthy": "healthy",
    "variant": "variant",
    "data": "real data",
}
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (8, 2, 1, 2, 1, 2)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_WIDTH = 5.6
_HEIGHT = 4.3
_SETTINGS: Any = {
    "font.size": 11,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.fontsize": 9.5,
    "legend.framealpha": 0.85,
    "svg.hashsalt": "equipoise",
}


def draw(outcome: Outcome, headline: str, verdict: str) -> Figure:
    """The whole figure: a headline, then the panels in two columns.

    Args:
        outcome: whose panels are drawn.
        headline: the claim.
        verdict: whether it held, in a few words; stands before the claim.
    """
    import matplotlib
    from matplotlib.figure import Figure

    count = len(outcome.panels)
    columns = 1 if count == 1 else 2
    rows = math.ceil(count / columns)
    with matplotlib.rc_context(_SETTINGS):
        text = textwrap.fill(f"{verdict}: {headline}", 45 * columns)
        lines = text.count("\n") + 1
        figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * rows + 0.3 * lines), layout="constrained")
        figure.suptitle(text, fontsize=14, fontweight="bold", x=0.01, ha="left")
        for number, panel in enumerate(outcome.panels):
            # A last panel that would stand alone takes the whole row.
            alone = columns == 2 and number == count - 1 and count % 2 == 1
            place = (number + 1, number + 2) if alone else number + 1
            draw_panel(figure.add_subplot(rows, columns, place), panel, outcome)
        figure.get_layout_engine().set(h_pad=0.12, w_pad=0.08)  # type: ignore[union-attr,call-arg]
        return figure


def panel_svg(panel: Panel, outcome: Outcome) -> str:
    """One panel as an SVG document of its own, for a page that stacks them on a phone."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        draw_panel(figure.add_subplot(), panel, outcome, titled=False)
        return render(figure, "svg").decode("utf-8")


def render(figure: Figure, kind: str) -> bytes:
    """The figure as the bytes of a `png` or `svg` file, the same for the same figure."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata, facecolor="white")
    return buffer.getvalue()


def draw_panel(axes: Axes, panel: Panel, outcome: Outcome, titled: bool = True) -> None:
    """One panel on its axes.

    Raises:
        EquipoiseError: it names an arm or a series that the outcome does not have.
    """
    if titled:
        wide = axes.get_subplotspec() is not None and axes.get_subplotspec().colspan.stop > 1  # type: ignore[union-attr]
        wide = wide and axes.get_subplotspec().colspan.start == 0  # type: ignore[union-attr]
        # A panel with equal scales and fixed ranges is narrower than its place.
        boxed = isinstance(panel, ScatterPanel) and panel.equal and panel.x_range is not None
        columns = 52 if not wide else 70 if boxed else 116
        axes.set_title(textwrap.fill(panel.title, columns), fontsize=11.5, loc="left")
    if isinstance(panel, LinePanel):
        _lines(axes, panel, outcome)
    elif isinstance(panel, ScatterPanel):
        _scatter(axes, panel)
    elif isinstance(panel, ImagePanel):
        _images(axes, panel)
    elif isinstance(panel, HistogramPanel):
        _histograms(axes, panel)
    elif isinstance(panel, BarPanel):
        _bars(axes, panel)
    else:
        raise EquipoiseError(f"There is no way to draw a panel of the kind {type(panel).__name__}; add one.")


def colour(role: str) -> str:
    """The colour of a role; an unknown role is drawn in black."""
    return COLOURS.get(role, "#000000")


def style(arm: Arm, outcome: Outcome) -> tuple[str, Any, str]:
    """Colour, dashes and marker of an arm: the colour tells the role, the rest arms of one role apart."""
    same = [other.name for other in outcome.arms if other.role == arm.role]
    place = same.index(arm.name)
    return colour(arm.role), _DASHES[place % len(_DASHES)], _MARKERS[place % len(_MARKERS)]


def _lines(axes: Axes, panel: LinePanel, outcome: Outcome) -> None:
    for curve in panel.curves:
        arm = outcome.arm(curve.arm)
        if curve.series not in arm.series:
            raise EquipoiseError(
                f"The arm `{arm.name}` has no series `{curve.series}` to draw; it has "
                f"{', '.join(arm.series) or 'none'}."
            )
        series = arm.series[curve.series]
        paint, dashes, marker = style(arm, outcome)
        points = curve.style == "points"
        axes.plot(
            series.x,
            series.y,
            color=paint,
            linestyle="none" if points else dashes,
            marker=marker,
            markersize=5 if points else 4,
            markevery=1 if points else max(1, len(series.x) // 8),
            linewidth=2.0,
            label=curve.label or arm.name,
        )
    axes.set_xscale(panel.x_scale)
    axes.set_yscale(panel.y_scale)
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    if panel.y_range is not None:
        axes.set_ylim(*panel.y_range)
    _references(axes, panel.references)
    _legend(axes)


def _scatter(axes: Axes, panel: ScatterPanel) -> None:
    places: dict[str, int] = {}
    for group in panel.groups:
        place = places.setdefault(group.role, 0)
        places[group.role] += 1
        x, y = group.points[:, 0], group.points[:, 1]
        paint = colour(group.role)
        if group.directions is not None:
            u, v = group.directions[:, 0], group.directions[:, 1]
            axes.quiver(x, y, u, v, color=paint, angles="xy", width=0.004, label=group.label)
        elif group.path:
            axes.plot(x, y, color=paint, linestyle=_DASHES[place % len(_DASHES)], label=group.label)
            axes.plot(x[-1:], y[-1:], "o", color=paint, markersize=5)
        else:
            size = float(np.clip(4000 / max(len(x), 1), 5, 30))
            axes.scatter(
                x,
                y,
                s=size,
                color=paint,
                alpha=0.35 if group.role == "data" else 0.6,
                linewidths=0,
                marker=_MARKERS[place % len(_MARKERS)],
                label=group.label,
            )
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    if panel.x_range is not None:
        axes.set_xlim(*panel.x_range)
    if panel.y_range is not None:
        axes.set_ylim(*panel.y_range)
    if panel.equal:
        axes.set_aspect("equal", adjustable="datalim" if panel.x_range is None else "box")
    _legend(axes)


def _images(axes: Axes, panel: ImagePanel) -> None:
    axes.set_axis_off()
    count = len(panel.rows)
    for number, row in enumerate(panel.rows):
        strip = _strip(row.images)
        top = 1 - number / count
        inner = axes.inset_axes((0.0, top - 0.97 / count, 1.0, 0.72 / count))
        inner.imshow(strip, aspect="equal", interpolation="nearest", vmin=0, vmax=255)
        inner.set_axis_off()
        inner.set_anchor("W")
        axes.text(
            0.0,
            top - 0.14 / count,
            row.label,
            color=colour(row.role),
            fontsize=10,
            fontweight="bold",
            va="center",
            transform=axes.transAxes,
        )


def _strip(images: np.ndarray) -> np.ndarray:
    """Images side by side with a white gap, as (height, width, 3)."""
    gap = max(1, images.shape[-1] // 16)
    shown = images[:, :3] if images.shape[1] >= 3 else np.repeat(images[:, :1], 3, axis=1)
    padded = np.pad(shown, ((0, 0), (0, 0), (0, 0), (0, gap)), constant_values=255)
    strip: np.ndarray = np.concatenate(list(padded.transpose(0, 2, 3, 1)), axis=1)[:, :-gap]
    return strip


def _histograms(axes: Axes, panel: HistogramPanel) -> None:
    finite = [group.values[np.isfinite(group.values)] for group in panel.groups]
    together = np.concatenate(finite) if finite else np.zeros(1)
    low, high = (float(together.min()), float(together.max())) if len(together) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, panel.bins + 1)
    places: dict[str, int] = {}
    for group, values in zip(panel.groups, finite, strict=True):
        place = places.setdefault(group.role, 0)
        places[group.role] += 1
        axes.hist(
            values,
            bins=list(edges),
            density=True,
            histtype="stepfilled",
            facecolor=(colour(group.role), 0.18),
            edgecolor=colour(group.role),
            linestyle=_DASHES[place % len(_DASHES)],
            linewidth=1.6,
            label=group.label,
        )
    axes.set(xlabel=panel.x_label, ylabel="density", yscale=panel.y_scale)
    _legend(axes)


def _bars(axes: Axes, panel: BarPanel) -> None:
    values = [bar.value if math.isfinite(bar.value) else 0.0 for bar in panel.bars]
    places = np.arange(len(panel.bars))
    axes.barh(places, values, color=[colour(bar.role) for bar in panel.bars], height=0.68)
    axes.set_yticks(places, [textwrap.fill(bar.label, 26) for bar in panel.bars])
    axes.invert_yaxis()
    axes.set_xscale(panel.scale)
    axes.set_xlabel(panel.value_label)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.18)
    for place, bar, value in zip(places, panel.bars, values, strict=True):
        words = f"{bar.value:.3g}" if math.isfinite(bar.value) else str(bar.value)
        axes.annotate(
            words,
            (value, place),
            xytext=(4 if value >= 0 or panel.scale == "log" else -4, 0),
            textcoords="offset points",
            va="center",
            ha="left" if value >= 0 or panel.scale == "log" else "right",
            fontsize=9.5,
        )
    _references(axes, tuple(Reference(entry.value, entry.label, "x") for entry in panel.references))


def _references(axes: Axes, references: tuple[Reference, ...]) -> None:
    for entry in references:
        if entry.axis == "x":
            axes.axvline(entry.value, color="#333333", linewidth=1.1, linestyle=(0, (2, 2)))
            axes.annotate(
                entry.label,
                (entry.value, 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(3, 0),
                textcoords="offset points",
                rotation=90,
                fontsize=9,
                va="bottom",
                color="#333333",
            )
        else:
            axes.axhline(entry.value, color="#333333", linewidth=1.1, linestyle=(0, (2, 2)))
            axes.annotate(
                entry.label,
                (0.99, entry.value),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                fontsize=9,
                ha="right",
                color="#333333",
            )


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="best", handlelength=3.2, markerscale=1.4)
