"""Residual networks after SNGAN, for images."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from equipoise.networks.base import ARCHITECTURES, Architecture, Discriminator, Generator, NetworkPlan
from equipoise.networks.blocks import (
    ClassNorm,
    LatentInput,
    check_spatial,
    halvings,
    interpolate,
    normalisation,
    widths,
)


class UpBlock(nn.Module):
    """norm, ReLU, upsample, 3x3, norm, ReLU, 3x3; beside it upsample, 1x1; the sum."""

    def __init__(self, incoming: int, outgoing: int, classes: int | None) -> None:
        super().__init__()
        self.first_norm = ClassNorm(incoming, classes, 2)
        self.first = nn.Conv2d(incoming, outgoing, 3, padding=1)
        self.second_norm = ClassNorm(outgoing, classes, 2)
        self.second = nn.Conv2d(outgoing, outgoing, 3, padding=1)
        self.shortcut = nn.Conv2d(incoming, outgoing, 1)

    def forward(self, features: Tensor, labels: Tensor | None, size: tuple[int, ...]) -> Tensor:
        residual = interpolate(relu(self.first_norm(features, labels)), size, "nearest")
        residual = self.second(relu(self.second_norm(self.first(residual), labels)))
        # A 1x1 convolution and nearest-neighbour upsampling commute; the smaller map costs less.
        return residual + interpolate(self.shortcut(features), size, "nearest")


class DownBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, average of 2x2; beside it 1x1, average; the sum.

    The first block of a network leaves out the first ReLU and any normalisation: its input is the sample.
    """

    def __init__(self, incoming: int, outgoing: int, *, first: bool, halve: bool, norm: str) -> None:
        super().__init__()
        self.is_first = first
        self.halve = halve
        norm = "none" if first else norm
        self.first_norm = normalisation(norm, incoming, 2)
        self.first = nn.Conv2d(incoming, outgoing, 3, padding=1)
        self.second_norm = normalisation(norm, outgoing, 2)
        self.second = nn.Conv2d(outgoing, outgoing, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if incoming != outgoing or halve:
            self.shortcut = nn.Conv2d(incoming, outgoing, 1)

    def forward(self, features: Tensor) -> Tensor:
        residual = features if self.is_first else relu(self.first_norm(features))
        residual = self.second(relu(self.second_norm(self.first(residual))))
        if not self.halve:
            return residual + self.shortcut(features)
        # Average first: it commutes with the 1x1 convolution and makes it four times cheaper.
        return avg_pool2d(residual, 2) + self.shortcut(avg_pool2d(features, 2))


class ResNetGenerator(Generator):
    """A linear map to a few positions, residual blocks that each double the size, norm, ReLU, 3x3."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        self.sizes = halvings(shape[1:])
        outgoing = widths(len(self.sizes) - 1, plan.base_channels)[::-1]
        self.channels = outgoing[0]
        self.entry = LatentInput(plan)
        self.first = nn.Linear(self.entry.width, self.channels * math.prod(self.sizes[0]))
        self.blocks = nn.ModuleList(
            UpBlock(before, after, plan.classes)
            for before, after in zip([self.channels, *outgoing[:-1]], outgoing, strict=True)
        )
        self.norm = ClassNorm(outgoing[-1], plan.classes, 2)
        self.last = nn.Conv2d(outgoing[-1], shape[0], 3, padding=1)
        _initialise(self)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        features = self.first(self.entry(latent, labels)).reshape(-1, self.channels, *self.sizes[0])
        for block, size in zip(self.blocks, self.sizes[1:]):
            features = block(features, labels, size)
        return self.last(relu(self.norm(features, labels)))


class ResNetDiscriminator(Discriminator):
    """Residual blocks that each halve the size, one that does not, ReLU, the sum over all positions."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        outgoing = widths(len(halvings(shape[1:])) - 1, plan.base_channels)
        incoming = [self.input_shape[0], *outgoing[:-1]]
        norm = plan.discriminator_normalisation
        self.blocks = nn.ModuleList(
            DownBlock(before, after, first=index == 0, halve=True, norm=norm)
            for index, (before, after) in enumerate(zip(incoming, outgoing, strict=True))
        )
        self.blocks.append(DownBlock(outgoing[-1], outgoing[-1], first=False, halve=False, norm=norm))
        self.add_head(plan, outgoing[-1])
        _initialise(self)

    def body(self, samples: Tensor) -> Tensor:
        features = samples
        for block in self.blocks:
            features = block(features)
        return relu(features).sum(dim=(2, 3))


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            residual = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
            nn.init.xavier_uniform_(module.weight, gain=math.sqrt(2.0) if residual else 1.0)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@ARCHITECTURES.register("resnet")
class ResNet(Architecture):
    """Residual blocks with nearest-neighbour upsampling and average pooling, for images from 2 pixels.

    The generator is batch-normalised (conditional on the class where there are classes); the discriminator
    has no normalisation, because it is meant for spectral normalisation, which the penalty of that name
    adds. Global sum pooling before the head. Channels double at each stage inwards, up to 8 times
    `base_channels`. Labels: an embedding beside the latent and conditional batch normalisation in the
    generator, projection (or a label plane) in the discriminator.

    Source: Miyato et al. 2018 (1802.05957), appendix B.4, and Miyato and Koyama 2018 (1802.05637); the
    widths follow the image size here, where the papers fix them per data set.
    """

    name = "resnet"
    kinds = ("image",)
    default_base_channels = 16

    def generator(self, plan: NetworkPlan) -> ResNetGenerator:
        return ResNetGenerator(plan)

    def discriminator(self, plan: NetworkPlan) -> ResNetDiscriminator:
        return ResNetDiscriminator(plan)
