"""What the bars on stacked digits share: the 1000 modes, counted by a classifier of single digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmarks.ladder.bar import Bar, Scores, Target, Task
from benchmarks.ladder.classified import kept_classifier
from equipoise.data import Dataset, load_data
from equipoise.metrics import Classifier
from equipoise.metrics.classifier import channel_modes
from equipoise.metrics.modes import mode_shares

if TYPE_CHECKING:
    from equipoise.trainer import Run

MODES = 1000
#: The penalties of the recipe `default` when the long runs were made.
PENALTIES_BEFORE = (
    "penalties.r1.every=1",
    "penalties.r1.final_gamma=0.001",
    "penalties.r2.every=1",
    "penalties.r2.final_gamma=0.001",
)


class StackedBar(Bar):
    """Modes of 1000 found in so many samples, and the KL of their histogram from the uniform one.

    Every channel is classified by itself, by a network trained on single digits; `floor` is what held-out
    stacks of real digits give, which is not 0: it holds the classifier's errors and the noise of counting.
    """

    scores = {"modes_covered": "modes of 1000", "modes_with_share": "with 20 % of their share", "kl": "KL"}
    samples: int = 26_000
    epochs: int = 15

    def digits(self, task: Task, split: str = "train") -> Dataset:
        """The labelled single digits."""
        raise NotImplementedError

    def held_out(self, task: Task, count: int) -> tuple[Tensor, np.ndarray]:
        """Stacked real digits that nobody was trained on, normalised, and their modes."""
        raise NotImplementedError

    def classifier(self, task: Task) -> Classifier:
        """Of single digits; trained once and kept in the work folder."""
        return kept_classifier(self.digits(task), task.work / "classifier.pt", self.epochs)

    def measure(self, run: Run, task: Task, dataset: Dataset) -> Scores:
        classifier = self.classifier(task)
        fakes = dataset.normalisation.apply(torch.from_numpy(run.sample(self.samples, seed=1)))
        return stacked_scores(channel_modes(classifier, fakes).numpy())

    def floor(self, task: Task, dataset: Dataset) -> Scores:
        classifier = self.classifier(task)
        real, truth = self.held_out(task, self.samples)
        found = channel_modes(classifier, real).numpy()
        digits = [(found // place % 10 == truth // place % 10).mean() for place in (1, 10, 100)]
        return stacked_scores(found) | {"classifier_accuracy": round(float(np.mean(digits)), 4)}


def all_modes(kl: float, processor_seconds: float) -> tuple[Target, ...]:
    """Every mode, and at most so much KL and time."""
    return (
        Target("modes_covered", MODES),
        Target("kl", kl, at_least=False),
        Target("processor_seconds", processor_seconds, at_least=False),
    )


def stacked_scores(modes: np.ndarray) -> Scores:
    """Modes covered, with 20 % of their share, and KL(histogram || uniform) with its floor of counting."""
    shares = mode_shares(np.bincount(modes, minlength=MODES))
    return {
        "samples": len(modes),
        "modes_covered": shares.covered,
        "modes_with_share": shares.with_share,
        "kl": round(shares.reverse_kl, 4),
        "kl_of_uniform_samples": round(shares.reverse_kl_floor, 4),
    }


def stack(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three images drawn at random as the channels of one, and the mode 100 a + 10 b + c.

    Args:
        images: (N, 1, H, W). labels: (N,), 0 to 9.
    """
    chosen = np.random.default_rng(seed).integers(len(images), size=(count, 3))
    return images[chosen, 0], labels[chosen] @ np.array([100, 10, 1])


class StackedMnist(StackedBar):
    """Stacks of three MNIST digits, 28 by 28, drawn once as in the published protocol."""

    data_folder = "mnist"
    count: int = 128_000
    epochs = 4
    _kept: dict[str, Dataset]

    def __init__(self) -> None:
        self._kept = {}

    def digits(self, task: Task, split: str = "train") -> Dataset:
        if split not in self._kept:
            self._kept[split] = task.images(split)
        return self._kept[split]

    def dataset(self, task: Task) -> Dataset:
        if "stacked" not in self._kept:
            digits = self.digits(task)
            count = task.limit or self.count
            images, _modes = stack(digits.samples, _labels(digits), count, seed=0)
            stacked = load_data(images, kind="image", layout="NCHW")
            stacked.name = "stacked-mnist"
            self._kept["stacked"] = stacked
        return self._kept["stacked"]

    def held_out(self, task: Task, count: int) -> tuple[Tensor, np.ndarray]:
        digits = self.digits(task, "test")
        images, modes = stack(digits.samples, _labels(digits), count, seed=1)
        return digits.normalisation.apply(torch.from_numpy(images)), modes


def _labels(dataset: Dataset) -> np.ndarray:
    if dataset.labels is None:
        raise SystemExit(f"{dataset.name} has no labels")
    return dataset.labels
