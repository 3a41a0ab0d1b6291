"""Encoded images to arrays of one size; every failure names its file or row."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from equipoise.data.statistics import CHUNK_BYTES
from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    from PIL.Image import Image

# Modes that hold more than eight bits a channel; converting them to eight would clip.
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
ORIENTATION = 0x0112


def decode_images(
    items: Iterable[tuple[str, bytes | Path]], image_size: int | None, channels: int | None
) -> tuple[tuple[int, int, int], Iterator[np.ndarray]]:
    """The shape (channels, height, width) and the decoded chunks, uint8, NCHW.

    Args:
        items: pairs of a name for errors and the file's bytes or path.
        image_size: scale the shorter side to this and cut the centre square, or None to take images as they
            are, which must then be of one size.
        channels: 1 or 3, or None for what the first image has (a palette counts as colour; an alpha channel
            is dropped).

    Raises:
        EquipoiseError: for an image that cannot be read, or whose size, colour or depth does not fit.
    """
    rows = _decoded(items, image_size, channels)
    first = next(rows)
    height, width, depth = first.shape
    return (depth, height, width), _chunked(itertools.chain([first], rows))


def resize_array(samples: np.ndarray, image_size: int | None, channels: int | None) -> np.ndarray:
    """uint8 images (N, 1 or 3, height, width) to another size or number of channels, as `decode_images`."""
    from PIL import Image

    if samples.dtype != np.uint8 or samples.shape[1] not in (1, 3):
        raise EquipoiseError(
            "`image_size` and `channels` apply to uint8 images of 1 or 3 channels, but the array has "
            f"{samples.dtype} images of {samples.shape[1]} channels; resize it before it is saved."
        )
    results = []
    for sample in samples:
        image = Image.fromarray(
            sample[0] if len(sample) == 1 else np.ascontiguousarray(sample.transpose(1, 2, 0))
        )
        results.append(_pixels(_fitted(image, image_size, channels or len(sample))))
    return np.ascontiguousarray(np.stack(results).transpose(0, 3, 1, 2))


def _decoded(
    items: Iterable[tuple[str, bytes | Path]], image_size: int | None, channels: int | None
) -> Iterator[np.ndarray]:
    """One array (height, width, channels) an image; the first one sets what the others must be."""
    expected: tuple[int, ...] | None = None
    first_name = ""
    for name, content in items:
        image = _opened(name, content)
        if image.mode in DEEP_MODES:
            raise EquipoiseError(
                f"The image `{name}` has more than 8 bits a channel (mode {image.mode}); convert it to 8 "
                "bits, or save the images as one float32 .npy array."
            )
        own = 1 if image.mode in ("1", "L", "LA", "La") else 3
        pixels = _pixels(_fitted(image, image_size, channels or own))
        if expected is None:
            expected, first_name = pixels.shape, name
        elif pixels.shape != expected:
            if pixels.shape[:2] != expected[:2]:
                raise EquipoiseError(
                    f"The image `{name}` is {pixels.shape[1]}×{pixels.shape[0]} but `{first_name}` is "
                    f"{expected[1]}×{expected[0]} (width×height); pass image_size, for instance "
                    f"image_size={min(*expected[:2], *pixels.shape[:2])}, to scale all to one size."
                )
            words = {1: "grey", 3: "colour"}
            raise EquipoiseError(
                f"The image `{name}` is {words[pixels.shape[2]]} but `{first_name}` is {words[expected[2]]}; "
                "pass channels=1 or channels=3 to make all alike."
            )
        yield pixels


def _opened(name: str, content: bytes | Path) -> Image:
    """The loaded image, turned upright where its camera said so."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
        image.load()
        if image.format in ("JPEG", "MPO", "TIFF", "WEBP") and ORIENTATION in image.getexif():
            return ImageOps.exif_transpose(image)
        return image
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        # Pillow's messages name the in-memory buffer by address, which helps nobody.
        what = "it is no image file" if isinstance(error, UnidentifiedImageError) else str(error)
        raise EquipoiseError(
            f"The image `{name}` cannot be read ({what}); repair it or take it out of the data."
        ) from error


def _fitted(image: Image, image_size: int | None, channels: int) -> Image:
    from PIL import Image as Images
    from PIL import ImageOps

    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image_size is not None and image.size != (image_size, image_size):
        image = ImageOps.fit(image, (image_size, image_size), method=Images.Resampling.LANCZOS)
    return image


def _pixels(image: Image) -> np.ndarray:
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _chunked(rows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    pending: list[np.ndarray] = []
    for row in rows:
        pending.append(row)
        if len(pending) * row.nbytes >= CHUNK_BYTES:
            yield _stacked(pending)
            pending = []
    if pending:
        yield _stacked(pending)


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.stack(rows).transpose(0, 3, 1, 2))
