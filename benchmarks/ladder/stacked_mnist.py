"""Stacked MNIST at 28 by 28 pixels."""

from __future__ import annotations

from benchmarks.ladder.bar import Arm, Published
from benchmarks.ladder.stacked import PENALTIES_BEFORE, StackedMnist, all_modes


class FullStackedMnist(StackedMnist):
    """1000 modes of stacked MNIST, with ordinary networks."""

    name = "stacked_mnist"
    title = "stacked MNIST, 28x28"
    task = (
        "Three MNIST digits as the colours of one image, 128,000 stacks of training digits, 26,000 samples "
        "counted. A plain DCGAN does not collapse here: the bar is about KL."
    )
    targets = all_modes(kl=0.10, processor_seconds=3600)
    arms = {
        "ours": Arm(
            "default",
            (
                "networks.architecture=dcgan",
                "networks.base_channels=16",
                "networks.latent_dim=64",
                "objective.name=relativistic-pairing",
                "training.batch_size=64",
                "training.steps=40000",
                *PENALTIES_BEFORE,
            ),
            "relativistic pairing, R1 and R2, small convolutional networks",
        ),
    }
    seeds = (0,)
    published = (
        Published(
            "PacDCGAN2",
            {"modes_covered": "1000", "kl": "0.06"},
            "100,000",
            "PacGAN (1712.04086), table 2, mean of 10 runs",
        ),
        Published(
            "R3GAN's objective",
            {"modes_covered": "1000", "kl": "0.078"},
            "",
            "Huang et al. 2024 (2501.05441), ablation of the objective",
        ),
    )


BAR = FullStackedMnist()
