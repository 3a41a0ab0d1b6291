"""Nine data sets that the first corpus does not have; none is downloaded.

MNIST and CIFAR-10 are read from the data folder (``EQUIPOISE_DATA`` or ``--data``). Without it MNIST becomes
the digits of scikit-learn, enlarged to 14 x 14, and CIFAR-10 coloured digits, enlarged to 16 x 16; the run's
JSON says so.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

NAMES = ("moons", "checkerboard", "spirals", "gaussians", "cancer", "ecg", "colour", "mnist", "cifar")
POINTS = 6000
HELD_OUT = 2000
MNIST_IMAGES = 6000
CIFAR_IMAGES = 5000

Labelled = tuple[Tensor, Tensor]


def moons(count: int, random: torch.Generator) -> Labelled:
    """Two interleaved half circles of radius one, noise 0.08."""
    labels = torch.randint(0, 2, (count,), generator=random)
    angle = torch.pi * torch.rand(count, generator=random)
    sign = 1.0 - 2.0 * labels.float()
    points = torch.stack([angle.cos() * sign + labels.float(), angle.sin() * sign + 0.5 * labels.float()], 1)
    return points - torch.tensor([0.5, 0.25]) + 0.08 * torch.randn(count, 2, generator=random), labels


def checkerboard(count: int, random: torch.Generator) -> Labelled:
    """The eight dark squares of a four by four board over [-2, 2] x [-2, 2]."""
    labels = torch.randint(0, 8, (count,), generator=random)
    row, column = labels // 2, 2 * (labels % 2) + (labels // 2) % 2
    corner = torch.stack([column, row], dim=1).float() - 2.0
    return corner + torch.rand(count, 2, generator=random), labels


def spirals(count: int, random: torch.Generator) -> Labelled:
    """Two arms of three quarters of a turn each, noise 0.05."""
    labels = torch.randint(0, 2, (count,), generator=random)
    way = torch.rand(count, generator=random).sqrt()
    angle = 1.5 * torch.pi * way + torch.pi * labels.float()
    radius = 0.2 + 1.3 * way
    points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return points + 0.05 * torch.randn(count, 2, generator=random), labels


def gaussians(count: int, random: torch.Generator) -> Labelled:
    """Ten Gaussians in 32 dimensions: centres N(0, 1), deviation 0.4 within each."""
    centres = torch.randn(10, 32, generator=torch.Generator().manual_seed(71))
    labels = torch.randint(0, 10, (count,), generator=random)
    return centres[labels] + 0.4 * torch.randn(count, 32, generator=random), labels


def ecg(count: int, random: torch.Generator, length: int = 48) -> Labelled:
    """Two channels of pulse trains: a narrow and a wide bump in every period, roughly aligned; the class is
    how many beats there are."""
    labels = torch.randint(0, 2, (count,), generator=random)
    beats = (labels + 1).float().unsqueeze(1)
    time = torch.arange(length).float().unsqueeze(0) / length
    phase = 0.25 * torch.rand(count, 1, generator=random)  # recordings are roughly aligned
    height = 0.7 + 0.5 * torch.rand(count, 1, generator=random)
    place = (time * beats + phase) % 1.0
    narrow = height * torch.exp(-(((place - 0.3) / 0.08) ** 2))
    wide = 0.7 * height * torch.exp(-(((place - 0.65) / 0.15) ** 2))
    signals = torch.stack([narrow + wide - 0.5, 0.6 * narrow - wide + 0.1], dim=1)
    noise = 0.12 * torch.randn(signals.shape, generator=random)
    return (signals + noise).clamp(-1, 1), labels


_POINTS = {"moons": moons, "checkerboard": checkerboard, "spirals": spirals, "gaussians": gaussians}


def load(name: str, folder: str) -> dict[str, object]:
    """The fields of `benchmarks.failures.sources.Source` for one of `NAMES`."""
    if name in _POINTS:
        make = _POINTS[name]
        samples, labels = make(POINTS, torch.Generator().manual_seed(61))
        held, held_labels = make(HELD_OUT, torch.Generator().manual_seed(62))
        kind = "table" if name == "gaussians" else "points"
        classes = int(labels.max()) + 1
        return fields(name, kind, (samples, labels), (held, held_labels), samples, classes)
    if name == "ecg":
        samples, labels = ecg(4000, torch.Generator().manual_seed(63))
        held, held_labels = ecg(1000, torch.Generator().manual_seed(64))
        return fields(name, "sequence", (samples, labels), (held, held_labels), samples * 32767.0, 2)
    if name == "cancer":
        return _cancer()
    if name == "colour":
        return _images(name, *_coloured_digits(), name)
    if name == "mnist":
        return _mnist(folder)
    if name == "cifar":
        return _cifar(folder)
    raise ValueError(f"there is no data set {name!r} in the corpus")


def fields(
    name: str,
    kind: str,
    train: Labelled,
    held: Labelled,
    raw: Tensor,
    classes: int | None = None,
    actual: str = "",
) -> dict[str, object]:
    """The fields of a source, from its two parts and their labels, which are counted unless told."""
    return {
        "name": name,
        "kind": kind,
        "samples": train[0],
        "labels": train[1],
        "held_out": held[0],
        "held_out_labels": held[1],
        "raw": raw,
        "classes": int(train[1].max()) + 1 if classes is None else classes,
        "actual": actual or name,
    }


def _images(name: str, pixels: Tensor, labels: Tensor, actual: str) -> dict[str, object]:
    scaled, held = (pixels / 127.5 - 1.0).clamp(-1, 1), min(1000, len(pixels) // 4)
    return fields(
        name,
        "image",
        (scaled[held:], labels[held:]),
        (scaled[:held], labels[:held]),
        pixels[held:],
        10,
        actual,
    )


def _coloured_digits() -> Labelled:
    """Digits of 8 x 8 in one of many hues on a dark ground, three channels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(7).permutation(len(bunch.target)).repeat(2)
    grey = torch.tensor(bunch.images[order], dtype=torch.float32).unsqueeze(1) / 16.0
    random = torch.Generator().manual_seed(65)
    hue = torch.rand(len(order), 3, 1, 1, generator=random)
    colour = 0.2 + 0.8 * hue / hue.amax(dim=1, keepdim=True)
    noise = torch.rand(len(order), 3, 8, 8, generator=random) / 16.0  # fills the 17 levels of grey
    return (240.0 * grey * colour + 255.0 * noise * 0.9).clamp(0, 255), torch.tensor(bunch.target[order])


