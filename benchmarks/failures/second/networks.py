"""Networks that the first corpus does not have: residual and recurrent ones, attention, other norms."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class Residual(nn.Module):
    """x + f(x) with LayerNorm in front, as in a transformer's perceptron."""

    def __init__(self, width: int, *, norm: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width) if norm else nn.Identity(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def residual_generator(latent: int, width: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(latent, width), Residual(width), Residual(width), nn.GELU(), nn.Linear(width, features)
    )


def residual_discriminator(features: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, width),
        Residual(width, norm=False),
        Residual(width, norm=False),
        nn.GELU(),
        nn.Linear(width, 1),
    )


def upsampling_generator(shape: tuple[int, ...], latent: int, width: int = 16) -> nn.Sequential:
    """Resize and convolve, BatchNorm; from a quarter (16 x 16) or a half of the size."""
    channels, size = shape[0], shape[-1]
    start = size // 4 if size % 4 == 0 else size // 2
    layers: list[nn.Module] = [
        nn.Linear(latent, 2 * width * start * start),
        nn.Unflatten(1, (2 * width, start, start)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(2 * width, width, 3, 1, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    if start * 4 == size:
        layers += [
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1), nn.Tanh())


class GroupNormBlock(nn.Module):
    """A residual block with GroupNorm; enlarges to twice the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.norms = nn.ModuleList([nn.GroupNorm(4, width), nn.GroupNorm(4, width)])

    def forward(self, x: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0)
        h = self.first(functional.silu(self.norms[0](x)))
        return x + self.second(functional.silu(self.norms[1](h)))


def groupnorm_generator(shape: tuple[int, ...], latent: int, width: int = 16) -> nn.Sequential:
    channels, size = shape[0], shape[-1]
    start = size // 4 if size % 4 == 0 else size // 2
    blocks = [GroupNormBlock(width) for _ in range(2 if start * 4 == size else 1)]
    return nn.Sequential(
        nn.Linear(latent, width * start * start),
        nn.Unflatten(1, (width, start, start)),
        *blocks,
        nn.SiLU(),
        nn.Conv2d(width, channels, 3, 1, 1),
        nn.Tanh(),
    )


def strided_discriminator(
    shape: tuple[int, ...], width: int = 16, *, norm: str = "", spectral: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Two strided convolutions and a linear head; `norm` is "", "batch" or "instance"."""
    channels, size = shape[0], shape[-1]
    wrap = spectral_norm if spectral else (lambda layer: layer)
    end = (size // 2) // 2
    between: list[nn.Module] = []
    if norm:
        between = [
            nn.BatchNorm2d(2 * width) if norm == "batch" else nn.InstanceNorm2d(2 * width, affine=True)
        ]
    kernel = 4 if size % 4 == 0 else 3
    second = nn.Conv2d(width, 2 * width, kernel, 2, 1)
    end = end if kernel == 4 else (size // 2 + 2 - 3) // 2 + 1
    return nn.Sequential(
        wrap(nn.Conv2d(channels, width, 4, 2, 1)),
        nn.LeakyReLU(0.2),
        wrap(second),
        *between,
        nn.LeakyReLU(0.2),
        *([nn.Dropout2d(dropout)] if dropout else []),
        nn.Flatten(),
        wrap(nn.Linear(2 * width * end * end, 1)),
    )


class ResidualDiscriminator(nn.Module):
    """A residual trunk without any norm, averaged over its places."""

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, 1, 1)
        self.blocks = nn.ModuleList([nn.Conv2d(width, width, 3, 1, 1) for _ in range(4)])
        self.head = nn.Linear(width * 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x)
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            h = h + second(functional.leaky_relu(first(functional.leaky_relu(h, 0.2)), 0.2))
            h = functional.avg_pool2d(h, 2)
        return self.head(functional.adaptive_avg_pool2d(functional.leaky_relu(h, 0.2), 2).flatten(1))


class RecurrentGenerator(nn.Module):
    """A GRU that gets the latent at every step and writes `chunk` values of every channel; channels first."""

    def __init__(self, channels: int, length: int, latent: int, width: int = 64, chunk: int = 6) -> None:
        super().__init__()
        self.steps, self.channels = length // chunk, channels
        self.start = nn.Linear(latent, width)
        self.cell = nn.GRU(latent, width, batch_first=True)
        self.out = nn.Linear(width, chunk * channels)

    def forward(self, z: Tensor) -> Tensor:
        again = z.unsqueeze(1).expand(-1, self.steps, -1)
        h, _ = self.cell(again, torch.tanh(self.start(z)).unsqueeze(0).contiguous())
        written = torch.tanh(self.out(h))  # N, steps, chunk x channels
        return written.reshape(len(z), -1, self.channels).transpose(1, 2)


def sequence_discriminator(channels: int, length: int, width: int = 24) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels, width, 5, 2, 2),
        nn.LeakyReLU(0.2),
        nn.Conv1d(width, 2 * width, 5, 2, 2),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * width * (length // 4), 1),
    )


def sequence_generator(channels: int, length: int, latent: int) -> nn.Sequential:
    """A perceptron with LayerNorm for whole signals."""
    return nn.Sequential(
        nn.Linear(latent, 96),
        nn.ReLU(),
        nn.Linear(96, 128),
        nn.LayerNorm(128),
        nn.ReLU(),
        nn.Linear(128, channels * length),
        nn.Tanh(),
        nn.Unflatten(1, (channels, length)),
    )


class AttentionDiscriminator(nn.Module):
    """Patches of a signal as tokens of a small transformer, and a class token that is scored."""

    def __init__(self, channels: int, length: int, patch: int = 6, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Conv1d(channels, width, patch, patch)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.place = nn.Parameter(0.1 * torch.randn(1, length // patch + 1, width))
        layer = nn.TransformerEncoderLayer(width, 2, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.place
        return self.head(self.body(tokens)[:, 0])


class LabelledGenerator(nn.Module):
    """The label's embedding scales and shifts the first hidden layer."""

    def __init__(self, latent: int, classes: int, body: nn.Module, width: int = 64) -> None:
        super().__init__()
        self.enter, self.modulate = nn.Linear(latent, width), nn.Embedding(classes, 2 * width)
        self.body = body

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        scale, shift = self.modulate(y).chunk(2, dim=1)
        return self.body(functional.relu(self.enter(z) * (1 + scale) + shift))


class ProjectedDiscriminator(nn.Module):
    """Score plus inner product of the label's embedding with the features; the label is a keyword."""

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(features, 1)
        self.embed = nn.Embedding(classes, features)
        self.scale = features**-0.5
        self.ignore = False

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        h = functional.leaky_relu(self.trunk(x), 0.2)
        score = self.head(h)
        if y is None or self.ignore:
            return score
        return score + self.scale * (self.embed(y) * h).sum(dim=1, keepdim=True)


class ShuffleUpscaler(nn.Module):
    """Super-resolution by two: convolutions at the small size, pixel shuffle, bilinear skip; a latent beside
    the image if asked for."""

    def __init__(self, channels: int, width: int = 20, latent: int = 0) -> None:
        super().__init__()
        self.latent = latent
        self.enter = nn.Conv2d(channels + latent, width, 3, 1, 1)
        self.middle = nn.Conv2d(width, width, 3, 1, 1)
        self.leave = nn.Conv2d(width, 4 * channels, 3, 1, 1)

    def forward(self, small: Tensor, z: Tensor | None = None) -> Tensor:
        h = small
        if z is not None:
            h = torch.cat([small, z[:, :, None, None].expand(-1, -1, *small.shape[2:])], dim=1)
        h = functional.silu(self.enter(h))
        h = h + functional.silu(self.middle(h))
        enlarged = functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
        return (enlarged + functional.pixel_shuffle(self.leave(h), 2)).clamp(-1.2, 1.2)


class MultiScaleDiscriminator(nn.Module):
    """Two patch discriminators, one on the image at half its size; returns the list of their scores."""

    def __init__(self, channels: int, width: int = 12) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(channels, width, 4, 2, 1),
                    nn.LeakyReLU(0.2),
                    nn.Conv2d(width, width, 3, 1, 1),
                    nn.LeakyReLU(0.2),
                    nn.Conv2d(width, 1, 3, 1, 1),
                )
                for _ in range(2)
            ]
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.scales[0](image), self.scales[1](functional.avg_pool2d(image, 2))]
