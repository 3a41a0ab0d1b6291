"""Six data sets that the first two halves do not have; none is downloaded."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.second.sources import Labelled, fields


def rings(count: int, random: torch.Generator) -> Labelled:
    """Three concentric circles of radius 0.4, 1.0 and 1.6, noise 0.06; the class is the circle."""
    labels = torch.randint(0, 3, (count,), generator=random)
    angle = 2 * torch.pi * torch.rand(count, generator=random)
    radius = 0.4 + 0.6 * labels.float()
    points = radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], dim=1)
    return points + 0.06 * torch.randn(count, 2, generator=random), labels


def swissroll(count: int, random: torch.Generator) -> Labelled:
    """A rolled band in three dimensions, one and a quarter turns; the class is the third of its length."""
    way = torch.rand(count, generator=random)
    angle = 2.5 * torch.pi * way + 0.5 * torch.pi
    radius = 0.35 + 1.2 * way
    height = 1.6 * torch.rand(count, generator=random) - 0.8
    points = torch.stack([radius * angle.cos(), height, radius * angle.sin()], dim=1)
    return points + 0.04 * torch.randn(count, 3, generator=random), (3 * way).long().clamp(max=2)


CATEGORIES = 4


def survey(count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Eight columns: age, income and two scores, all depending on one of four professions, and the profession
    one-hot with the frequencies 0.4, 0.3, 0.2 and 0.1. Standardised samples, classes, raw columns."""
    share = torch.tensor([0.4, 0.3, 0.2, 0.1])
    labels = torch.multinomial(share, count, replacement=True, generator=random)
    centres = torch.tensor(
        [[28.0, 9.6, 2.0, -1.0], [45.0, 10.4, 4.0, 1.0], [62.0, 9.9, 6.5, 0.0], [35.0, 11.2, 8.0, 2.0]]
    )
    noise = torch.randn(count, 4, generator=random)
    ages = centres[labels] + noise * torch.tensor([6.0, 0.3, 0.8, 0.5])
    ages[:, 2] = ages[:, 2] + 0.05 * (ages[:, 0] - 40.0)  # columns that depend on each other
    raw = torch.cat([ages[:, :1], ages[:, 1:2].exp(), ages[:, 2:]], dim=1)
    one_hot = functional.one_hot(labels, CATEGORIES).float()
    middle, spread = torch.tensor([40.8, 10.09, 4.1, 0.1]), torch.tensor([14.0, 0.62, 2.9, 1.2])
    return torch.cat([(ages - middle) / spread, one_hot], dim=1), labels, torch.cat([raw, one_hot], dim=1)


def waves(count: int, random: torch.Generator, length: int = 64) -> Labelled:
    """Two microphones that hear a damped oscillation, the second one later and weaker; the class is its
    pitch."""
    labels = torch.randint(0, 3, (count,), generator=random)
    time = torch.arange(length).float().unsqueeze(0) / length
    pitch = 2.0 + 2.0 * labels.float().unsqueeze(1)
    phase = 1.2 * torch.rand(count, 1, generator=random)
    damping = 1.0 + 2.0 * torch.rand(count, 1, generator=random)
    loud = 0.6 + 0.3 * torch.rand(count, 1, generator=random)
    heard = [
        gain * loud * torch.exp(-damping * time) * torch.sin(2 * torch.pi * pitch * (time - delay) + phase)
        for gain, delay in ((1.0, 0.0), (0.6, 0.05))
    ]
    signals = torch.stack(heard, dim=1)
    return (signals + 0.05 * torch.randn(signals.shape, generator=random)).clamp(-1, 1), labels


def shapes(count: int, random: torch.Generator, size: int = 24) -> Labelled:
    """A disc, a bar or a cross in a colour of its own on a dark ground, 24 x 24, channels first, 0 to 255."""
    labels = torch.randint(0, 3, (count,), generator=random)
    grid = torch.arange(size).float() - (size - 1) / 2
    shift = 5.0 * torch.rand(count, 2, 1, 1, generator=random) - 2.5
    y, x = grid.view(1, -1, 1) - shift[:, 0], grid.view(1, 1, -1) - shift[:, 1]
    reach = 5.0 + 3.0 * torch.rand(count, 1, 1, generator=random)
    disc = reach - (x**2 + y**2).sqrt()
    lying = torch.minimum(reach + 1 - x.abs(), 2.5 - y.abs())
    standing = torch.minimum(reach + 1 - y.abs(), 2.5 - x.abs())
    inside = torch.stack([disc, lying, torch.maximum(lying, standing)], dim=1)
    mask = torch.sigmoid(2.0 * inside[torch.arange(count), labels]).unsqueeze(1)
    colour = 0.25 + 0.75 * torch.rand(count, 3, 1, 1, generator=random)
    ground = 0.15 + 0.04 * torch.randn(count, 3, size, size, generator=random)
    return (255.0 * (mask * colour + (1 - mask) * ground)).clamp(0, 255), labels


def patches(count: int, random: torch.Generator, size: int = 16) -> Labelled:
    """Patches of the two photographs that come with scikit-learn, halved in size; the class is which one."""
    from sklearn.datasets import load_sample_images

    photographs = [
        functional.avg_pool2d(torch.tensor(np.asarray(image)).float().permute(2, 0, 1), 2)
        for image in load_sample_images().images
    ]
    labels = torch.randint(0, 2, (count,), generator=random)
    found = []
    for label in labels.tolist():
        photograph = photographs[label]
        top = int(torch.randint(0, photograph.shape[1] - size, (), generator=random))
        left = int(torch.randint(0, photograph.shape[2] - size, (), generator=random))
        found.append(photograph[:, top : top + size, left : left + size])
    # a little noise fills the levels between whole pixels
    pixels = torch.stack(found)
    return (pixels + torch.rand(pixels.shape, generator=random) - 0.5).clamp(0, 255), labels


_POINTS = {"rings": rings, "swissroll": swissroll}
_IMAGES = {"shapes": shapes, "patches": patches}
NAMES = (*_POINTS, "survey", "waves", *_IMAGES)


def load(name: str, folder: str) -> dict[str, object]:
    """The fields of `benchmarks.failures.sources.Source` for one of `NAMES`; none needs the folder."""
    first, second = torch.Generator().manual_seed(91), torch.Generator().manual_seed(92)
    if name in _POINTS:
        train, held = _POINTS[name](6000, first), _POINTS[name](2000, second)
        return _fields(name, "points", train, held, train[0])
    if name == "survey":
        *train, raw = survey(5000, first)
        return _fields(name, "table", train, survey(2000, second)[:2], raw)
    if name == "waves":
        train, held = waves(4000, first), waves(1000, second)
        return _fields(name, "sequence", train, held, train[0] * 32767.0)
    pixels, labels = _IMAGES[name](4000, first)
    held_pixels, held_labels = _IMAGES[name](1000, second)
    train, held = (pixels / 127.5 - 1, labels), (held_pixels / 127.5 - 1, held_labels)
    return _fields(name, "image", train, held, pixels)


def _fields(name: str, kind: str, train: Labelled, held: Labelled, raw: Tensor) -> dict[str, object]:
    return fields(name, kind, train, held, raw, int(train[1].max()) + 1)
