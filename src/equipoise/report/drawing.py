"""Elements of a drawing as escaped markup; every text and attribute passes through here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

# Drawings are as wide as a phone, so that their text keeps its size there; wider screens
# show several side by side.
WIDTH = 360


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """One element; children that are not markup are escaped, `_` in attribute names becomes `-`.

    Example:
        >>> str(element("text", "<b>", x=1, css="axis"))
        '<text x="1" class="axis">&lt;b&gt;</text>'
    """
    parts = []
    for key, value in attributes.items():
        if value is None:
            continue
        shown = f"{value:.5g}" if isinstance(value, float) else str(value)
        label = "class" if key == "css" else key.rstrip("_").replace("_", "-")
        parts.append(f' {label}="{escape(shown)}"')
    inside = Markup("").join(children)
    return Markup(f"<{name}{''.join(parts)}>{inside}</{name}>")


def drawing(children: Iterable[Markup], height: float, label: str, **attributes: object) -> Markup:
    """The whole picture, as wide as its place, with a text for those who cannot see it."""
    return element(
        "svg",
        element("title", label),
        *children,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_label=label,
        **attributes,
    )


def path(x: NDArray[np.float64], y: NDArray[np.float64], *, closed: bool = False) -> str:
    """A polyline as path data, to a tenth of a pixel.

    Example:
        >>> path(np.array([0.0, 10.0]), np.array([1.0, 2.55]))
        'M0,1L10,2.5'
    """
    points = [f"{_tenth(a)},{_tenth(b)}" for a, b in zip(x, y, strict=True)]
    return ("M" + "L".join(points) + ("Z" if closed else "")) if points else ""


def _tenth(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
