"""Ten data sets that no earlier half has; none is downloaded.

The shoes are read from the data folder (``EQUIPOISE_DATA`` or ``--data``), from rows and classes of
Fashion-MNIST that the first corpus does not use as such. Without it they become the digits of scikit-learn,
enlarged and mirrored; the run's JSON says so.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.fourth.sources import drawn
from benchmarks.failures.second.sources import Labelled, fields

CATEGORIES = 3  # of the orders, and of nothing else: the columns at the end of a row
BASES, PLACES = 4, 10  # of the strands
SHOES = (5, 7, 8, 9)  # sandals, sneakers, bags and boots of Fashion-MNIST
SHOES_ROWS = slice(20_000, 34_000)  # of its training images


def heart(count: int, random: torch.Generator) -> Labelled:
    """The heart curve 16 sin^3 t, 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, small noise; the class is the
    side."""
    t = 2 * torch.pi * torch.rand(count, generator=random)
    x = 16 * t.sin() ** 3
    y = 13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()
    points = torch.stack([x / 11.0, (y + 2.5) / 11.0], dim=1)
    return points + 0.05 * torch.randn(count, 2, generator=random), (t > torch.pi).long()


def blobs(count: int, random: torch.Generator) -> Labelled:
    """Six Gaussians of unequal widths, stretched and turned, at places without symmetry; the class is
    which."""
    centres = torch.tensor([[-1.3, 0.9], [0.1, 1.4], [1.4, 0.7], [1.0, -1.0], [-0.4, -1.3], [-0.1, 0.1]])
    widths = torch.tensor([0.18, 0.10, 0.14, 0.20, 0.12, 0.08])
    turns = torch.arange(6) * 0.7
    labels = torch.randint(0, 6, (count,), generator=random)
    around = torch.randn(count, 2, generator=random) * torch.tensor([1.0, 0.6])
    cosine, sine = turns[labels].cos(), turns[labels].sin()
    turned = torch.stack(
        [cosine * around[:, 0] - sine * around[:, 1], sine * around[:, 0] + cosine * around[:, 1]], dim=1
    )
    return centres[labels] + widths[labels].unsqueeze(1) * turned, labels


def helix(count: int, random: torch.Generator) -> Labelled:
    """A helix of one and a half turns in three dimensions; the class is the third of its height."""
    way = torch.rand(count, generator=random)
    angle = 3 * torch.pi * way
    points = torch.stack([angle.cos(), angle.sin(), 2.4 * way - 1.2], dim=1)
    return points + 0.06 * torch.randn(count, 3, generator=random), (3 * way).long().clamp(max=2)


def sines(count: int, random: torch.Generator, length: int = 24) -> Labelled:
    """Sine waves of any phase, and the same wave a quarter of a period later in a second channel; the class
    is one or two periods."""
    labels = torch.randint(0, 2, (count,), generator=random)
    time = torch.arange(length).float().unsqueeze(0) / length
    phase = 2 * torch.pi * torch.rand(count, 1, generator=random)
    loud = 0.45 + 0.4 * torch.rand(count, 1, generator=random)
    angle = 2 * torch.pi * (1 + labels).unsqueeze(1) * time + phase
    signals = torch.stack([loud * angle.sin(), 0.8 * loud * angle.cos()], dim=1)
    return (signals + 0.04 * torch.randn(signals.shape, generator=random)).clamp(-1, 1), labels


def strands(count: int, random: torch.Generator) -> Labelled:
    """Strands of ten letters out of four, (N, letters, places), as soft one-hot vectors: the second half
    pairs with the first one read backwards, one letter in twenty is wrong; the class is whether the first
    letter is of the first pair."""
    half = torch.randint(0, BASES, (count, PLACES // 2), generator=random)
    wrong = torch.randint(1, BASES, half.shape, generator=random)
    wrong = wrong * (torch.rand(half.shape, generator=random) < 0.05)
    pairs = (BASES - 1 - half.flip(1) + wrong) % BASES
    written = torch.cat([half, pairs], dim=1)
    one_hot = functional.one_hot(written, BASES).float().transpose(1, 2)
    soft = torch.softmax(5.0 * one_hot + 0.6 * torch.randn(one_hot.shape, generator=random), dim=1)
    return soft, (half[:, 0] >= BASES // 2).long()


def orders(count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Seven columns: price, pieces, days and weight of an order, which depend on each other and on the way of
    shipping, and the way of shipping as a soft one-hot vector. Samples, classes, raw columns."""
    labels = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), count, replacement=True, generator=random)
    noise = torch.randn(count, 4, generator=random)
    pieces = torch.tensor([1.0, 2.2, 0.4])[labels] + 0.5 * noise[:, 0]
    weight = 0.7 * pieces + torch.tensor([0.0, 1.0, -0.6])[labels] + 0.25 * noise[:, 1]
    price = 0.8 * pieces - 0.3 * weight + torch.tensor([0.0, 0.8, 1.6])[labels] + 0.3 * noise[:, 2]
    days = torch.tensor([4.0, 6.5, 1.5])[labels] + (0.5 + 0.2 * labels.float()) * noise[:, 3]
    columns = torch.stack([price, pieces, days, weight], dim=1)
    middle, spread = torch.tensor([1.1, 1.2, 4.2, 1.0]), torch.tensor([0.95, 0.85, 1.9, 1.05])
    one_hot = functional.one_hot(labels, CATEGORIES).float()
    soft = torch.softmax(6.0 * one_hot + 0.7 * torch.randn(one_hot.shape, generator=random), dim=1)
    # raw: cents, pieces, days and kilograms
    units = torch.stack([900.0 * price.exp(), pieces.exp(), days, 0.4 * weight.exp()], dim=1)
    return torch.cat([(columns - middle) / spread, soft], dim=1), labels, torch.cat([units, soft], dim=1)