def _cancer() -> dict[str, object]:
    """Breast cancer of scikit-learn: 30 measurements of 569 cells, resampled with a quarter of a deviation of
    noise to 2600 rows, because 569 rows would be a fault by themselves."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    random = np.random.default_rng(8)
    rows = random.integers(0, len(bunch.target), size=2600)
    table = bunch.data[rows] + 0.25 * bunch.data.std(axis=0) * random.standard_normal((2600, 30))
    raw = torch.tensor(table, dtype=torch.float32)
    scaled = (raw - raw.mean(dim=0)) / raw.std(dim=0)
    labels = torch.tensor(bunch.target[rows])
    return fields("cancer", "table", (scaled[600:], labels[600:]), (scaled[:600], labels[:600]), raw[600:], 2)


def _mnist(folder: str) -> dict[str, object]:
    frame = _frame(folder, "mnist", MNIST_IMAGES)
    if frame is None:
        from benchmarks.failures.sources import _digit_pixels

        pixels, labels = _digit_pixels()
        pixels = functional.interpolate(pixels, size=(14, 14), mode="bilinear")
        return _images("mnist", pixels, labels, "digits enlarged to 14 x 14")
    full, labels = frame
    return _images("mnist", functional.avg_pool2d(full, 2), labels, "mnist")


def _cifar(folder: str) -> dict[str, object]:
    frame = _frame(folder, "cifar10", CIFAR_IMAGES)
    if frame is None:
        pixels, labels = _coloured_digits()
        pixels = functional.interpolate(pixels, size=(16, 16), mode="bilinear")
        return _images("cifar", pixels, labels, "coloured digits enlarged to 16 x 16")
    full, labels = frame
    return _images("cifar", functional.avg_pool2d(full, 2), labels, "cifar")


def _frame(folder: str, name: str, count: int) -> Labelled | None:
    """The first images of a folder of parquet files as N x C x H x W of 0 to 255, or None without it."""
    paths = sorted((Path(folder) / name).glob("train*.parquet")) if folder else []
    if not paths:
        return None
    import pyarrow.parquet
    from PIL import Image

    batch = next(pyarrow.parquet.ParquetFile(paths[0]).iter_batches(batch_size=count)).to_pydict()
    images = batch["image"] if "image" in batch else batch["img"]
    arrays = np.stack([np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in images])
    pixels = torch.tensor(arrays, dtype=torch.float32)
    return pixels.unsqueeze(1) if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2), torch.tensor(
        batch["label"]
    )
