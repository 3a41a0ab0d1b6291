"""Stacked MNIST with a discriminator of 585 parameters: the networks of the unrolled GAN paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from benchmarks.ladder.bar import Arm, Published, Target, Task
from benchmarks.ladder.stacked import PENALTIES_BEFORE, StackedMnist
from equipoise.data import Dataset
from equipoise.networks.base import ARCHITECTURES, Architecture, Discriminator, Generator, NetworkPlan
from equipoise.networks.blocks import normalisation

_SIZES = (28, 14, 7, 4)


class StarvedGenerator(Generator):
    """A linear map to 64 maps of 4x4, three doubling layers to 32, 16 and 8 channels, and a convolution."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        self.first = nn.Linear(plan.latent_dim, 64 * 16)
        self.first_norm = nn.BatchNorm1d(64 * 16)
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        # From 4 to 7, 14 and 28 pixels: the first doubling gives one less.
        for incoming, outgoing, extra in ((64, 32, 0), (32, 16, 1), (16, 8, 1)):
            self.layers.append(
                nn.ConvTranspose2d(incoming, outgoing, 3, stride=2, padding=1, output_padding=extra)
            )
            self.norms.append(nn.BatchNorm2d(outgoing))
        self.last = nn.Conv2d(8, plan.specification.shape[0], 3, padding=1)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        features = relu(self.first_norm(self.first(latent))).reshape(-1, 64, 4, 4)
        for layer, norm in zip(self.layers, self.norms):
            features = relu(norm(layer(features)))
        made: Tensor = self.last(features)
        return made


class StarvedDiscriminator(Discriminator):
    """Three convolutions of stride 2 to 2, 4 and 8 channels with LeakyReLU of slope 0.3, and the head."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        incoming = self.input_shape[0]
        for outgoing in (2, 4, 8):
            self.layers.append(nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1))
            self.norms.append(normalisation(plan.discriminator_normalisation, outgoing, 2))
            incoming = outgoing
        self.add_head(plan, 8 * _SIZES[-1] ** 2)

    def body(self, samples: Tensor) -> Tensor:
        features = samples
        for layer, norm in zip(self.layers, self.norms):
            features = leaky_relu(norm(layer(features)), 0.3)
        return torch.flatten(features, 1)


class Starved(Architecture):
    """The smallest pair of the unrolled GAN paper, for images of 28 by 28 pixels.

    Source: Metz et al. 2016 (1611.02163), appendix on stacked MNIST; layer sizes as in PacGAN's code.
    """

    name = "starved"
    kinds = ("image",)
    default_normalisation = "batch"
    default_base_channels = 2

    def generator(self, plan: NetworkPlan) -> StarvedGenerator:
        return StarvedGenerator(plan)

    def discriminator(self, plan: NetworkPlan) -> StarvedDiscriminator:
        return StarvedDiscriminator(plan)


def register() -> None:
    """File the architecture, once; not at import, because the library's own listings are not to show it."""
    if Starved.name not in ARCHITECTURES:
        ARCHITECTURES.register(Starved.name)(Starved)


_NETWORKS = (
    "networks.architecture=starved",
    "networks.base_channels=2",
    "networks.latent_dim=256",
    "training.batch_size=128",
    "training.steps=20000",
)
_PACGAN = "PacGAN (1712.04086), table 3, a quarter of the discriminator, mean of 50 runs"


class StarvedStackedMnist(StackedMnist):
    """Whether the modes are found although the discriminator is tiny."""

    name = "starved"
    title = "stacked MNIST, starved discriminator"
    task = (
        "Stacked MNIST with the smallest networks of the unrolled GAN paper: 585 parameters in the "
        "discriminator (557 without batch normalisation, which R1 and R2 do without). 26,000 samples."
    )
    scores = {**StackedMnist.scores, "discriminator_parameters": "discriminator's parameters"}
    targets = (Target("modes_covered", 668), Target("kl", 1.81, at_least=False))
    arms = {
        "ours": Arm(
            "default",
            (
                *_NETWORKS,
                "objective.name=relativistic-pairing",
                *PENALTIES_BEFORE,
            ),
            "relativistic pairing, R1 and R2, no normalisation in the discriminator",
        ),
        "broken": Arm(
            "dcgan",
            (
                *_NETWORKS,
                "optimizers.discriminator.betas=[0.5, 0.99]",
                "optimizers.generator.betas=[0.5, 0.99]",
                "optimizers.generator.learning_rate=1e-4",
            ),
            "the paper's plain GAN and its optimizers",
        ),
    }
    seeds = (0,)

    def dataset(self, task: Task) -> Dataset:
        register()
        return super().dataset(task)

    published = (
        Published("DCGAN", {"modes_covered": "78.5", "kl": "5.21"}, "500,000", _PACGAN),
        Published("Unrolled GAN, 10 steps", {"modes_covered": "327.2", "kl": "4.66"}, "500,000", _PACGAN),
        Published("PacDCGAN4", {"modes_covered": "667.4", "kl": "1.81"}, "500,000", _PACGAN),
    )


BAR = StarvedStackedMnist()
