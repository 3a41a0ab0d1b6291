"""A modern baseline after R3GAN: no normalisation, inverted bottlenecks, bilinear resampling; for images."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from equipoise.networks.base import ARCHITECTURES, Architecture, Discriminator, Generator, NetworkPlan
from equipoise.networks.blocks import (
    LatentInput,
    check_spatial,
    halvings,
    interpolate,
    widths,
)
from equipoise.validation import Interval

# LeakyReLU of slope 0.2 keeps the second moment when weights have this gain.
_GAIN = math.sqrt(2.0 / (1 + 0.2**2))


class InvertedBottleneck(nn.Module):
    """``x + 1x1(act(grouped 3x3(act(1x1(x)))))``, twice as wide inside.

    Args:
        channels: of input and output.
        blocks: how many such blocks the whole network has; the first two weights are scaled down by its
            fourth root and the last one starts at 0, so that the variance does not grow with depth
            without any normalisation.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        inner = 2 * channels
        group = math.gcd(inner, 16)
        self.expand = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group)
        self.contract = nn.Conv2d(inner, channels, 1, bias=False)
        for layer in (self.expand, self.mix):
            _initialise(layer, _GAIN * blocks**-0.25)
        nn.init.zeros_(self.contract.weight)

    def forward(self, features: Tensor) -> Tensor:
        inner = leaky_relu(self.mix(leaky_relu(self.expand(features), 0.2)), 0.2)
        return features + self.contract(inner)


class Transition(nn.Module):
    """Bilinear resampling to the next size and, where the width changes, a 1x1 convolution without bias.

    The convolution runs on the smaller of the two maps: both operations are linear and commute.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.convolution: nn.Module = nn.Identity()
        if incoming != outgoing:
            self.convolution = nn.Conv2d(incoming, outgoing, 1, bias=False)
            _initialise(self.convolution, 1.0)

    def forward(self, features: Tensor, size: tuple[int, ...]) -> Tensor:
        if math.prod(size) > math.prod(features.shape[2:]):
            return interpolate(self.convolution(features), size, "bilinear")
        return self.convolution(interpolate(features, size, "bilinear"))


class R3GANGenerator(Generator):
    """A small learned map scaled by the latent, then per size a transition and residual blocks."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        self.sizes = halvings(shape[1:])
        channels = widths(len(self.sizes), plan.base_channels)[::-1]
        each = int(plan.options["blocks_per_stage"])
        total = each * len(channels)
        self.entry = LatentInput(plan)
        self.basis = nn.Parameter(torch.randn(channels[0], *self.sizes[0]))
        self.modulation = nn.Linear(self.entry.width, channels[0], bias=False)
        _initialise(self.modulation, 1.0)
        self.transitions = nn.ModuleList(
            Transition(before, after) for before, after in itertools.pairwise(channels)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*[InvertedBottleneck(width, total) for _ in range(each)]) for width in channels
        )
        self.last = nn.Conv2d(channels[-1], shape[0], 1, bias=False)
        _initialise(self.last, 1.0)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        scale = self.modulation(self.entry(latent, labels))
        features = self.stages[0](self.basis * scale[:, :, None, None])
        for transition, stage, size in zip(self.transitions, list(self.stages)[1:], self.sizes[1:]):
            features = stage(transition(features, size))
        return self.last(features)


class R3GANDiscriminator(Discriminator):
    """The generator's mirror image, closed by one learned map per channel over the last positions."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        self.sizes = halvings(shape[1:])[::-1]
        channels = widths(len(self.sizes), plan.base_channels)
        each = int(plan.options["blocks_per_stage"])
        total = each * len(channels)
        self.first = nn.Conv2d(self.input_shape[0], channels[0], 1, bias=False)
        _initialise(self.first, 1.0)
        self.stages = nn.ModuleList(
            nn.Sequential(*[InvertedBottleneck(width, total) for _ in range(each)]) for width in channels
        )
        self.transitions = nn.ModuleList(
            Transition(before, after) for before, after in itertools.pairwise(channels)
        )
        side: Any = self.sizes[-1]
        self.basis = nn.Conv2d(channels[-1], channels[-1], side, groups=channels[-1], bias=False)
        _initialise(self.basis, 1.0)
        self.add_head(plan, channels[-1])
        _initialise(self.last_linear, 1.0)

    def body(self, samples: Tensor) -> Tensor:
        features = self.stages[0](self.first(samples))
        for transition, stage, size in zip(self.transitions, list(self.stages)[1:], self.sizes[1:]):
            features = stage(transition(features, size))
        return self.basis(features).flatten(1)


def _initialise(layer: nn.Module, gain: float) -> None:
    """Weights N(0, gain^2 / fan-in), biases 0."""
    weight: Any = layer.weight
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))
    if isinstance(layer.bias, Tensor):
        nn.init.zeros_(layer.bias)


@ARCHITECTURES.register("r3gan")
class R3GAN(Architecture):
    """Residual networks without any normalisation, for images from 2 pixels; for a loss that is well behaved.

    Per size `blocks_per_stage` inverted bottlenecks (grouped 3x3 convolutions of 16 channels a group,
    LeakyReLU of slope 0.2) and a bilinear transition. Each block's last weights start at 0 and the others
    are scaled by the fourth root of the number of blocks, in the manner of Fixup. Labels: an embedding
    beside the latent, projection (or a label plane) in the discriminator.

    Source: Huang et al. 2024, "The GAN is dead; long live the GAN!" (2501.05441), section 4. Scaled down for
    small images: one block a size instead of two, and far fewer channels; biases are part of the
    convolutions. Written from the description, without the authors' code.
    """

    name = "r3gan"
    kinds = ("image",)
    default_base_channels = 16
    normalisations = ("none",)
    options = {"blocks_per_stage": (1, Interval(int, 1))}

    def generator(self, plan: NetworkPlan) -> R3GANGenerator:
        return R3GANGenerator(plan)

    def discriminator(self, plan: NetworkPlan) -> R3GANDiscriminator:
        return R3GANDiscriminator(plan)
