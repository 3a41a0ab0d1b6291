"""Ten data sets that no earlier half has; none is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.second.sources import Labelled, fields

Draw = Callable[[int, torch.Generator], Labelled]

WORDS, LETTERS = 8, 6  # a sentence of the tokens: so many places, so many letters
SPECIES = 3


def grid(count: int, random: torch.Generator) -> Labelled:
    """Nine Gaussians on a grid of three by three, deviation 0.09; the class is the row."""
    place = torch.randint(0, 9, (count,), generator=random)
    centres = torch.stack([(place % 3).float() - 1.0, (place // 3).float() - 1.0], dim=1)
    return centres + 0.09 * torch.randn(count, 2, generator=random), place // 3


def pinwheel(count: int, random: torch.Generator) -> Labelled:
    """Five bent arms; the class is the arm."""
    arm = torch.randint(0, 5, (count,), generator=random)
    along = 0.3 + 1.2 * torch.rand(count, generator=random)
    across = 0.05 * torch.randn(count, generator=random)
    angle = 2 * torch.pi * arm.float() / 5 + 0.8 * along + across / along.clamp_min(0.4)
    return along.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], dim=1), arm


def scurve(count: int, random: torch.Generator) -> Labelled:
    """A band in the shape of an S in three dimensions; the class is the third of its length."""
    way = torch.rand(count, generator=random)
    angle = 3 * torch.pi * (way - 0.5)
    height = 1.4 * torch.rand(count, generator=random) - 0.7
    points = torch.stack([angle.sin(), height, angle.sign() * (angle.cos() - 1)], dim=1)
    return points + 0.04 * torch.randn(count, 3, generator=random), (3 * way).long().clamp(max=2)


def chirps(count: int, random: torch.Generator, length: int = 64) -> Labelled:
    """A tone that rises, falls or stays, with its own loudness; the class is which."""
    labels = torch.randint(0, 3, (count,), generator=random)
    time = torch.arange(length).float().unsqueeze(0) / length
    rise = 3.0 * (labels.float().unsqueeze(1) - 1.0)
    phase = 1.5 * torch.rand(count, 1, generator=random)
    loud = 0.5 + 0.4 * torch.rand(count, 1, generator=random)
    tone = loud * torch.sin(2 * torch.pi * (4.0 * time + rise * (time**2 - time)) + phase)
    signals = tone.unsqueeze(1)
    return (signals + 0.05 * torch.randn(signals.shape, generator=random)).clamp(-1, 1), labels


def tides(count: int, random: torch.Generator, length: int = 24) -> Labelled:
    """Level and current of a tide: a half-day and a whole-day wave; the class is how strong the latter is."""
    labels = torch.randint(0, 2, (count,), generator=random)
    time = 2 * torch.pi * torch.arange(length).float().unsqueeze(0) / length
    phase = 2.0 * torch.rand(count, 1, generator=random)
    high = 0.3 + 0.25 * torch.rand(count, 1, generator=random)
    daily = 0.1 + 0.25 * labels.float().unsqueeze(1)
    level = high * torch.sin(2 * time + phase) + daily * torch.sin(time + phase / 2)
    current = 0.8 * (high * torch.cos(2 * time + phase) + 0.5 * daily * torch.cos(time + phase / 2))
    signals = torch.stack([level, current], dim=1)
    return (signals + 0.03 * torch.randn(signals.shape, generator=random)).clamp(-1, 1), labels


def tokens(count: int, random: torch.Generator) -> Labelled:
    """Sentences of eight letters out of six, (N, letters, places): after a letter comes the next one, or
    sometimes the one after it. Smoothed one-hot vectors, as soft labels are; the class is the first letter's
    half of the alphabet."""
    letter = torch.randint(0, LETTERS, (count,), generator=random)
    labels, written = (letter >= LETTERS // 2).long(), [letter]
    for _ in range(WORDS - 1):
        letter = (letter + 1 + (torch.rand(count, generator=random) < 0.25).long()) % LETTERS
        written.append(letter)
    one_hot = functional.one_hot(torch.stack(written, dim=1), LETTERS).float().transpose(1, 2)
    soft = torch.softmax(6.0 * one_hot + 0.7 * torch.randn(one_hot.shape, generator=random), dim=1)
    return soft, labels


def tiles(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """Two colours that meet along a soft edge: upright, lying or slanting; 16 x 16, 0 to 255."""
    labels = torch.randint(0, 3, (count,), generator=random)
    line = torch.linspace(-1, 1, size)
    x, y = line.view(1, 1, -1), line.view(1, -1, 1)
    angle = (torch.pi / 4 * labels.float()).view(-1, 1, 1)
    edge = angle.cos() * x + angle.sin() * y - (torch.rand(count, 1, 1, generator=random) - 0.5)
    share = torch.sigmoid(5.0 * edge).unsqueeze(1)
    first = 0.15 + 0.35 * torch.rand(count, 3, 1, 1, generator=random)
    other = 0.55 + 0.35 * torch.rand(count, 3, 1, 1, generator=random)
    noise = 0.02 * torch.randn(count, 3, size, size, generator=random)
    return (255.0 * (share * first + (1 - share) * other + noise)).clamp(0, 255), labels


def _digits16() -> tuple[Tensor, Tensor]:
    """scikit-learn's digits, enlarged smoothly to 16 x 16 pixels of 0 to 255."""
    from benchmarks.failures.sources import _digit_pixels

    pixels, labels = _digit_pixels()
    return functional.interpolate(pixels, size=(16, 16), mode="bicubic").clamp(0, 255), labels