def ellipses(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """A bright ellipse on a dark ground, wide or tall, 16 x 16, 0 to 255; the class is which."""
    labels = torch.randint(0, 2, (count,), generator=random)
    line = torch.arange(size).float() - (size - 1) / 2
    shift = 5.0 * torch.rand(count, 2, 1, 1, generator=random) - 2.5
    y, x = line.view(1, -1, 1) - shift[:, 0], line.view(1, 1, -1) - shift[:, 1]
    long = (4.0 + 2.0 * torch.rand(count, 1, 1, generator=random)).square()
    short = (2.0 + 1.2 * torch.rand(count, 1, 1, generator=random)).square()
    tall = labels.view(-1, 1, 1) == 1
    far = x.square() / torch.where(tall, short, long) + y.square() / torch.where(tall, long, short)
    bright = 0.6 + 0.35 * torch.rand(count, 1, 1, generator=random)
    pixels = 0.1 + bright * torch.sigmoid(5.0 * (1 - far))
    pixels = pixels.unsqueeze(1) + 0.02 * torch.randn(count, 1, size, size, generator=random)
    return (255.0 * pixels).clamp(0, 255), labels


def stripes(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """Coloured waves along one direction over a second colour, 16 x 16, three channels, 0 to 255; the class
    is the direction."""
    labels = torch.randint(0, 3, (count,), generator=random)
    line = torch.linspace(0, 1, size)
    x, y = line.view(1, 1, -1), line.view(1, -1, 1)
    angle = (torch.pi / 3 * labels.float()).view(-1, 1, 1)
    phase = 2 * torch.pi * torch.rand(count, 1, 1, generator=random)
    wave = torch.sin(2 * torch.pi * 1.3 * (angle.cos() * x + angle.sin() * y) + phase).unsqueeze(1)
    ground = 0.35 + 0.3 * torch.rand(count, 3, 1, 1, generator=random)
    colour = 0.1 + 0.2 * torch.rand(count, 3, 1, 1, generator=random)
    noise = 0.02 * torch.randn(count, 3, size, size, generator=random)
    return (255.0 * (ground + colour * wave + noise)).clamp(0, 255), labels


def _linnerud() -> tuple[Tensor, Tensor, Tensor]:
    """Linnerud of scikit-learn: three exercises and three measurements of twenty men; drawn again with a
    third of a deviation of noise to 3,600 rows, because twenty would be a fault by themselves. The class is
    whether a man is heavy. Samples, classes, raw columns with the weight in grams."""
    from sklearn.datasets import load_linnerud

    bunch = load_linnerud()
    values = np.concatenate([bunch.data, bunch.target], axis=1)
    random = np.random.default_rng(31)
    rows = random.integers(0, len(values), size=3600)
    drawn = values[rows] + 0.35 * values.std(axis=0) * random.standard_normal((3600, values.shape[1]))
    raw = torch.tensor(drawn, dtype=torch.float32)
    heavy = torch.tensor(bunch.target[rows, 0] > np.median(bunch.target[:, 0])).long()
    scaled = (raw - raw.mean(dim=0)) / raw.std(dim=0)
    grams = torch.tensor([1.0, 1.0, 1.0, 453.6, 1.0, 1.0])
    return scaled, heavy, raw * grams


def fashion(
    folder: str, rows: slice, kept: tuple[int, ...], name: str, turned: str, turn: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor, str]:
    """Pixels of 0 to 255 as N x 1 x 16 x 16, classes, and what the data really are.

    Some rows and classes of Fashion-MNIST; without the data folder digits instead, `turned` by `turn`.
    """
    places = (Path(folder) / "fashion_mnist", Path(folder)) if folder else ()
    found = next((sorted(place.glob("train*.parquet")) for place in places if place.exists()), [])
    if not found:
        from benchmarks.failures.sources import _digit_pixels

        pixels, labels = _digit_pixels()
        pixels = functional.interpolate(turn(pixels), size=(16, 16), mode="bilinear")
        return pixels, labels % len(kept), f"digits {turned} and enlarged to 16 x 16"
    import pandas as pd
    from PIL import Image

    frame = pd.read_parquet(found[0]).iloc[rows]
    frame = frame[frame["label"].isin(kept)]
    images = np.stack([np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in frame["image"]])
    pixels = functional.adaptive_avg_pool2d(torch.tensor(images, dtype=torch.float32).unsqueeze(1), 16)
    return pixels, torch.tensor([kept.index(int(label)) for label in frame["label"]]), name


_POINTS = {"heart": heart, "blobs": blobs, "helix": helix}
_SIGNALS = {"sines": sines, "strands": strands}
_PICTURES = {"ellipses": ellipses, "stripes": stripes}
NAMES = (*_POINTS, *_SIGNALS, *_PICTURES, "linnerud", "orders", "shoes")


def load(name: str, folder: str) -> dict[str, object]:
    """The fields of `benchmarks.failures.sources.Source` for one of `NAMES`."""
    first, second = torch.Generator().manual_seed(171), torch.Generator().manual_seed(172)
    if name in _POINTS or name in _SIGNALS:
        return drawn(name, _POINTS, _SIGNALS, first, second)
    if name == "orders":
        *train, raw = orders(5000, first)
        return fields(name, "table", (train[0], train[1]), orders(2000, second)[:2], raw)
    if name == "linnerud":
        samples, labels, raw = _linnerud()
        return fields(
            name, "table", (samples[1000:], labels[1000:]), (samples[:1000], labels[:1000]), raw[1000:]
        )
    if name == "shoes":
        everything, classes, actual = fashion(
            folder, SHOES_ROWS, SHOES, "shoes", "mirrored", lambda pixels: pixels.flip(3)
        )
        count = min(1000, len(everything) // 4)
        pixels, labels, held = everything[count:], classes[count:], (everything[:count], classes[:count])
    else:
        (pixels, labels), held, actual = _PICTURES[name](4000, first), _PICTURES[name](1000, second), name
    train, scaled = (pixels / 127.5 - 1, labels), (held[0] / 127.5 - 1, held[1])
    return fields(name, "image", train, scaled, pixels, actual=actual)
