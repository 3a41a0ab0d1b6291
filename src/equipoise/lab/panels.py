"""What a figure shows, as data: experiments describe panels and one file draws them all alike."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from equipoise.errors import EquipoiseError, unknown_name
from equipoise.lab.encoding import decode_array, decode_number, encode_array, encode_number

Array = NDArray[Any]
SCALES = ("linear", "log", "symlog")
# A scatter of more points than this is a black cloud and a large file.
MOST_POINTS = 3000


@dataclass(frozen=True)
class Reference:
    """A dashed line at a value with its meaning; `axis` is `y` for a level and `x` for a moment."""

    value: float
    label: str
    axis: str = "y"


class Panel:
    """One part of a figure. `title` is a sentence that says what to see in it.

    Series and points name an arm (its colour follows from the arm's role) or, with `role` given, anything
    else; the role `data` stands for real samples.
    """

    kind: ClassVar[str]
    title: str

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        names = [entry.name for entry in fields(cast(Any, self))]
        return {"kind": self.kind, **{name: _plain(getattr(self, name)) for name in names}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Panel) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Curve:
    """The series `series` of the arm `arm`; `label` replaces the arm's name in the legend.

    `style` is `line`, or `points` for values that are not connected.
    """

    arm: str
    series: str
    label: str = ""
    style: str = "line"


@dataclass(eq=False)
class LinePanel(Panel):
    """Curves of arms over a common axis; the scales are `linear`, `log` or `symlog`."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_scale: str = "linear"
    y_scale: str = "linear"
    references: tuple[Reference, ...] = ()
    y_range: tuple[float, float] | None = None

    kind: ClassVar[str] = "lines"

    def __post_init__(self) -> None:
        self.curves, self.references = tuple(self.curves), tuple(self.references)
        for scale in (self.x_scale, self.y_scale):
            if scale not in SCALES:
                raise unknown_name("scale of a panel", scale, SCALES)


@dataclass(eq=False)
class Points:
    """A cloud of points (N, 2); `directions` (N, 2) draws an arrow at each. `role` colours it.

    `path` connects the points in their order (a trajectory).
    """

    label: str
    role: str
    points: Array
    directions: Array | None = None
    path: bool = False

    def __post_init__(self) -> None:
        self.points = np.asarray(self.points, dtype=np.float32)
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise EquipoiseError(
                f"`points` must be an array of shape (N, 2), but it is {self.points.shape}; choose two axes."
            )
        if self.directions is None and not self.path:
            self.points = self.points[:MOST_POINTS]
        if self.directions is not None:
            self.directions = np.asarray(self.directions, dtype=np.float32)


@dataclass(eq=False)
class ScatterPanel(Panel):
    """Clouds in the plane, drawn in their order, with equal scales unless `equal` is False."""

    title: str
    x_label: str
    y_label: str
    groups: tuple[Points, ...]
    equal: bool = True
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None

    kind: ClassVar[str] = "scatter"

    def __post_init__(self) -> None:
        self.groups = tuple(self.groups)


@dataclass(eq=False)
class ImageRow:
    """A row of images with a caption: uint8 (N, C, H, W)."""

    label: str
    role: str
    images: Array

    def __post_init__(self) -> None:
        self.images = np.asarray(self.images)
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise EquipoiseError(
                f"`images` must be uint8 of shape (N, C, H, W), but it is {self.images.dtype} of shape "
                f"{self.images.shape}; convert it."
            )


@dataclass(eq=False)
class ImagePanel(Panel):
    """Rows of images, one for each arm or for the data."""

    title: str
    rows: tuple[ImageRow, ...]

    kind: ClassVar[str] = "images"

    def __post_init__(self) -> None:
        self.rows = tuple(self.rows)


@dataclass(eq=False)
class Values:
    """Numbers whose distribution is shown."""

    label: str
    role: str
    values: Array

    def __post_init__(self) -> None:
        self.values = np.asarray(self.values, dtype=np.float32).ravel()


@dataclass(eq=False)
class HistogramPanel(Panel):
    """Histograms over common bins, as outlines; each integrates to one."""

    title: str
    x_label: str
    groups: tuple[Values, ...]
    bins: int = 40
    y_scale: str = "linear"

    kind: ClassVar[str] = "histograms"

    def __post_init__(self) -> None:
        self.groups = tuple(self.groups)


@dataclass(frozen=True)
class Bar:
    """One bar, with its value written beside it."""

    label: str
    role: str
    value: float


@dataclass(eq=False)
class BarPanel(Panel):
    """Horizontal bars, first on top; `scale` is that of the values."""

    title: str
    value_label: str
    bars: tuple[Bar, ...]
    scale: str = "linear"
    references: tuple[Reference, ...] = ()

    kind: ClassVar[str] = "bars"

    def __post_init__(self) -> None:
        self.bars, self.references = tuple(self.bars), tuple(self.references)
        if self.scale not in SCALES:
            raise unknown_name("scale of a panel", self.scale, SCALES)


PANELS: dict[str, type[Panel]] = {
    kind.kind: kind for kind in (LinePanel, ScatterPanel, ImagePanel, HistogramPanel, BarPanel)
}
_PARTS: dict[str, type] = {part.__name__: part for part in (Reference, Curve, Points, ImageRow, Values, Bar)}


def panel_from_json(plain: dict[str, Any]) -> Panel:
    """What `Panel.to_json` gave, as a panel again.

    Example:
        >>> panel = BarPanel("The first is longer.", "length [m]", (Bar("a", "cure", 2.0),))
        >>> panel_from_json(panel.to_json()) == panel
        True
    """
    if plain.get("kind") not in PANELS:
        raise unknown_name("kind of panel", str(plain.get("kind")), PANELS)
    values = {name: _restored(value) for name, value in plain.items() if name != "kind"}
    return PANELS[plain["kind"]](**values)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": encode_array(value)}
    if isinstance(value, float):
        return {"number": encode_number(value)}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if type(value).__name__ in _PARTS:
        return {
            "part": type(value).__name__,
            **{entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)},
        }
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_restored(entry) for entry in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return decode_array(value["array"])
    if "number" in value:
        return decode_number(value["number"])
    part = _PARTS[value["part"]]
    return part(**{name: _restored(entry) for name, entry in value.items() if name != "part"})
