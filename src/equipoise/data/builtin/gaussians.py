"""Mixtures of Gaussians in the plane: the ring and the grid."""

from __future__ import annotations

import math

import numpy as np

from equipoise.data.builtin import DATASETS
from equipoise.data.normalisation import Normalisation
from equipoise.data.raw import Mixture, RawData
from equipoise.validation import Interval, OneOf, validated

# PacGAN (1712.04086) trains on 100,000 points.
COUNT = 100_000
SPLITS = ("train", "test")


@DATASETS.register("ring")
@validated(
    split=OneOf(SPLITS),
    modes=Interval(int, 2),
    sigma=Interval(float, 0, low_open=True),
    radius=Interval(float, 0, low_open=True),
    count=Interval(int, 1),
    seed=Interval(int, 0),
)
def ring(
    split: str = "train",
    modes: int = 8,
    sigma: float = 0.01,
    radius: float = 1.0,
    count: int = COUNT,
    seed: int = 0,
) -> RawData:
    """Gaussians of standard deviation sigma, equally spaced on a circle; the label is the mode.

    Mode k of K is at radius * (cos(2 pi k / K), sin(2 pi k / K)): K distinct modes (an angle grid that
    includes both ends has one mode twice). Defaults: PacGAN's (1712.04086).

    Networks see the points divided by the smallest power of two that is not below the outermost mean's
    coordinate (1 for radius 1), so that inversion is exact bit for bit.

    Args:
        split: `train`, or `test` for an independent draw.
        modes: how many Gaussians.
        sigma: standard deviation of each along each axis.
        radius: of the circle.
        count: how many points.
        seed: of the draw.
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _mixture(means, sigma, split, count, [8, seed], "ring")


@DATASETS.register("grid")
@validated(
    split=OneOf(SPLITS),
    side=Interval(int, 2),
    sigma=Interval(float, 0, low_open=True),
    spacing=Interval(float, 0, low_open=True),
    count=Interval(int, 1),
    seed=Interval(int, 0),
)
def grid(
    split: str = "train",
    side: int = 5,
    sigma: float = 0.05,
    spacing: float = 2.0,
    count: int = COUNT,
    seed: int = 0,
) -> RawData:
    """Gaussians of standard deviation sigma on a square grid round the origin; the label is the mode.

    The defaults give 25 modes at {-4, -2, 0, 2, 4}², PacGAN's (1712.04086); mode side * i + j is at
    column i and row j. Networks see the points divided by a power of two (4 for the defaults), as for the
    ring.

    Args:
        split: `train`, or `test` for an independent draw.
        side: modes along one side.
        sigma: standard deviation of each along each axis.
        spacing: between neighbours.
        count: how many points.
        seed: of the draw.
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    means = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(means, sigma, split, count, [25, seed], "grid")


def _mixture(
    means: np.ndarray, sigma: float, split: str, count: int, entropy: list[int], name: str
) -> RawData:
    stream = np.random.SeedSequence([*entropy, SPLITS.index(split)])
    generator = np.random.Generator(np.random.PCG64(stream))
    labels = generator.integers(len(means), size=count)
    points = means[labels] + sigma * generator.standard_normal((count, 2))
    constant = 2.0 ** math.ceil(math.log2(np.abs(means).max()))
    return RawData.of_array(
        "vector",
        points.astype(np.float32),
        labels,
        len(means),
        tuple(f"{name} {index}" for index in range(len(means))),
        ("x", "y"),
        Normalisation.divided_by(constant),
        Mixture(means, sigma),
    )
