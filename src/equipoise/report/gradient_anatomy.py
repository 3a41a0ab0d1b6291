"""The generator's gradient on its way back, drawn: what is left at each station and in each layer."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from equipoise.checks.anatomy import (
    DEAD_LOSS,
    DEAD_PASSAGE,
    DEAD_STEEPNESS,
    WINDOW,
    Anatomy,
    anatomy,
)
from equipoise.checks.finding import Measurement
from equipoise.history.observations import Observations
from equipoise.report.drawing import WIDTH, drawing, element
from equipoise.report.numbers import Array, figure, short
from equipoise.report.scales import Scale, fitting

_TITLES = {
    "loss": ("The loss", "how steep the generator's loss is at the scores, |dL/ds|"),
    "discriminator": ("The discriminator", "how steep its score is at the fakes, |ds/dx|"),
    "generator": ("The generator", "what it turns the gradient at its samples into, |dL/dθ| per |dL/dx|"),
}
_LIMITS = {"loss": DEAD_LOSS, "discriminator": DEAD_STEEPNESS, "generator": DEAD_PASSAGE}
_BAR = Scale("logarithmic", 1e-6, 1.0)
_LAYERS = 24
_LETTERS = 20


@dataclass(frozen=True)
class StationView:
    """One station as a row: its words, its bar, and whether it is the first at which the gradient dies."""

    number: int
    title: str
    meaning: str
    words: str
    share: str
    dead: bool
    first: bool
    bar: Markup
    evidence: tuple[Measurement, ...]


@dataclass(frozen=True)
class Layers:
    """The gradient's norm in each layer of one network."""

    title: str
    svg: Markup
    scale: str


@dataclass(frozen=True)
class GradientView:
    """Stations in the order of the way back, a sentence that sums them up, the layers of both networks."""

    stations: tuple[StationView, ...]
    words: str
    layers: tuple[Layers, ...]


def gradient_view(observations: Observations) -> GradientView | None:
    """The drawn anatomy; None where nothing of it was measured."""
    ways = anatomy(observations)
    known = [station for station in ways.stations if station.evidence or math.isfinite(station.value)]
    layers = tuple(_layers(player, observations) for player in ("generator", "discriminator"))
    drawn = tuple(layer for layer in layers if layer is not None)
    if not known and not drawn:
        return None
    stations = []
    for number, station in enumerate(ways.stations, 1):
        if station not in known:
            continue
        title, meaning = _TITLES[station.name]
        stations.append(
            StationView(
                number=number,
                title=title,
                meaning=meaning,
                words=station.words,
                share=f"{station.share:.3%}" if math.isfinite(station.share) else "",
                dead=station.dead,
                first=station is ways.first_dead,
                bar=_bar(station.share, _LIMITS[station.name], title, station.dead),
                evidence=station.evidence,
            )
        )
    return GradientView(tuple(stations), _words(ways), drawn)


def _words(ways: Anatomy) -> str:
    first = ways.first_dead
    if first is not None:
        return f"First station below its threshold on the way back: {_TITLES[first.name][0].lower()}."
    weakest = ways.weakest
    if weakest is None:
        return "No station can be compared with a reference."
    return (
        f"No station is below its threshold; the weakest is {_TITLES[weakest.name][0].lower()} "
        f"with {weakest.share:.3g} of its reference."
    )


def _bar(share: float, limit: float, title: str, dead: bool) -> Markup:
    left, width = 2.0, WIDTH - 4.0
    parts = [element("rect", css="track", x=left, y=4, width=width, height=12, rx=3)]
    if math.isfinite(share):
        length = float(_BAR.place(max(share, 0.0))) * width
        parts.append(
            element(
                "rect",
                css="bar dead" if dead else "bar",
                x=left,
                y=4,
                width=max(length, 2.0),
                height=12,
                rx=3,
            )
        )
    at = left + float(_BAR.place(limit)) * width
    parts.append(element("line", css="limit", x1=at, x2=at, y1=0, y2=20))
    for power in (-6, -4, -2, 0):
        x = left + float(_BAR.place(10.0**power)) * width
        text = {0: "100 %", -2: "1 %"}.get(power, f"1e{power}")
        anchor = "start" if power == -6 else "end" if power == 0 else "middle"
        parts.append(element("text", text, css="tick", x=x, y=30, text_anchor=anchor))
    share_words = f"{share:.3g} of its reference" if math.isfinite(share) else "no reference"
    return drawing(parts, 34, f"{title}: {share_words}; threshold {limit:g}")


def _layers(player: str, observations: Observations) -> Layers | None:
    series = observations.series(f"gradient.{player}.layers").finite()
    if len(series) == 0:
        return None
    table = series.values if series.values.ndim == 2 else series.values[:, None]
    recent = table[series.steps >= observations.step - WINDOW]
    now = np.median(recent, axis=0) if len(recent) else table[-1]
    early = np.median(table[series.steps <= series.steps[0] + WINDOW], axis=0)
    names = _names(player, observations, len(now))
    if len(now) > _LAYERS:
        chosen = np.unique(np.linspace(0, len(now) - 1, _LAYERS).astype(int))
        now, early, names = now[chosen], early[chosen], [names[index] for index in chosen]
    scale = fitting(np.concatenate([now, early]))
    if scale.kind == "linear":
        scale = Scale("linear", 0.0, scale.high)
    elif not scale.zero:
        # The smallest bar would have no length at all.
        scale = dataclasses.replace(scale, low=scale.low / 3)
    picture = _layer_bars(player, names, now, early, scale)
    return Layers(f"{player.capitalize()}, layer by layer", picture, scale.words)


def _names(player: str, observations: Observations, count: int) -> list[str]:
    """The modules' names where there are as many with weights as the signal has entries; else numbers."""
    entries = [
        entry
        for entry in observations.fact(f"{player}.layers", [])
        if entry.get("parameters") and "Norm" not in str(entry.get("type"))
    ]
    if len(entries) == count:
        return [_label(str(entry.get("name")), str(entry.get("type"))) for entry in entries]
    return [f"weight {index + 1}" for index in range(count)]


def _label(name: str, kind: str) -> str:
    """The module's place, and its type where there is room for it."""
    return f"{name} {kind}" if len(name) + len(kind) < _LETTERS else name


def _layer_bars(player: str, names: list[str], now: Array, early: Array, scale: Scale) -> Markup:
    left, right, row, top = 132, 56, 19, 4
    width = WIDTH - left - right
    parts: list[Markup] = []
    for index, (name, value, before) in enumerate(zip(names, now, early, strict=True)):
        y = top + index * row
        shown = name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"
        label = element("title", f"{name}: now {figure(float(value))}, at first {figure(float(before))}")
        length, start = (float(scale.place(number)) * width for number in (value, before))
        parts.append(element("text", shown, css="tick", x=left - 6, y=y + 12, text_anchor="end"))
        parts.append(element("rect", css="track", x=left, y=y + 3, width=width, height=11, rx=2))
        parts.append(
            element(
                "rect", label, css=f"bar {player}", x=left, y=y + 3, width=max(length, 1.5), height=11, rx=2
            )
        )
        parts.append(element("line", css="before", x1=left + start, x2=left + start, y1=y + 1, y2=y + 16))
        parts.append(element("text", short(float(value)), css="tick", x=WIDTH - right + 6, y=y + 12))
    return drawing(
        parts,
        top + row * len(names) + 2,
        f"Gradient norm in each layer of the {player}; input side first",
    )
