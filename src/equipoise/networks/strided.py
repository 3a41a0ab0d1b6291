"""Strided convolutions up and down, for images and for sequences; `dcgan` and `conv1d` are made of these."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from equipoise.networks.base import Discriminator, Generator, NetworkPlan
from equipoise.networks.blocks import (
    ClassNorm,
    LatentInput,
    check_spatial,
    crop,
    halvings,
    initialise_normal,
    normalisation,
    widths,
)
from equipoise.networks.few_channels import FeaturesToImage, ImageToFeatures

_CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: ImageToFeatures}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: FeaturesToImage}


class StridedGenerator(Generator):
    """A linear map to at most 4 positions a side, then transposed convolutions of stride 2 that double it.

    Batch normalisation (conditional on the class where there are classes) and ReLU follow every layer but
    the last. The kernel is a multiple of the stride, so that every position is touched by equally many
    taps. Where doubling overshoots (7 from 4), the last position is cut off at that stage.

    Args:
        plan: what the pair is to be.
        kernel: the kernel's side, an even number; 4 for images.
    """

    def __init__(self, plan: NetworkPlan, kernel: int) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        dimensions = len(shape) - 1
        self.sizes = halvings(shape[1:])
        stages = len(self.sizes) - 1
        channels = widths(stages, plan.base_channels)[::-1]
        self.channels = channels[0]
        self.entry = LatentInput(plan)
        self.first = nn.Linear(self.entry.width, self.channels * math.prod(self.sizes[0]), bias=False)
        self.norms = nn.ModuleList(ClassNorm(width, plan.classes, dimensions) for width in channels)
        self.layers = nn.ModuleList()
        for stage, width in enumerate(channels):
            last = stage == stages - 1
            self.layers.append(
                _TRANSPOSED[dimensions](
                    width,
                    shape[0] if last else channels[stage + 1],
                    kernel,
                    stride=2,
                    padding=kernel // 2 - 1,
                    bias=last,
                )
            )
        initialise_normal(self)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        features = self.first(self.entry(latent, labels)).reshape(-1, self.channels, *self.sizes[0])
        for norm, layer, size in zip(self.norms, self.layers, self.sizes[1:]):
            # In place: no backward pass needs the values before, and new memory costs as much as the ReLU.
            features = crop(layer(relu(norm(features, labels), inplace=True)), size)
        return features


class StridedDiscriminator(Discriminator):
    """Convolutions of stride 2, each halving the size, with LeakyReLU of slope 0.2; then the head.

    A normalisation follows every convolution but the first.

    Args:
        plan: what the pair is to be.
        kernel: the kernel's side, an even number; 4 for images.
    """

    def __init__(self, plan: NetworkPlan, kernel: int) -> None:
        super().__init__(plan)
        shape = plan.specification.shape
        check_spatial(shape, 2)
        dimensions = len(shape) - 1
        stages = len(halvings(shape[1:])) - 1
        channels = widths(stages, plan.base_channels)
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        incoming = self.input_shape[0]
        for stage, width in enumerate(channels):
            name = "none" if stage == 0 else plan.discriminator_normalisation
            # A scale and shift per channel follow, except where nothing normalises.
            convolution = _CONVOLUTIONS[dimensions](
                incoming, width, kernel, stride=2, padding=kernel // 2 - 1, bias=name == "none"
            )
            self.layers.append(convolution)
            self.norms.append(normalisation(name, width, dimensions))
            incoming = width
        positions = math.prod(length // 2**stages for length in shape[1:])
        self.add_head(plan, incoming * positions)
        initialise_normal(self)

    def body(self, samples: Tensor) -> Tensor:
        features = samples
        for layer, norm in zip(self.layers, self.norms):
            features = leaky_relu(norm(layer(features)), 0.2, inplace=True)
        return features.flatten(1)