def _resampled(values: Any, targets: Any, count: int, seed: int, share: float) -> tuple[Tensor, Tensor]:
    """Rows drawn with replacement and a little noise, because a few hundred would be a fault themselves."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(values), size=count)
    noise = share * values.std(axis=0) * random.standard_normal((count, values.shape[1]))
    return torch.tensor(values[rows] + noise, dtype=torch.float32), torch.tensor(targets[rows])


def _iris() -> tuple[Tensor, Tensor, Tensor]:
    """Four measurements, standardised, and the species one-hot and smoothed; classes; raw columns."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    raw, labels = _resampled(bunch.data, bunch.target, 3600, 21, 0.12)
    random = torch.Generator().manual_seed(22)
    one_hot = functional.one_hot(labels, SPECIES).float()
    soft = torch.softmax(6.0 * one_hot + 0.7 * torch.randn(one_hot.shape, generator=random), dim=1)
    scaled = (raw - raw.mean(dim=0)) / raw.std(dim=0)
    # raw: lengths in tenths of a millimetre, as a ruler's file would have them
    return torch.cat([scaled, soft], dim=1), labels, torch.cat([100.0 * raw, soft], dim=1)


def _diabetes() -> tuple[Tensor, Tensor, Tensor]:
    """Nine measurements of patients in their own units, standardised; the class is the sex; raw columns."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    values, sex = np.delete(bunch.data, 1, axis=1), bunch.data[:, 1].astype(np.int64) - 1
    raw, labels = _resampled(values, sex, 3600, 23, 0.2)
    return (raw - raw.mean(dim=0)) / raw.std(dim=0), labels, raw


_POINTS = {"grid": grid, "pinwheel": pinwheel, "scurve": scurve}
_SIGNALS = {"chirps": chirps, "tides": tides, "tokens": tokens}
_TABLES = {"iris": _iris, "diabetes": _diabetes}
NAMES = (*_POINTS, *_SIGNALS, *_TABLES, "digits16", "tiles")


def drawn(
    name: str,
    points: Mapping[str, Draw],
    signals: Mapping[str, Draw],
    first: torch.Generator,
    second: torch.Generator,
) -> dict[str, object]:
    """The fields of a set that is drawn: points in space, or signals, which are raw in steps of 16 bits."""
    if name in points:
        train, held = points[name](6000, first), points[name](2000, second)
        return fields(name, "points", train, held, train[0])
    train, held = signals[name](4000, first), signals[name](1000, second)
    return fields(name, "sequence", train, held, train[0] * 32767.0)


def load(name: str, folder: str) -> dict[str, object]:
    """The fields of `benchmarks.failures.sources.Source` for one of `NAMES`; none needs the folder."""
    first, second = torch.Generator().manual_seed(131), torch.Generator().manual_seed(132)
    if name in _POINTS or name in _SIGNALS:
        return drawn(name, _POINTS, _SIGNALS, first, second)
    if name in _TABLES:
        samples, labels, raw = _TABLES[name]()
        return fields(
            name, "table", (samples[1000:], labels[1000:]), (samples[:1000], labels[:1000]), raw[1000:]
        )
    if name == "tiles":
        (pixels, labels), (held_pixels, held_labels) = tiles(4000, first), tiles(1000, second)
    else:
        everything, classes = _digits16()
        pixels, labels, held_pixels, held_labels = (
            everything[450:],
            classes[450:],
            everything[:450],
            classes[:450],
        )
    train, held = (pixels / 127.5 - 1, labels), (held_pixels / 127.5 - 1, held_labels)
    return fields(name, "image", train, held, pixels)
