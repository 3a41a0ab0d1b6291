"""Ten data sets that no earlier half has; none is downloaded.

The clothes are read from the data folder (``EQUIPOISE_DATA`` or ``--data``), from rows and classes of
Fashion-MNIST that no earlier half uses together. Without it they become the digits of scikit-learn, turned
by a quarter and enlarged; the run's JSON says so.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.fifth.sources import fashion
from benchmarks.failures.fourth.sources import drawn
from benchmarks.failures.second.sources import Labelled, fields

SKIES = 3  # of the weather: the columns at the end of a row
CLOTHES = (0, 1, 3, 4)  # shirts, trousers, dresses and coats of Fashion-MNIST
CLOTHES_ROWS = slice(36_000, 52_000)  # of its training images


def lissajous(count: int, random: torch.Generator) -> Labelled:
    """The curve (sin 3t, sin 2t + a little of cos t), small noise; the class is the half of the period."""
    t = 2 * torch.pi * torch.rand(count, generator=random)
    points = torch.stack([1.3 * (3 * t).sin(), (2 * t).sin() + 0.3 * t.cos()], dim=1)
    return points + 0.05 * torch.randn(count, 2, generator=random), (t > torch.pi).long()


def clover(count: int, random: torch.Generator) -> Labelled:
    """Three filled leaves around an empty middle, of unequal shares; the class is the leaf."""
    labels = torch.multinomial(torch.tensor([0.4, 0.35, 0.25]), count, replacement=True, generator=random)
    along = 0.35 + 1.15 * torch.rand(count, generator=random)
    across = 0.32 * (torch.pi * (along - 0.35) / 1.15).sin() * (2 * torch.rand(count, generator=random) - 1)
    angle = 2 * torch.pi / 3 * labels.float() + 0.4
    x = along * angle.cos() - across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    return torch.stack([x, y], dim=1) + 0.03 * torch.randn(count, 2, generator=random), labels


def sphere(count: int, random: torch.Generator) -> Labelled:
    """A shell in three dimensions, denser at its top; the class is whether a point is above the middle."""
    around = torch.randn(count, 3, generator=random) + torch.tensor([0.0, 0.0, 0.4])
    points = 1.3 * functional.normalize(around, dim=1)
    return points + 0.06 * torch.randn(count, 3, generator=random), (points[:, 2] > 0).long()


def sawtooth(count: int, random: torch.Generator, length: int = 32) -> Labelled:
    """Rising or falling saws of any phase and of two to three teeth; the class is the direction."""
    labels = torch.randint(0, 2, (count,), generator=random)
    time = torch.arange(length).float().unsqueeze(0) / length
    teeth = 2.0 + torch.rand(count, 1, generator=random)
    phase = (teeth * time + torch.rand(count, 1, generator=random)) % 1.0
    loud = 0.5 + 0.35 * torch.rand(count, 1, generator=random)
    signals = loud * (2 * phase - 1) * (1 - 2 * labels.float()).unsqueeze(1)
    signals = signals + 0.04 * torch.randn(signals.shape, generator=random)
    return signals.clamp(-1, 1).unsqueeze(1), labels


def bursts(count: int, random: torch.Generator, length: int = 32) -> Labelled:
    """A short wave packet at any place, and its envelope in a second channel; the class is its pitch."""
    labels = torch.randint(0, 3, (count,), generator=random)
    time = torch.arange(length).float().unsqueeze(0) / length
    place = 0.25 + 0.5 * torch.rand(count, 1, generator=random)
    wide = 0.08 + 0.05 * torch.rand(count, 1, generator=random)
    loud = 0.6 + 0.3 * torch.rand(count, 1, generator=random)
    envelope = loud * (-0.5 * ((time - place) / wide).square()).exp()
    pitch = 2 * torch.pi * (3.0 + 1.5 * labels.float()).unsqueeze(1)
    signals = torch.stack([envelope * (pitch * (time - place)).cos(), 1.6 * envelope - 0.8], dim=1)
    return (signals + 0.03 * torch.randn(signals.shape, generator=random)).clamp(-1, 1), labels


def weather(count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Seven columns: temperature, pressure, humidity and wind of a day, which depend on each other and on the
    sky, and the sky as a soft one-hot vector. Samples, classes, raw columns."""
    labels = torch.multinomial(torch.tensor([0.45, 0.35, 0.2]), count, replacement=True, generator=random)
    noise = torch.randn(count, 4, generator=random)
    warm = torch.tensor([1.0, 0.0, -0.5])[labels] + 0.7 * noise[:, 0]
    pressure = torch.tensor([1.0, 0.1, -1.4])[labels] - 0.2 * warm + 0.5 * noise[:, 1]
    humid = torch.tensor([-0.9, 0.4, 1.2])[labels] + 0.3 * warm + 0.4 * noise[:, 2]
    wind = (0.4 * noise[:, 3] - 0.4 * pressure).exp() - 1.0
    columns = torch.stack([warm, pressure, humid, wind], dim=1)
    middle, spread = torch.tensor([0.35, 0.14, 0.08, 0.15]), torch.tensor([0.92, 1.1, 0.96, 0.7])
    one_hot = functional.one_hot(labels, SKIES).float()
    soft = torch.softmax(6.0 * one_hot + 0.7 * torch.randn(one_hot.shape, generator=random), dim=1)
    # raw: degrees, pascals, a share and metres a second
    units = torch.stack(
        [12.0 + 8.0 * warm, 101_300.0 + 900.0 * pressure, 0.6 + 0.15 * humid, 4.0 + 3.0 * wind], dim=1
    )
    return torch.cat([(columns - middle) / spread, soft], dim=1), labels, torch.cat([units, soft], dim=1)


