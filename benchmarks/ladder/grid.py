"""The grid of 25 Gaussians."""

from __future__ import annotations

from benchmarks.ladder.bar import Arm, Published, Target
from benchmarks.ladder.mixtures import MixtureBar
from benchmarks.ladder.ring import Ring

_NETWORKS = ("networks.latent_dim=2", "networks.options.hidden_layers=4", "training.batch_size=256")
_PENALTIES = tuple(
    f"penalties.{name}.{option}" for name in ("r1", "r2") for option in ("gamma=0.3", "final_gamma=3e-5")
)
_STEPS = ("training.steps=15000",)
_PACGAN = "PacGAN (1712.04086), table 1, mean of 10 runs"


class Grid(MixtureBar):
    """25 modes at {-4, -2, 0, 2, 4} squared, standard deviation 0.05."""

    name = "grid"
    source = "grid"
    title = "25-grid, sigma 0.05"
    task = "25 Gaussians of standard deviation 0.05 at {-4, -2, 0, 2, 4} squared, 100,000 points (`grid`)."
    scores = {**Ring.scores, "modes_covered": "modes of 25"}
    targets = (
        Target("modes_with_share", 25),
        Target("high_quality", 0.94),
        Target("reverse_kl", 0.01, at_least=False),
        Target("rejection.high_quality", 0.98),
    )
    arms = {
        "ours": Arm("default", (*_NETWORKS, *_PENALTIES, *_STEPS), "as the ring, with twice the batch"),
        "broken": Arm("gan", (*_NETWORKS, *_STEPS), "the plain non-saturating GAN, same networks", seeds=2),
    }
    published = (
        Published(
            "GAN",
            {"modes_covered": "17.3", "high_quality": "94.8 %", "reverse_kl": "0.70"},
            "400,000",
            _PACGAN,
        ),
        Published(
            "PacGAN4",
            {"modes_covered": "24.8", "high_quality": "93.6 %", "reverse_kl": "0.04"},
            "400,000",
            _PACGAN,
        ),
    )


BAR = Grid()
