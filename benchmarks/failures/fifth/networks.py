"""Networks that the earlier halves do not have: sub-pixel images, conditions as vectors, holes that are
filled and signals that are cleaned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.networks import perceptron


def subpixel_generator(shape: Sequence[int], latent: int, width: int = 16) -> nn.Sequential:
    """4 x 4, and two blocks that shuffle channels into pixels; BatchNorm."""
    channels, start = shape[0], shape[-1] // 4
    return nn.Sequential(
        nn.Linear(latent, width * start * start),
        nn.Unflatten(1, (width, start, start)),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 4 * width, 3, 1, 1),
        nn.PixelShuffle(2),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 4 * channels, 3, 1, 1),
        nn.PixelShuffle(2),
        nn.Tanh(),
    )


def strided_trunk(shape: Sequence[int], width: int = 12, *, spectral: bool = False) -> nn.Sequential:
    """Two convolutions of kernel four and stride two, flattened."""
    wrap = nn.utils.parametrizations.spectral_norm if spectral else (lambda layer: layer)
    return nn.Sequential(
        wrap(nn.Conv2d(shape[0], width, 4, 2, 1)),
        nn.LeakyReLU(0.2),
        wrap(nn.Conv2d(width, 2 * width, 4, 2, 1)),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
    )


class VectorGenerator(nn.Module):
    """Latent and the class as a one-hot vector beside it."""

    def __init__(self, body: nn.Module, classes: int) -> None:
        super().__init__()
        self.body, self.classes = body, classes

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        return self.body(torch.cat([z, functional.one_hot(c, self.classes).float()], dim=1))


class VectorDiscriminator(nn.Module):
    """Row and the class as a one-hot vector beside it; `ignore` drops the class, `blind` never had it."""

    def __init__(self, features: int, classes: int, width: int = 80, *, blind: bool = False) -> None:
        super().__init__()
        self.classes, self.blind, self.ignore = classes, blind, False
        self.seq = perceptron(features + (0 if blind else classes), width, width, 1, activation=nn.LeakyReLU)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        if self.blind:
            return self.seq(x)
        vector = functional.one_hot(c, self.classes).float()
        return self.seq(torch.cat([x, vector * (0.0 if self.ignore else 1.0)], dim=1))


# -- beside a distance -----------------------------------------------------------------------------


class Inpainter(nn.Module):
    """The picture with its hole and the mask in, the whole picture out; dilated in the middle."""

    def __init__(self, channels: int, latent: int = 0, width: int = 16) -> None:
        super().__init__()
        self.latent = latent
        self.enter = nn.Conv2d(channels + 1 + latent, width, 3, 2, 1)
        self.middle = nn.ModuleList([nn.Conv2d(width, width, 3, 1, d, dilation=d) for d in (1, 2)])
        self.leave = nn.Conv2d(width, 4 * channels, 3, 1, 1)

    def forward(self, broken: Tensor, z: Tensor | None = None) -> Tensor:
        if z is not None:
            broken = torch.cat([broken, z[:, :, None, None].expand(-1, -1, *broken.shape[2:])], dim=1)
        h = functional.relu(self.enter(broken))
        for layer in self.middle:
            h = h + functional.relu(layer(h))
        return torch.tanh(functional.pixel_shuffle(self.leave(h), 2))


class PatchJudge(nn.Module):
    """Scores of patches, (N, 1, 4, 4), of the picture and the mask of its hole."""

    def __init__(self, channels: int, width: int = 12) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels + 1, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, 1, 1),
        )

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        return self.net(torch.cat([picture, mask], dim=1))


class Enhancer(nn.Module):
    """SEGAN's generator in small: strided convolutions, the latent joins at the bottom, and back with
    skips."""

    def __init__(self, channels: int, latent: int = 0, width: int = 16) -> None:
        super().__init__()
        self.latent = latent
        self.down = nn.ModuleList([nn.Conv1d(channels, width, 5, 2, 2), nn.Conv1d(width, 2 * width, 5, 2, 2)])
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose1d(2 * width + latent, width, 4, 2, 1),
                nn.ConvTranspose1d(2 * width, width, 4, 2, 1),
            ]
        )
        self.leave = nn.Conv1d(width + channels, channels, 5, 1, 2)
        self.bends = nn.ModuleList([nn.PReLU() for _ in range(4)])

    def forward(self, noisy: Tensor, z: Tensor | None = None) -> Tensor:
        first = self.bends[0](self.down[0](noisy))
        h = self.bends[1](self.down[1](first))
        if z is not None:
            h = torch.cat([h, z[:, :, None].expand(-1, -1, h.shape[2])], dim=1)
        h = self.bends[2](self.up[0](h))
        h = self.bends[3](self.up[1](torch.cat([h, first], dim=1)))
        return torch.tanh(self.leave(torch.cat([h, noisy], dim=1)))


class PairJudge(nn.Module):
    """Judges a signal beside its noisy version; returns the score and its features."""

    def __init__(self, channels: int, places: int, width: int = 16) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv1d(2 * channels, width, 5, 2, 2), nn.Conv1d(width, 2 * width, 5, 2, 2)]
        )
        self.head = nn.Linear(2 * width * (places // 4), 1)

    def forward(self, signal: Tensor, noisy: Tensor) -> tuple[Tensor, list[Tensor]]:
        h, features = torch.cat([signal, noisy], dim=1), []
        for conv in self.convs:
            h = functional.leaky_relu(conv(h), 0.2)
            features.append(h)
        return self.head(h.flatten(1)), features
