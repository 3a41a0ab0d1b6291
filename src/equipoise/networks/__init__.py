"""Generator and discriminator pairs by architecture."""

from equipoise.networks.base import ARCHITECTURES, Architecture, Discriminator, Generator, NetworkPlan
from equipoise.networks.build import BATCH_LAYERS, build_networks

__all__ = [
    "ARCHITECTURES",
    "BATCH_LAYERS",
    "Architecture",
    "Discriminator",
    "Generator",
    "NetworkPlan",
    "build_networks",
]
