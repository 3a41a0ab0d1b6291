"""The ring of eight narrow Gaussians."""

from __future__ import annotations

from benchmarks.ladder import mixtures
from benchmarks.ladder.bar import Target


class Ring(mixtures.MixtureBar):
    """Eight modes on the unit circle, standard deviation 0.01."""

    name = "ring"
    source = "ring"
    title = "8-ring, sigma 0.01"
    task = "Eight Gaussians of standard deviation 0.01 on the unit circle, 100,000 points (`ring`)."
    scores = mixtures.headings(8)
    targets = mixtures.targets(8, 0.95, Target("spread", 0.8))
    arms = mixtures.arms(batch_size=512, plain_batch_size=128, steps=12000)
    published = (
        mixtures.published("GAN", "6.3", "98.2 %", "0.45"),
        mixtures.published("PacGAN2", "7.9", "95.6 %", "0.07"),
    )


BAR = Ring()
