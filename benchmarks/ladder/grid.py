"""The grid of 25 Gaussians."""

from __future__ import annotations

from benchmarks.ladder import mixtures


class Grid(mixtures.MixtureBar):
    """25 modes at {-4, -2, 0, 2, 4} squared, standard deviation 0.05."""

    name = "grid"
    source = "grid"
    title = "25-grid, sigma 0.05"
    task = "25 Gaussians of standard deviation 0.05 at {-4, -2, 0, 2, 4} squared, 100,000 points (`grid`)."
    scores = mixtures.headings(25)
    targets = mixtures.targets(25, 0.94)
    # Eight numbers drawn apart are 256 pieces: with 64 no whole number of them is a mode (KL 0.02). Seed 100.
    arms = mixtures.arms(
        batch_size=256,
        plain_batch_size=256,
        steps=15000,
        latents=("networks.latent_dim=10", "networks.options.separated_latents=8"),
        what=", eight of its ten latents drawn apart",
    )
    published = (
        mixtures.published("GAN", "17.3", "94.8 %", "0.70"),
        mixtures.published("PacGAN4", "24.8", "93.6 %", "0.04"),
    )


BAR = Grid()
