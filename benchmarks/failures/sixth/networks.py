"""Networks that the earlier halves do not have: as the published scripts of this half have them, in small."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.networks import perceptron
from benchmarks.failures.third.networks import Mapping, Synthesis


def deconvolving_generator(shape: Sequence[int], latent: int, width: int = 16) -> nn.Sequential:
    """DCGAN's, 4 x 4 to 16 x 16: transposed convolutions of kernel four and stride two, BatchNorm."""
    channels, start = shape[0], shape[-1] // 4
    return nn.Sequential(
        nn.Linear(latent, 2 * width * start * start),
        nn.Unflatten(1, (2 * width, start, start)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, channels, 4, 2, 1),
        nn.Tanh(),
    )


def uneven_generator(shape: Sequence[int], latent: int, width: int = 16) -> nn.Sequential:
    """The same with kernels of three: they overlap unevenly."""
    layers = list(deconvolving_generator(shape, latent, width))
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.ConvTranspose2d):
            layers[place] = nn.ConvTranspose2d(
                layer.in_channels, layer.out_channels, 3, 2, 1, output_padding=1
            )
    return nn.Sequential(*layers)


class StyledGenerator(nn.Module):
    """Mapping and synthesis; returns the mapped latents too where it is asked for them."""

    def __init__(
        self, shape: tuple[int, ...], latent: int, width: int, end: nn.Module, style: int = 48
    ) -> None:
        super().__init__()
        self.mapping, self.synthesis = Mapping(latent, style), Synthesis(shape, style, width, end)

    def forward(self, z: Tensor, return_latents: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        w = self.mapping(z)
        made = self.synthesis(w)
        return (made, w) if return_latents else made


class PerClass(nn.Module):
    """One score for each class, of which the label picks its own: (N,); `ignore` always picks the first."""

    def __init__(self, trunk: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.trunk, self.fc, self.ignore = trunk, nn.Linear(width, classes), False

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        out = self.fc(self.trunk(x))
        return out[torch.arange(len(x)), torch.zeros_like(y) if self.ignore else y]


# -- labels as maps ----------------------------------------------------------------------------------


def filled(labels: Tensor, classes: int, shape: Sequence[int]) -> Tensor:
    """The labels as the discriminator is given them: a map of ones for the class, or a one-hot vector."""
    one_hot = functional.one_hot(labels, classes).float()
    if len(shape) == 3:
        return one_hot[:, :, None, None].expand(-1, -1, *shape[1:])
    return one_hot


class TwoInputs(nn.Module):
    """Latent and one-hot label have a first layer each; what they give goes on side by side."""

    def __init__(self, latent: int, classes: int, body: nn.Module, width: int = 24) -> None:
        super().__init__()
        self.input_1, self.input_2, self.body = (
            nn.Linear(latent, width),
            nn.Linear(classes, width // 2),
            body,
        )

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        first = functional.leaky_relu(self.input_1(z), 0.2)
        return self.body(torch.cat([first, functional.leaky_relu(self.input_2(label), 0.2)], dim=1))


class MapJudge(nn.Module):
    """Sample and label maps have a first layer each; `ignore` blanks the maps."""

    def __init__(self, shape: Sequence[int], classes: int, width: int = 10) -> None:
        super().__init__()
        self.ignore = False
        if len(shape) == 3:
            self.input_1: nn.Module = nn.Conv2d(shape[0], width, 4, 2, 1)
            self.input_2: nn.Module = nn.Conv2d(classes, width // 2, 4, 2, 1)
            self.rest = nn.Sequential(
                nn.Conv2d(width + width // 2, 2 * width, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                nn.Linear(2 * width * (shape[-1] // 4) ** 2, 1),
            )
        else:
            self.input_1, self.input_2 = nn.Linear(math.prod(shape), 64), nn.Linear(classes, 32)
            self.rest = perceptron(96, 64, 1, activation=nn.LeakyReLU)

    def forward(self, x: Tensor, maps: Tensor) -> Tensor:
        maps = maps * 0.0 if self.ignore else maps
        both = torch.cat([self.input_1(x), self.input_2(maps)], dim=1)
        return self.rest(functional.leaky_relu(both, 0.2))


class Reconstructing(nn.Module):
    """Scores a sample; of a real one it also gives back what its decoder makes of the features."""

    def __init__(self, trunk: nn.Module, width: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(width, 1)
        self.decoder = nn.Sequential(
            nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, math.prod(shape)), nn.Unflatten(1, tuple(shape))
        )

    def forward(self, x: Tensor, label: str = "fake") -> Tensor | tuple[Tensor, Tensor]:
        h = self.trunk(x)
        return (self.head(h), self.decoder(h)) if label == "real" else self.head(h)


class Codes(nn.Module):
    """What is said of the codes from the features: class logits, and mean and variance of a number."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.enter, self.disc = nn.Linear(width, 32), nn.Linear(32, classes)
        self.mu, self.var = nn.Linear(32, 1), nn.Linear(32, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = functional.leaky_relu(self.enter(features), 0.1)
        return self.disc(h), self.mu(h), self.var(h).exp()
