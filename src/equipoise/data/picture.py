"""A preview picture: images as a grid, points as a scatter, sequences as curves, tables as histograms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    from equipoise.data.dataset import Dataset

GRID_SIDE = 8
SMALLEST_TILE = 64
SCATTER_POINTS = 5_000
CURVES = 8
HISTOGRAMS = 16


def draw_preview(dataset: Dataset, path: Path) -> Path:
    """Write the PNG and return its path.

    - images: a grid of 64, with classes one class a column (up to 8 classes), small ones enlarged;
    - vectors of 2 features: a scatter of at most 5,000 points, coloured by label;
    - sequences: 8 curves a channel;
    - other vectors: a histogram of each of the first 16 features.

    Raises:
        EquipoiseError: when the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if dataset.specification.kind == "image":
            _image_grid(dataset, path)
        else:
            _figure(dataset).savefig(path, format="png", dpi=110)
    except OSError as error:
        raise EquipoiseError(
            f"The picture `{path}` cannot be written ({error.strerror or error}); choose another path."
        ) from error
    return path


def _chosen(dataset: Dataset, count: int) -> np.ndarray:
    """Evenly spaced samples: of sorted data these show more than the first ones."""
    count = min(count, len(dataset))
    return np.linspace(0, len(dataset) - 1, count).round().astype(np.int64)


def _image_grid(dataset: Dataset, path: Path) -> None:
    from PIL import Image

    columns = GRID_SIDE
    indices = _chosen(dataset, GRID_SIDE * GRID_SIDE)
    if dataset.labels is not None:
        present = np.unique(dataset.labels)
        shown = present[np.linspace(0, len(present) - 1, min(GRID_SIDE, len(present))).round().astype(int)]
        rows = [np.flatnonzero(dataset.labels == label)[:GRID_SIDE] for label in shown]
        depth = max(len(row) for row in rows)
        # -1 leaves a tile empty where a class has fewer samples.
        table = np.full((depth, len(rows)), -1, dtype=np.int64)
        for column, row in enumerate(rows):
            table[: len(row), column] = row
        indices, columns = table.reshape(-1), len(rows)
    images = _bytes(dataset, dataset.raw(np.maximum(indices, 0)))
    images[indices < 0] = 255
    factor = max(1, SMALLEST_TILE // max(images.shape[1:3]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    gap = 2
    height, width = images.shape[1] + gap, images.shape[2] + gap
    lines = -(-len(images) // columns)
    canvas = np.full((lines * height + gap, columns * width + gap, 3), 255, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = gap + (index // columns) * height, gap + (index % columns) * width
        canvas[top : top + height - gap, left : left + width - gap] = image
    Image.fromarray(canvas).save(path, format="PNG")


def _bytes(dataset: Dataset, samples: np.ndarray) -> np.ndarray:
    """Any images to (n, height, width, 3) uint8: the normalised range [-1, 1] is black to white."""
    normalised = dataset.normalisation.apply(samples)
    pixels = np.clip(np.rint((normalised + 1) * 127.5), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    if pixels.shape[3] >= 3:
        return np.ascontiguousarray(pixels[..., :3])
    return pixels[..., :1].repeat(3, axis=3)


def _figure(dataset: Dataset) -> Any:
    # The object interface draws without a display and leaves pyplot's global state alone.
    from matplotlib.figure import Figure

    kind, shape = dataset.specification.kind, dataset.specification.shape
    if kind == "sequence":
        figure = Figure(figsize=(8, 1 + 1.6 * min(shape[0], 6)), layout="constrained")
        axes = figure.subplots(min(shape[0], 6), 1, squeeze=False, sharex=True)[:, 0]
        samples = dataset.raw(_chosen(dataset, CURVES))
        for channel, axis in enumerate(axes):
            axis.plot(samples[:, channel].T, linewidth=1)
            axis.set_ylabel(f"channel {channel}")
        axes[-1].set_xlabel("position")
    elif shape == (2,):
        figure = Figure(figsize=(6, 6), layout="constrained")
        axis = figure.subplots()
        indices = _chosen(dataset, SCATTER_POINTS)
        points = dataset.raw(indices)
        colours = None if dataset.labels is None else dataset.labels[indices]
        axis.scatter(
            points[:, 0], points[:, 1], s=4, c=colours, cmap="tab20" if colours is not None else None
        )
        names = dataset.column_names or ("feature 0", "feature 1")
        axis.set_xlabel(names[0])
        axis.set_ylabel(names[1])
        axis.set_aspect("equal", adjustable="datalim")
    else:
        count = min(shape[0], HISTOGRAMS)
        columns = min(count, 4)
        lines = -(-count // columns)
        figure = Figure(figsize=(2.6 * columns, 2.1 * lines), layout="constrained")
        axes = figure.subplots(lines, columns, squeeze=False).reshape(-1)
        samples = dataset.raw(_chosen(dataset, 10 * SCATTER_POINTS))
        for feature in range(count):
            axes[feature].hist(samples[:, feature], bins=40)
            axes[feature].set_title((dataset.column_names or range(shape[0]))[feature], fontsize=9)
        for axis in axes[count:]:
            axis.set_visible(False)
    figure.suptitle(f"{dataset.name}: {len(dataset)} samples")
    return figure
