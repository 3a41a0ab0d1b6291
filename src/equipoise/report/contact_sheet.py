"""Image samples as one picture: a grid on the scale of the reals, inlined as PNG."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Widest side of one sheet in pixels, and of one sample in it.
_SHEET = 384
_SAMPLE = 96
# Rows of vectors of these lengths are often images that were flattened.
FLATTENED = {64: (1, 8), 256: (1, 16), 784: (1, 28), 1024: (1, 32), 3072: (3, 32), 4096: (1, 64)}


@dataclass(frozen=True)
class Range:
    """What is shown black and what white."""

    low: float
    high: float


@dataclass(frozen=True)
class Sheet:
    """A grid of images as a data address, with its size in pixels on the page."""

    address: str
    width: int
    height: int
    count: int


def shown_range(reals: NDArray[Any] | None, fakes: NDArray[Any] | None) -> Range:
    """The range of the reals, so that fakes on another scale look it; of the fakes where there are no reals.

    The usual ranges -1 to 1, 0 to 1 and 0 to 255 are taken whole where the values fit into them.

    Example:
        >>> shown_range(np.array([-0.9, 0.8]), None)
        Range(low=-1.0, high=1.0)
    """
    given = reals if reals is not None and np.isfinite(reals).any() else fakes
    if given is None:
        return Range(0.0, 1.0)
    values = given[np.isfinite(given)]
    if len(values) == 0:
        return Range(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    for bottom, top in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if bottom - 0.01 <= low and high <= top * 1.005 and high - low > 0.25 * (top - bottom):
            return Range(bottom, top)
    return Range(low, high if high > low else low + 1.0)


def contact_sheet(images: NDArray[Any], shown: Range, most: int) -> Sheet:
    """At most `most` images (n, C, H, W) in a grid; one channel is grey, three are red, green and blue.

    Values beyond the range are clipped; what is not finite is magenta.
    """
    images = images[:most]
    count, channels, rows, columns = images.shape
    images = images[:, :3] if channels >= 3 else images[:, :1]
    broken = ~np.isfinite(images).all(axis=1)
    levels = (np.nan_to_num(images, posinf=shown.high, neginf=shown.low) - shown.low) / (
        shown.high - shown.low
    )
    pixels = np.round(np.clip(levels, 0.0, 1.0) * 255).astype(np.uint8)
    pixels = np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels
    pixels = np.where(broken[:, None], np.array([255, 0, 255], np.uint8)[None, :, None, None], pixels)
    across = min(count, max(2, min(8, _SHEET // max(min(columns, _SAMPLE), 1))))
    down = math.ceil(count / across)
    height, width = (max(1, round(side * min(1.0, _SAMPLE / max(rows, columns)))) for side in (rows, columns))
    sheet = Image.new("RGB", (across * (width + 1) - 1, down * (height + 1) - 1), (128, 128, 128))
    for index in range(count):
        tile = Image.fromarray(np.ascontiguousarray(pixels[index].transpose(1, 2, 0)))
        if (height, width) != (rows, columns):
            tile = tile.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(tile, ((index % across) * (width + 1), (index // across) * (height + 1)))
    grey = channels < 3 and not broken.any()
    stream = io.BytesIO()
    (sheet.convert("L") if grey else sheet).save(stream, "PNG", optimize=True)
    address = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    # Small images are enlarged by whole factors, so that their pixels stay square.
    factor = max(1, round(_SHEET / sheet.width))
    return Sheet(address, sheet.width * factor, sheet.height * factor, count)


def as_images(samples: NDArray[Any]) -> NDArray[Any] | None:
    """The samples as (n, C, H, W) if they are images or as long as flattened square images; else None."""
    if samples.ndim == 4 and min(samples.shape) > 0:
        return samples
    if samples.ndim == 2 and samples.shape[1] in FLATTENED and len(samples):
        channels, side = FLATTENED[samples.shape[1]]
        return samples.reshape(-1, channels, side, side)
    return None
