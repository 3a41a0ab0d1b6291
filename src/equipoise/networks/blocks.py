"""Parts that several architectures share: sizes, normalisation, initialisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from equipoise.errors import parameter_error
from equipoise.layers.conditional_batch_norm import ConditionalBatchNorm
from equipoise.layers.label_embedding import LabelEmbedding
from equipoise.layers.virtual_batch_norm import VirtualBatchNorm
from equipoise.networks.base import NetworkPlan


def halvings(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The spatial sizes from small to full: halved, rounding up, until the shortest side is at most 4.

    Halved twice at least, as long as a side of 2 remains, so that small images get deep networks too.
    Every size can be reached exactly: from a size n the next one is 2 n or 2 n - 1.

    Example:
        >>> halvings((28, 28))
        [(4, 4), (7, 7), (14, 14), (28, 28)]
        >>> halvings((8,)), halvings((4,))
        ([(2,), (4,), (8,)], [(2,), (4,)])
        >>> halvings((45,))
        [(3,), (6,), (12,), (23,), (45,)]
    """
    sizes = [shape]
    while min(sizes[0]) > 4 or len(sizes) == 1 or (len(sizes) == 2 and min(sizes[0]) > 2):
        sizes.insert(0, tuple((length + 1) // 2 for length in sizes[0]))
    return sizes


def check_spatial(shape: tuple[int, ...], least: int) -> None:
    """Refuse samples that are too small to be halved once."""
    if min(shape[1:]) < least:
        rule = f"at least {least} along every side"
        raise parameter_error("shape", rule, shape, "use the `mlp` architecture")


def widths(stages: int, base: int, cap: int = 8) -> list[int]:
    """Channels from the sample inwards: doubled at each stage, up to `cap` times the base.

    Example:
        >>> widths(5, 32)
        [32, 64, 128, 256, 256]
    """
    return [base * min(2**stage, cap) for stage in range(stages)]


def crop(features: Tensor, size: tuple[int, ...]) -> Tensor:
    """The first positions along each spatial side; the features themselves when they have that size."""
    for side, length in enumerate(size, start=2):
        if features.shape[side] != length:
            features = features.narrow(side, 0, length)
    return features


def interpolate(features: Tensor, size: tuple[int, ...], mode: str) -> Tensor:
    """`torch.nn.functional.interpolate` to an exact size."""
    if tuple(features.shape[2:]) == size:
        return features
    if mode == "nearest":
        return functional.interpolate(features, size=size, mode=mode)
    return functional.interpolate(features, size=size, mode=mode, align_corners=False)


def normalisation(name: str, channels: int, dimensions: int) -> nn.Module:
    """A normalisation with a learned scale and shift per channel; 0, 1 or 2 spatial dimensions."""
    if name == "batch":
        kinds: dict[int, Any] = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
        return kinds[dimensions](channels)
    if name == "layer":
        return nn.LayerNorm(channels) if dimensions == 0 else nn.GroupNorm(1, channels)
    if name == "instance":
        return nn.GroupNorm(channels, channels)
    if name == "virtual-batch":
        return VirtualBatchNorm(channels)
    return nn.Identity()


class ClassNorm(nn.Module):
    """Batch normalisation, conditional on the class where there are classes."""

    def __init__(self, channels: int, classes: int | None, dimensions: int) -> None:
        super().__init__()
        self.normalisation: nn.Module
        if classes is None:
            self.normalisation = normalisation("batch", channels, dimensions)
        else:
            self.normalisation = ConditionalBatchNorm(channels, classes, dimensions)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        return self.normalisation(features) if labels is None else self.normalisation(features, labels)


class LatentInput(nn.Module):
    """The latent vector, with the embedded label beside it where there are classes.

    The embedding is as long as the latent, up to 64, and starts with the latent's scale.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.width = plan.latent_dim
        self.embedding: LabelEmbedding | None = None
        if plan.classes is not None:
            self.embedding = LabelEmbedding(plan.classes, min(plan.latent_dim, 64))
            self.width += self.embedding.features

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        if self.embedding is None or labels is None:
            return latent
        return torch.cat([latent, self.embedding(labels).to(latent.dtype)], dim=1)


def initialise_normal(network: nn.Module, deviation: float = 0.02) -> None:
    """DCGAN's initialisation: weights N(0, 0.02), scales of normalisations N(1, 0.02), biases 0.

    Layers that bring their own rule (minibatch discrimination, embeddings) keep it: with embeddings as small
    as the weights beside them, both networks ignore the labels for hundreds of steps.

    Source: Radford et al. 2016 (1511.06434), section 4; the scales as in the widely used reference code.
    """
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, ConditionalBatchNorm):
            nn.init.normal_(module.gain.weight, 1.0, deviation)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, VirtualBatchNorm)):
            weight = module.weight
            if isinstance(weight, nn.Parameter):
                nn.init.normal_(weight, 1.0, deviation)
