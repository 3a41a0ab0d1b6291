"""Stacked digits of 8 by 8 pixels: 1000 modes in minutes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from benchmarks.ladder.bar import Arm, Task
from benchmarks.ladder.stacked import StackedBar, all_modes
from equipoise.data import Dataset, load_data

_NETWORKS = (
    "networks.architecture=mlp",
    "networks.base_channels=256",
    "networks.latent_dim=64",
    "training.batch_size=128",
    "training.steps=20000",
)


class StackedDigits(StackedBar):
    """scikit-learn's digits, three as the colours of one image."""

    name = "stacked_digits"
    title = "stacked digits, 8x8"
    task = (
        "Three of scikit-learn's 8x8 digits as the colours of one image (`stacked-digits`), 1000 modes, "
        "26,000 samples. No published figure: a task of our own."
    )
    targets = all_modes(kl=0.05, processor_seconds=240)
    arms = {
        "ours": Arm(
            "default", (*_NETWORKS, "objective.name=relativistic-pairing"), "relativistic pairing, R1 and R2"
        ),
        "broken": Arm("gan", _NETWORKS, "the plain non-saturating GAN, same networks", seeds=2),
    }

    checkpoint_every = 4000
    # Seed 0 showed how many steps it takes; it is among the trials.
    seeds = (1, 2, 3, 4, 5)

    def digits(self, task: Task, split: str = "train") -> Dataset:
        return load_data("digits")

    def dataset(self, task: Task) -> Dataset:
        return load_data("stacked-digits")

    def held_out(self, task: Task, count: int) -> tuple[Tensor, np.ndarray]:
        # The built-in set has 1,797 digits and no test split: another draw of stacks from the same digits.
        drawn = load_data("stacked-digits", count=count, seed=1)
        samples, labels = drawn.batch(range(count))
        if labels is None:
            raise SystemExit("stacked digits have labels")
        return samples, labels.numpy()


BAR = StackedDigits()
