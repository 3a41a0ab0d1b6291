"""Small networks and toy data for experiments."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.lab.games import Sampler
from equipoise.layers.base import build_layer


class ToyDiscriminator(nn.Module):
    """A fully connected discriminator (N, ...) to logits (N,), with `features` for feature matching.

    Args:
        dimension: numbers in one sample; samples of more axes are flattened.
        width, depth: of the hidden layers (LeakyReLU 0.2).
        layer: the name of a layer that looks across the batch, placed on the last hidden features:
            `minibatch-discrimination` or `minibatch-standard-deviation`.
        layer_options: its options.

    Example:
        >>> ToyDiscriminator(2, layer="minibatch-standard-deviation")(torch.zeros(8, 2)).shape
        torch.Size([8])
    """

    def __init__(
        self,
        dimension: int,
        *,
        width: int = 128,
        depth: int = 2,
        layer: str | None = None,
        layer_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        sizes = [dimension, *[width] * depth]
        self.body = nn.Sequential(nn.Flatten(), *_hidden(sizes))
        self.across = (
            nn.Identity() if layer is None else build_layer(layer, (width,), **(layer_options or {}))
        )
        self.score = nn.Linear(width + (0 if layer is None else int(self.across.appended)), 1)  # type: ignore[arg-type]

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """The last hidden features, with what the layer appends."""
        features: Tensor = self.across(self.body(samples))
        return features

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.score(self.features(samples))
        return logits.squeeze(1)


class ToyGenerator(nn.Module):
    """A fully connected generator (N, latent_dim) to (N, *shape).

    Args:
        latent_dim: numbers in a latent.
        shape: of one sample.
        width, depth: of the hidden layers (LeakyReLU 0.2).
        bounded: whether a tanh keeps the samples in (-1, 1), as for images.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: Sequence[int],
        *,
        width: int = 128,
        depth: int = 2,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.shape = tuple(shape)
        last: list[nn.Module] = [nn.Linear(width, math.prod(self.shape))]
        self.body = nn.Sequential(
            *_hidden([latent_dim, *[width] * depth]), *last, *([nn.Tanh()] if bounded else [])
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        samples: Tensor = self.body(latent)
        return samples.unflatten(1, self.shape)


def _hidden(sizes: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
    return layers


def dataset_sampler(source: str, *, labels: bool = False, **options: Any) -> Sampler:
    """Draws from a built-in data set (`ring`, `grid`, `digits`, `stacked-digits`), as networks see it.

    Example:
        >>> dataset_sampler("digits")(4, torch.Generator().manual_seed(0)).shape
        torch.Size([4, 1, 8, 8])
    """
    from equipoise.data import load_data

    dataset = load_data(source, **options)

    def draw(count: int, random: torch.Generator) -> Any:
        samples, classes = dataset.batch(torch.randint(len(dataset), (count,), generator=random))
        return (samples, classes) if labels else samples

    return draw


def ring_sampler(modes: int = 8, sigma: float = 0.01, radius: float = 1.0) -> Sampler:
    """Draws from Gaussians on a circle without loading anything; PacGAN's ring by default.

    Example:
        >>> ring_sampler()(5, torch.Generator().manual_seed(0)).shape
        torch.Size([5, 2])
    """
    angles = 2 * math.pi * torch.arange(modes) / modes
    means = radius * torch.stack([angles.cos(), angles.sin()], dim=1)

    def draw(count: int, random: torch.Generator) -> Tensor:
        chosen = torch.randint(modes, (count,), generator=random)
        return means[chosen] + sigma * torch.randn(count, 2, generator=random)

    return draw


def as_images(samples: Tensor) -> Any:
    """Samples in [-1, 1] as uint8 (N, C, H, W), for image panels.

    Example:
        >>> as_images(torch.ones(1, 1, 2, 2)).max()
        np.uint8(255)
    """
    return ((samples.detach().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
