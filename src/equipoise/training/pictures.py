"""The pictures of a run: samples and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from equipoise.data.specification import SampleSpecification

_SCALES = {8: 6, 16: 4, 32: 2}


def image_grid(images: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Images side by side on a white ground.

    Args:
        images: shape (N, C, H, W), uint8; more than three channels show their first three, two their first.
        columns: images in a row; about the square root of N when not given.
        gap: pixels between two images.

    Returns:
        Shape (height, width, 3), uint8.

    Example:
        >>> image_grid(np.zeros((4, 1, 8, 8), np.uint8)).shape
        (18, 18, 3)
    """
    count, channels, height, width = images.shape
    columns = columns or max(1, math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    shown = images[:, :3] if channels >= 3 else np.repeat(images[:, :1], 3, axis=1)
    grid = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for number, image in enumerate(shown):
        row, column = divmod(number, columns)
        top, left = row * (height + gap), column * (width + gap)
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return grid


def save_samples(
    path: Path,
    samples: np.ndarray,
    specification: SampleSpecification,
    reals: np.ndarray | None = None,
) -> None:
    """A grid for images, the first two features as points for vectors, curves for sequences.

    Args:
        path: of the PNG file.
        samples: in the units of the data, shape (N, ...).
        specification: what a sample is.
        reals: real samples to show beneath, for vectors and sequences.
    """
    if specification.kind == "image":
        _save_grid(path, samples)
        return
    from matplotlib.figure import Figure

    if specification.kind == "vector":
        figure = Figure(figsize=(5, 5), layout="constrained")
        axes = figure.add_subplot()
        for values, colour, name in ((reals, "0.75", "real"), (samples, "tab:blue", "generated")):
            if values is None:
                continue
            if values.shape[1] == 1:
                axes.hist(values[:, 0], bins=50, density=True, alpha=0.6, color=colour, label=name)
            else:
                axes.scatter(values[:, 0], values[:, 1], s=6, color=colour, label=name, linewidths=0)
                axes.set_xlabel("feature 0")
                axes.set_ylabel("feature 1")
        axes.legend(loc="upper right")
    else:
        figure = Figure(figsize=(9, 6), layout="constrained")
        rows = 16
        for number, axes in enumerate(figure.subplots(4, 4, sharex=True, sharey=True).flat):
            if number < min(rows, len(samples)):
                axes.plot(samples[number].T, linewidth=1)
    figure.savefig(path, dpi=110)


def _save_grid(path: Path, samples: np.ndarray) -> None:
    from PIL import Image

    grid = Image.fromarray(image_grid(to_bytes(samples)))
    side = samples.shape[-1]
    scale = next((scale for limit, scale in _SCALES.items() if side <= limit), 1)
    if scale > 1:
        grid = grid.resize((grid.width * scale, grid.height * scale), Image.Resampling.NEAREST)
    grid.save(path)


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Images of any range as uint8: bytes stay, other values are stretched from their smallest to largest.

    Example:
        >>> to_bytes(np.array([0.0, 0.5, 1.0])).tolist()
        [0, 128, 255]
    """
    if images.dtype == np.uint8:
        return images
    values = np.nan_to_num(images.astype(np.float64))
    low, high = values.min(), values.max()
    return np.rint((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)


def save_curves(path: Path, log: Sequence[Mapping[str, Any]]) -> None:
    """The losses, the mean scores and the penalties over the steps.

    Args:
        path: of the PNG file.
        log: entries with `step` and scores.
    """
    from matplotlib.figure import Figure

    names = sorted({name for entry in log for name, value in entry.items() if isinstance(value, float)})
    panels = [
        ("losses", [name for name in names if name.endswith("_loss")]),
        ("mean scores of the discriminator", [name for name in names if name.endswith("_score")]),
        ("penalties, as added to the loss", [name for name in names if name.startswith("penalty/")]),
        ("distance between samples and data", [name for name in names if name == "distance"]),
    ]
    panels = [(title, members) for title, members in panels if members] or [("losses", [])]
    figure = Figure(figsize=(8, 2.4 * len(panels)), layout="constrained")
    for axes, (title, members) in zip(
        figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels
    ):
        for name in members:
            points = [(entry["step"], entry[name]) for entry in log if name in entry]
            axes.plot(*zip(*points), label=name.removeprefix("penalty/").replace("_", " "), linewidth=1)
        axes.set_title(title, fontsize=10, loc="left")
        if members:
            axes.legend(fontsize=8)
    figure.get_axes()[-1].set_xlabel("step")
    figure.savefig(path, dpi=110)
