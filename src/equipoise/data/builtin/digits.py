"""The handwritten digits that come with scikit-learn, and three of them stacked as colours."""

from __future__ import annotations

import numpy as np

from equipoise.data.builtin import DATASETS
from equipoise.data.raw import RawData
from equipoise.errors import parameter_error
from equipoise.validation import Interval, validated

LEVELS = 16


def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 images, uint8 (N, 1, 8, 8), and their digits, int64.

    scikit-learn gives whole numbers 0..16 (ink in 4×4 cells). They are spread over 0..255 as
    round(value * 255 / 16), which keeps them apart: round(pixel * 16 / 255) gives them back.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / LEVELS)).astype(np.uint8)[:, None]
    return images, bunch.target.astype(np.int64)


@DATASETS.register("digits")
def digits(split: str = "train") -> RawData:
    """1,797 handwritten digits, 8×8 grey, 10 classes (scikit-learn's `load_digits`, UCI optical digits).

    Example:
        >>> digits().count, digits().shape
        (1797, (1, 8, 8))
    """
    _only_train("digits", split)
    images, labels = digit_images()
    return RawData.of_array("image", images, labels, 10, tuple("0123456789"))


@DATASETS.register("stacked-digits")
@validated(count=Interval(int, 1), seed=Interval(int, 0))
def stacked_digits(split: str = "train", count: int = 50_000, seed: int = 0) -> RawData:
    """Three digits drawn at random, independently, as the colour channels of one image: 1000 modes.

    The digits' classes are drawn uniformly, then an image of each class uniformly, so that all 1000 modes
    have equal weight; the label of (a, b, c) is 100 a + 10 b + c. The construction follows stacked MNIST as
    used by the mode-collapse literature (unrolled GAN, VEEGAN, PacGAN), on scikit-learn's 8×8 digits.

    Args:
        split: `train`; for independent reals draw with another seed.
        count: how many images; 50,000 give 50 a mode.
        seed: of the draw; the same seed gives the same images.

    Example:
        >>> stacked_digits(count=4).shape
        (3, 8, 8)
    """
    _only_train("stacked-digits", split)
    images, labels = digit_images()
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([1000, seed])))
    wanted = generator.integers(10, size=(count, 3))
    by_class = [np.flatnonzero(labels == digit) for digit in range(10)]
    sizes = np.array([len(rows) for rows in by_class])
    padded = np.zeros((10, sizes.max()), dtype=np.int64)
    for digit, rows in enumerate(by_class):
        padded[digit, : len(rows)] = rows
    chosen = padded[wanted, np.floor(generator.random((count, 3)) * sizes[wanted]).astype(np.int64)]
    names = tuple(f"{number:03d}" for number in range(1000))
    return RawData.of_array("image", images[chosen, 0], wanted @ np.array([100, 10, 1]), 1000, names)


def _only_train(name: str, split: str) -> None:
    if split != "train":
        raise parameter_error(
            "split", f"'train' for the built-in `{name}`", split, "hold samples out with `dataset.split`"
        )
