"""The 8x8 digits for experiments: what a game trains on, what it never sees, a classifier to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equipoise.lab.base import scaled
from equipoise.lab.games import Sampler, random_numbers

if TYPE_CHECKING:
    from equipoise.metrics.classifier import Classifier

EPOCHS = 10


@dataclass(frozen=True)
class Digits:
    """Images (N, 1, 8, 8) in [-1, 1] and their labels.

    Attributes:
        train, train_labels: what a game may draw from.
        held_out, held_out_labels: a fifth of the data, or what was asked for; no game sees them.
    """

    train: Tensor
    train_labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor


def digits(seed: int, train: int | None = None, held_out: int = 360) -> Digits:
    """A random division of the 1,797 digits.

    Args:
        train: how many images to train on; all that are not held out by default.
        held_out: how many to keep apart; the same ones for every number of training images.

    Example:
        >>> chosen = digits(0, train=100)
        >>> chosen.train.shape, len(chosen.held_out)
        (torch.Size([100, 1, 8, 8]), 360)
    """
    images, labels = _images()
    order = torch.randperm(len(images), generator=random_numbers(seed, "held-out digits"))
    kept, rest = order[:held_out], order[held_out:]
    chosen = rest if train is None else rest[:train]
    return Digits(images[chosen], labels[chosen], images[kept], labels[kept])


def draws_of(samples: Tensor, labels: Tensor | None = None) -> Sampler:
    """A sampler that draws rows of an array with replacement; with labels if they are given.

    Example:
        >>> draws_of(torch.arange(3.0)[:, None])(5, torch.Generator().manual_seed(0)).shape
        torch.Size([5, 1])
    """

    def draw(count: int, random: torch.Generator) -> Tensor | tuple[Tensor, Tensor]:
        rows = torch.randint(len(samples), (count,), generator=random)
        return samples[rows] if labels is None else (samples[rows], labels[rows])

    return draw


@lru_cache(maxsize=2)
def digit_classifier(budget: float = 1.0) -> Classifier:
    """A convolutional classifier of the digits that knows nothing of any game; about 0.99 on held-out images.

    Trained on all the data but a fifth, from a fixed seed: it is an instrument, the same for every seed of an
    experiment. Its penultimate layer serves as features.
    """
    from equipoise.data import load_data
    from equipoise.metrics.classifier import train_classifier

    return train_classifier(load_data("digits"), epochs=scaled(EPOCHS, min(1.0, budget), least=1))


@lru_cache(maxsize=1)
def _images() -> tuple[Tensor, Tensor]:
    from equipoise.data import load_data

    dataset = load_data("digits")
    return dataset.batch(torch.arange(len(dataset)))[0], torch.from_numpy(dataset.labels)