def bars(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """A bright bar across a darker one, grey, 16 x 16, 0 to 255; the class is which of the two is bright."""
    labels = torch.randint(0, 2, (count,), generator=random)
    line = torch.arange(size).float()
    place = 5.0 + 5.0 * torch.rand(count, 2, 1, generator=random)
    thick = 1.8 + 0.6 * torch.rand(count, 2, 1, generator=random)
    profile = torch.sigmoid(1.5 * (thick - (line - place).abs()))
    bright = 0.7 + 0.25 * torch.rand(count, 1, 1, generator=random)
    upright = (labels == 1).view(-1, 1, 1)
    row = profile[:, 0].unsqueeze(2) * torch.where(upright, 0.35, bright)
    column = profile[:, 1].unsqueeze(1) * torch.where(upright, bright, 0.35)
    pixels = 0.06 + torch.maximum(row, column).unsqueeze(1)
    pixels = pixels + 0.02 * torch.randn(count, 1, size, size, generator=random)
    return (255.0 * pixels).clamp(0, 255), labels


def discs(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """A coloured disc on a ground of two colours, 16 x 16, three channels, 0 to 255; the class is its
    colour."""
    labels = torch.randint(0, 3, (count,), generator=random)
    line = torch.arange(size).float()
    place = 6.5 + 2.0 * torch.rand(count, 2, 1, 1, generator=random)
    radius = 3.0 + 2.0 * torch.rand(count, 1, 1, generator=random)
    far = ((line.view(1, -1, 1) - place[:, 0]).square() + (line.view(1, 1, -1) - place[:, 1]).square()).sqrt()
    inside = torch.sigmoid(1.2 * (radius - far)).unsqueeze(1)
    colours = torch.tensor([[0.9, 0.3, 0.2], [0.25, 0.8, 0.35], [0.3, 0.35, 0.95]])
    colour = colours[labels] + 0.12 * torch.randn(count, 3, generator=random)
    slope = (line / size).view(1, 1, -1, 1).expand(count, 3, size, size)
    ground = 0.1 + 0.35 * torch.rand(count, 1, 1, 1, generator=random) + 0.15 * slope
    pixels = inside * colour[:, :, None, None] + (1 - inside) * ground
    pixels = pixels + 0.03 * torch.randn(count, 3, size, size, generator=random)
    return (255.0 * pixels).clamp(0, 255), labels


def _components() -> tuple[Tensor, Tensor, Tensor]:
    """The first six principal components of scikit-learn's digits as a table; drawn again with a fifth of a
    deviation of noise to 4,600 rows. The class is whether a digit is below five. Samples, classes, raw
    columns in unequal units."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    centred = bunch.data - bunch.data.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    values = centred @ axes[:6].T
    random = np.random.default_rng(41)
    rows = random.integers(0, len(values), size=4600)
    values = values[rows] + 0.2 * values.std(axis=0) * random.standard_normal((len(rows), 6))
    raw = torch.tensor(values, dtype=torch.float32)
    scaled = (raw - raw.mean(dim=0)) / raw.std(dim=0)
    units = torch.tensor([1.0, 1.0, 250.0, 1.0, 0.01, 1.0])
    return scaled, torch.tensor(bunch.target[rows] < 5).long(), raw * units


_POINTS = {"lissajous": lissajous, "clover": clover, "sphere": sphere}
_SIGNALS = {"sawtooth": sawtooth, "bursts": bursts}
_PICTURES = {"bars": bars, "discs": discs}
NAMES = (*_POINTS, *_SIGNALS, *_PICTURES, "components", "weather", "clothes")


def load(name: str, folder: str) -> dict[str, object]:
    """The fields of `benchmarks.failures.sources.Source` for one of `NAMES`."""
    first, second = torch.Generator().manual_seed(191), torch.Generator().manual_seed(192)
    if name in _POINTS or name in _SIGNALS:
        return drawn(name, _POINTS, _SIGNALS, first, second)
    if name == "weather":
        samples, labels, raw = weather(5000, first)
        return fields(name, "table", (samples, labels), weather(2000, second)[:2], raw)
    if name == "components":
        samples, labels, raw = _components()
        return fields(
            name, "table", (samples[1000:], labels[1000:]), (samples[:1000], labels[:1000]), raw[1000:]
        )
    if name == "clothes":
        everything, classes, actual = fashion(
            folder, CLOTHES_ROWS, CLOTHES, "clothes", "turned", lambda pixels: pixels.rot90(1, (2, 3))
        )
        count = min(1000, len(everything) // 4)
        pixels, labels, held = everything[count:], classes[count:], (everything[:count], classes[:count])
    else:
        (pixels, labels), held, actual = _PICTURES[name](4000, first), _PICTURES[name](1000, second), name
    train, scaled = (pixels / 127.5 - 1, labels), (held[0] / 127.5 - 1, held[1])
    return fields(name, "image", train, scaled, pixels, actual=actual)
