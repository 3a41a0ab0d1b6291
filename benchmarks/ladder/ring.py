"""The ring of eight narrow Gaussians."""

from __future__ import annotations

from benchmarks.ladder.bar import Arm, Published, Target
from benchmarks.ladder.mixtures import MixtureBar

_NETWORKS = ("networks.latent_dim=2", "networks.options.hidden_layers=4", "training.batch_size=128")
_PENALTIES = tuple(
    f"penalties.{name}.{option}" for name in ("r1", "r2") for option in ("gamma=0.3", "final_gamma=3e-5")
)
_STEPS = ("training.steps=12000",)
_PACGAN = "PacGAN (1712.04086), table 1, mean of 10 runs"


class Ring(MixtureBar):
    """Eight modes on the unit circle, standard deviation 0.01."""

    name = "ring"
    source = "ring"
    title = "8-ring, sigma 0.01"
    task = "Eight Gaussians of standard deviation 0.01 on the unit circle, 100,000 points (`ring`)."
    scores = {
        "modes_covered": "modes of 8",
        "modes_with_share": "with 20 % of their share",
        "high_quality": "high quality",
        "reverse_kl": "reverse KL",
        "spread": "spread",
        "more.high_quality": "high quality of 10,000",
        "more.reverse_kl": "reverse KL of 10,000",
        "rejection.high_quality": "high quality after rejection",
        "rejection.modes_with_share": "with share after rejection",
        "rejection.reverse_kl": "reverse KL after rejection",
        "rejection.acceptance": "accepted",
    }
    targets = (
        Target("modes_with_share", 8),
        Target("high_quality", 0.95),
        Target("reverse_kl", 0.01, at_least=False),
        Target("spread", 0.8),
        Target("rejection.high_quality", 0.98),
    )
    arms = {
        "ours": Arm(
            "default",
            (*_NETWORKS, *_PENALTIES, *_STEPS),
            "the recipe `default` with a latent as wide as the data and gamma falling further",
        ),
        "broken": Arm("gan", (*_NETWORKS, *_STEPS), "the plain non-saturating GAN, same networks", seeds=2),
    }
    published = (
        Published(
            "GAN",
            {"modes_covered": "6.3", "high_quality": "98.2 %", "reverse_kl": "0.45"},
            "400,000",
            _PACGAN,
        ),
        Published(
            "PacGAN2",
            {"modes_covered": "7.9", "high_quality": "95.6 %", "reverse_kl": "0.07"},
            "400,000",
            _PACGAN,
        ),
    )


BAR = Ring()
