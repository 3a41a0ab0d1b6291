"""Real against fake samples, now and at earlier steps, in the form that suits their shape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from equipoise.report.contact_sheet import Sheet, as_images, contact_sheet, shown_range
from equipoise.report.numbers import figure
from equipoise.report.sample_plots import bounds, curves, histogram, scatter

Snapshot = tuple[int, str, NDArray[Any]]
EARLIER = 5
_COLUMNS = 6
_NOW, _THEN = 32, 8
# The pictures of a page together; more samples than fit are left out.
_BUDGET = 700_000


@dataclass(frozen=True)
class Picture:
    """One picture with its caption; either a sheet of images or a drawing."""

    caption: str
    sheet: Sheet | None = None
    svg: Markup | None = None
    kind: str = ""


@dataclass(frozen=True)
class SamplesView:
    """Pictures of now, pictures of earlier steps, and how to read them."""

    now: tuple[Picture, ...]
    earlier: tuple[Picture, ...]
    note: str
    form: str


def samples_view(samples: Iterable[Snapshot]) -> SamplesView | None:
    """What to show of the kept snapshots; None without any that can be shown."""
    steps: dict[int, dict[str, NDArray[Any]]] = {}
    for step, kind, array in samples:
        array = np.asarray(array, dtype=np.float64)
        if kind in ("real", "fake") and array.ndim >= 1 and array.size:
            steps.setdefault(int(step), {})[kind] = array.reshape(-1, 1) if array.ndim == 1 else array
    if not steps:
        return None
    last = max(steps)
    now = steps[last]
    before = sorted(step for step in steps if step != last and "fake" in steps[step])
    if len(before) > EARLIER:
        before = [before[index] for index in np.unique(np.linspace(0, len(before) - 1, EARLIER).astype(int))]
    then = [(step, steps[step]["fake"]) for step in before]
    real = now.get("real")
    if real is None:
        real = next(
            (steps[step]["real"] for step in sorted(steps, reverse=True) if "real" in steps[step]), None
        )
    fake = now.get("fake")
    if real is not None and fake is not None and real.shape[1:] != fake.shape[1:]:
        # Conditions may travel with one of them; without a common shape they share no picture.
        return _images(last, None, fake, then) if as_images(fake) is not None else None
    given = real if real is not None else fake
    if given is None:
        return None
    then = [(step, array) for step, array in then if array.shape[1:] == given.shape[1:]]
    if as_images(given) is not None:
        return _images(last, real, fake, then)
    if given.ndim == 3:
        return _curves(last, real, fake, then)
    if given.ndim == 2 and given.shape[1] == 2:
        return _points(last, real, fake, then)
    return _columns(last, real, fake) if given.ndim == 2 else None


def _images(
    step: int, real: NDArray[Any] | None, fake: NDArray[Any] | None, then: list[tuple[int, NDArray[Any]]]
) -> SamplesView:
    shown = shown_range(real, fake)
    most = _NOW
    while True:
        now = tuple(
            Picture(f"{words}, step {step:,}", contact_sheet(images, shown, most), kind=kind)
            for kind, words, array in (("real", "Reals", real), ("fake", "Fakes", fake))
            if array is not None and (images := as_images(array)) is not None
        )
        earlier = tuple(
            Picture(
                f"Fakes, step {at:,}", contact_sheet(images, shown, max(4, most * _THEN // _NOW)), kind="fake"
            )
            for at, array in then
            if (images := as_images(array)) is not None
        )
        size = sum(len(picture.sheet.address) for picture in (*now, *earlier) if picture.sheet)
        if size <= _BUDGET or most <= 4:
            break
        most //= 2
        then = then[::2] if most <= 8 else then
    given = real if real is not None else fake
    note = (
        f"On the reals' scale: black is {figure(shown.low)}, white {figure(shown.high)}; beyond is clipped."
    )
    if given is not None and given.ndim == 2:
        note += f" Each row of {given.shape[1]} numbers is drawn as a square, row by row."
    if given is not None and given.ndim == 4 and given.shape[1] == 2:
        note += " Of the two channels the first is shown."
    if given is not None and given.ndim == 4 and given.shape[1] > 3:
        note += f" Of the {given.shape[1]} channels the first three are shown as red, green and blue."
    if any(array is not None and not np.isfinite(array).all() for array in (real, fake)):
        note += " Magenta pixels are not finite."
    return SamplesView(now, earlier, note, "images")


def _points(
    step: int, real: NDArray[Any] | None, fake: NDArray[Any] | None, then: list[tuple[int, NDArray[Any]]]
) -> SamplesView:
    def picture(at: int, fakes: NDArray[Any] | None) -> Picture:
        return Picture(
            f"Step {at:,}", svg=scatter(real, fakes, f"Reals and fakes in the plane at step {at:,}")
        )

    note = "Rings are reals, crosses are fakes; fakes beyond the axes sit at their edge."
    return SamplesView(
        (picture(step, fake),), tuple(picture(at, array) for at, array in then), note, "points"
    )


def _curves(
    step: int, real: NDArray[Any] | None, fake: NDArray[Any] | None, then: list[tuple[int, NDArray[Any]]]
) -> SamplesView:
    given = real if real is not None else fake
    shared = (0.0, 1.0) if given is None else bounds(given[:, 0], None if fake is None else fake[:, 0])

    def picture(kind: str, words: str, at: int, array: NDArray[Any]) -> Picture:
        caption = f"{words}, step {at:,}"
        return Picture(caption, svg=curves(array, kind, shared, caption), kind=kind)

    now = tuple(
        picture(kind, words, step, array)
        for kind, words, array in (("real", "Reals", real), ("fake", "Fakes", fake))
        if array is not None
    )
    note = f"Each line is one sample's first channel, from {figure(shared[0], 3)} to {figure(shared[1], 3)}."
    return SamplesView(now, tuple(picture("fake", "Fakes", at, array) for at, array in then), note, "curves")


def _columns(step: int, real: NDArray[Any] | None, fake: NDArray[Any] | None) -> SamplesView:
    given = real if real is not None else fake
    width = 0 if given is None else given.shape[1]
    pictures = tuple(
        Picture(
            f"Value {index + 1} of {width}",
            svg=histogram(
                None if real is None else real[:, index],
                None if fake is None else fake[:, index],
                f"Distribution of value {index + 1} of reals and fakes at step {step:,}",
            ),
        )
        for index in range(min(width, _COLUMNS))
    )
    more = f" The first {_COLUMNS} of {width} values are shown." if width > _COLUMNS else ""
    return SamplesView(pictures, (), f"Shares of reals and of fakes at step {step:,}.{more}", "histograms")
