"""The 8x8 digits for experiments: what a game trains on, what it never sees, a classifier to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equipoise.lab.base import scaled
from equipoise.lab.games import Game, Sampler, random_numbers, seeded
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator

if TYPE_CHECKING:
    from equipoise.lab.outcome import Arm
    from equipoise.metrics.classifier import Classifier
    from equipoise.penalties import Penalty

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


def digit_game(
    train: Tensor, latent_dim: int, steps: int, seed: int, penalties: Sequence[Penalty] = ()
) -> Game:
    """The usual game on digits: two hidden layers of 128 in both networks, everything else as `Game` has it.

    Args:
        train: the images (N, 1, 8, 8) that it draws from.

    Example:
        >>> game = digit_game(digits(0, train=20).train, latent_dim=2, steps=1, seed=0)
        >>> game.samples(3).shape
        torch.Size([3, 1, 8, 8])
    """
    generator, discriminator = seeded(
        seed, lambda: (ToyGenerator(latent_dim, (1, 8, 8), bounded=True), ToyDiscriminator(64))
    )
    return Game(
        generator,
        discriminator,
        draws_of(train),
        latent_dim,
        steps=steps,
        penalties=penalties,
        seed=seed,
    )


def follow_quality(
    game: Game, arm: Arm, classifier: Classifier, goal: Tensor, *, count: int, at: Sequence[int]
) -> None:
    """Play to the end; the arm keeps how far samples are from real digits, and how many of those they cover.

    The curves and numbers are `distance`, the Frechet distance, and `coverage` from five neighbours, both in
    the classifier's features, of samples cut to the range [-1, 1] of the images.

    Args:
        goal: features of the real digits, which the game should not know.
        count: samples at each measurement.
        at: after which numbers of steps it is measured; the number that is kept is that of the last.
    """
    from equipoise.metrics.frechet import frechet_distance
    from equipoise.metrics.prdc import precision_recall_density_coverage

    steps: list[float] = []
    distance: list[float] = []
    coverage: list[float] = []

    def observe(step: int) -> None:
        features = classifier.features(game.samples(count).clamp(-1, 1))
        steps.append(step)
        distance.append(frechet_distance(features, goal))
        coverage.append(precision_recall_density_coverage(features, goal, k=5).coverage)

    game.play(observe=observe, at=at)
    for name, values in (("distance", distance), ("coverage", coverage)):
        arm.curve(name, steps, values)
        arm.number(name, values[-1])


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
