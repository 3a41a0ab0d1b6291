"""Tiny generators and discriminators, in the shapes that people's scripts have: 2 to 5 ms a step."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional


def perceptron(*sizes: int, activation: type[nn.Module] = nn.ReLU, norm: bool = False) -> nn.Sequential:
    """Linear layers with activations between them and none at the end."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers.append(nn.Linear(inputs, outputs))
        if norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(nn.LeakyReLU(0.2) if activation is nn.LeakyReLU else activation())
    layers.append(nn.Linear(sizes[-2], sizes[-1]))
    return nn.Sequential(*layers)


def flat_trunk(*sizes: int, spectral: bool) -> nn.Sequential:
    """A discriminator's linear layers, a LeakyReLU behind each, for samples of any shape; without a head."""
    wrap = nn.utils.parametrizations.spectral_norm if spectral else (lambda layer: layer)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [wrap(nn.Linear(inputs, outputs)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def weights_init(module: nn.Module) -> None:
    """The published DCGAN rule: weights N(0, 0.02), BatchNorm scales N(1, 0.02)."""
    kind = type(module).__name__
    if "Conv" in kind or "Linear" in kind:
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif "BatchNorm" in kind and module.weight is not None:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def image_generator(size: int, latent: int = 16, width: int = 16, *, tanh: bool = True) -> nn.Sequential:
    """DCGAN in small: 2 x 2 -> 4 x 4 -> 8 x 8, or 7 x 7 -> 14 x 14."""
    if size == 8:
        body = [
            nn.Linear(latent, 2 * width * 4),
            nn.Unflatten(1, (2 * width, 2, 2)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1),
        ]
    else:
        body = [
            nn.Linear(latent, width * 49),
            nn.Unflatten(1, (width, 7, 7)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, 2, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 1, 3, 1, 1),
        ]
    return nn.Sequential(*body, *([nn.Tanh()] if tanh else []))


def image_discriminator(
    size: int, width: int = 16, *, norm: bool = False, spectral: bool = False
) -> nn.Sequential:
    """Two strided convolutions and a linear head; 8 x 8 or 14 x 14 in, one score out."""
    wrap = nn.utils.parametrizations.spectral_norm if spectral else (lambda layer: layer)
    end = 2 if size == 8 else 3
    return nn.Sequential(
        wrap(nn.Conv2d(1, width, 4, 2, 1)),
        nn.LeakyReLU(0.2),
        wrap(nn.Conv2d(width, 2 * width, 4, 2, 1)),
        *([nn.BatchNorm2d(2 * width)] if norm else []),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        wrap(nn.Linear(2 * width * end * end, 1)),
    )


def flat_image_generator(size: int, latent: int = 16) -> nn.Sequential:
    return nn.Sequential(
        perceptron(latent, 64, 128, size * size, norm=True), nn.Tanh(), nn.Unflatten(1, (1, size, size))
    )


def flat_image_discriminator(size: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), perceptron(size * size, 128, 64, 1, activation=nn.LeakyReLU))


def sequence_generator(length: int = 32, latent: int = 16) -> nn.Sequential:
    return nn.Sequential(
        perceptron(latent, 96, 96, length, norm=True), nn.Tanh(), nn.Unflatten(1, (1, length))
    )


def sequence_discriminator(length: int = 32) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), perceptron(length, 128, 64, 1, activation=nn.LeakyReLU))


class ConditionalGenerator(nn.Module):
    """Latent and an embedded label, concatenated."""

    def __init__(self, body: nn.Module, classes: int, size: int = 8) -> None:
        super().__init__()
        self.embed = nn.Embedding(classes, size)
        self.body = body

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.body(torch.cat([z, self.embed(labels)], dim=1))


class ConditionalDiscriminator(nn.Module):
    """The label as further inputs of a perceptron: the simplest conditional GAN."""

    def __init__(self, features: int, classes: int, *, ignore: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(classes, 16)
        self.body = perceptron(features + 16, 128, 64, 1, activation=nn.LeakyReLU)
        self.ignore = ignore

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        embedded = self.embed(labels)
        if self.ignore:  # the fault: the label is accepted and dropped
            embedded = torch.zeros_like(embedded)
        return self.body(torch.cat([x.flatten(1), embedded], dim=1))


class ProjectionDiscriminator(nn.Module):
    """Label first, image second, and an inner product of embedding and features at the end."""

    def __init__(self, features: int, classes: int, *, ignore: bool = False) -> None:
        super().__init__()
        self.trunk = perceptron(features, 128, 64, activation=nn.LeakyReLU)
        self.head = nn.Linear(64, 1)
        self.embed = nn.Embedding(classes, 64)
        self.ignore = ignore

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        h = functional.leaky_relu(self.trunk(x.flatten(1)), 0.2)
        score = self.head(h)
        return score if self.ignore else score + (self.embed(y) * h).sum(dim=1, keepdim=True) / 8


class FeatureDiscriminator(nn.Module):
    """Returns its score and its last features, as a dictionary or as a tuple."""

    def __init__(self, trunk: nn.Module, features: int, *, as_dict: bool = False) -> None:
        super().__init__()
        self.trunk, self.head, self.as_dict = trunk, nn.Linear(features, 1), as_dict

    def forward(self, x: Tensor) -> dict[str, Tensor] | tuple[Tensor, Tensor]:
        h = functional.leaky_relu(self.trunk(x), 0.2)
        score = self.head(h)
        return {"score": score, "features": h} if self.as_dict else (score, h)


class Upscaler(nn.Module):
    """A small image in, one of twice the size out; with or without a latent beside it."""

    def __init__(self, latent: int = 0, width: int = 24) -> None:
        super().__init__()
        self.latent = latent
        self.enter = nn.Conv2d(1 + latent, width, 3, 1, 1)
        self.middle = nn.Conv2d(width, width, 3, 1, 1)
        self.up = nn.ConvTranspose2d(width, width, 4, 2, 1)
        self.leave = nn.Conv2d(width, 1, 3, 1, 1)

    def forward(self, small: Tensor, z: Tensor | None = None) -> Tensor:
        h = small
        if z is not None:
            h = torch.cat([small, z[:, :, None, None].expand(-1, -1, *small.shape[2:])], dim=1)
        h = functional.relu(self.enter(h))
        h = functional.relu(h + self.middle(h))
        h = functional.relu(self.up(h))
        return torch.tanh(self.leave(h))


class PatchDiscriminator(nn.Module):
    """Judges patches of the pair (condition enlarged, image): scores of shape (N, 1, h, w)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(2, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, 1, 1),
        )

    def forward(self, condition: Tensor, image: Tensor) -> Tensor:
        enlarged = functional.interpolate(condition, size=image.shape[2:], mode="nearest")
        return self.net(torch.cat([enlarged, image], dim=1))
