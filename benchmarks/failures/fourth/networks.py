"""Networks that the earlier halves do not have: committees, growing pairs, packs, translators with a label,
periods of a waveform."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.networks import perceptron


class Letters(nn.Module):
    """A softmax over the alphabet at every place of a sentence."""

    def __init__(self, letters: int, places: int) -> None:
        super().__init__()
        self.shape = letters, places

    def forward(self, h: Tensor) -> Tensor:
        return torch.softmax(h.view(len(h), *self.shape), dim=1)


class Committee(nn.Module):
    """Several discriminators in one module; scores of shape (N, members)."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([member(x) for member in self.members], dim=1)


class Packed(nn.Module):
    """CTGAN's discriminator: `pac` rows are judged together, (N, D) in, (N / pac, 1) out."""

    def __init__(self, features: int, pac: int, width: int = 96, dropout: float = 0.0) -> None:
        super().__init__()
        self.pac, self.pacdim = pac, pac * features
        layers: list[nn.Module] = []
        sizes = (self.pacdim, width, width)
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.seq = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, rows: Tensor) -> Tensor:
        rows = rows[: len(rows) - len(rows) % self.pac]
        return self.seq(rows.reshape(-1, self.pacdim))


class Residual(nn.Module):
    """CTGAN's block: the input is appended to what is made of it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc, self.bn = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([functional.relu(self.bn(self.fc(x))), x], dim=1)


# -- growing ---------------------------------------------------------------------------------------


class GrowingGenerator(nn.Module):
    """8 x 8 and a block that doubles it; `alpha` fades from the enlarged small image to the large one."""

    def __init__(self, channels: int, latent: int, width: int = 16) -> None:
        super().__init__()
        self.alpha = 0.0
        self.start = nn.Sequential(nn.Linear(latent, 2 * width * 16), nn.Unflatten(1, (2 * width, 4, 4)))
        self.small = nn.Sequential(nn.Conv2d(2 * width, width, 3, 1, 1), nn.LeakyReLU(0.2))
        self.to_rgb_small = nn.Conv2d(width, channels, 3, 1, 1)
        self.large = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.LeakyReLU(0.2),
        )
        self.to_rgb_large = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, z: Tensor) -> Tensor:
        h = functional.leaky_relu(self.start(z), 0.2)
        h = self.small(functional.interpolate(h, scale_factor=2.0))
        if self.alpha < 1.0:
            plain = functional.interpolate(self.to_rgb_small(h), scale_factor=2.0)
        grown = self.to_rgb_large(self.large(functional.interpolate(h, scale_factor=2.0)))
        return torch.tanh(grown if self.alpha >= 1.0 else (1 - self.alpha) * plain + self.alpha * grown)


class GrowingDiscriminator(nn.Module):
    """The way back: the block for large images fades in beside the halved image."""

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        self.alpha = 0.0
        self.from_rgb_large = nn.Conv2d(channels, width, 3, 1, 1)
        self.large = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.LeakyReLU(0.2), nn.AvgPool2d(2))
        self.from_rgb_small = nn.Conv2d(channels, width, 3, 1, 1)
        self.small = nn.Sequential(
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * 16, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.large(functional.leaky_relu(self.from_rgb_large(x), 0.2))
        if self.alpha < 1.0:
            plain = functional.leaky_relu(self.from_rgb_small(functional.avg_pool2d(x, 2)), 0.2)
            h = (1 - self.alpha) * plain + self.alpha * h
        return self.small(h)


# -- labels ----------------------------------------------------------------------------------------


class LabelledTranslator(nn.Module):
    """StarGAN's generator for points and rows: sample and wanted class in, a sample of that class out."""

    def __init__(self, features: int, classes: int, width: int = 80) -> None:
        super().__init__()
        self.classes = classes
        self.main = perceptron(features + classes, width, width, width, features)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.main(torch.cat([x, functional.one_hot(c, self.classes).float()], dim=1))


class ImageTranslator(nn.Module):
    """StarGAN's generator for images: the class is repeated over the places."""

    def __init__(self, channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.classes = classes
        self.down = nn.Conv2d(channels + classes, width, 4, 2, 1)
        self.middle = nn.Conv2d(width, width, 3, 1, 1)
        self.up = nn.Conv2d(width, width, 3, 1, 1)
        self.out = nn.Conv2d(width + channels + classes, channels, 3, 1, 1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        label = functional.one_hot(c, self.classes).float()[:, :, None, None].expand(-1, -1, *x.shape[2:])
        both = torch.cat([x, label], dim=1)
        h = functional.relu(self.down(both))
        h = functional.relu(h + self.middle(h))
        h = functional.relu(self.up(functional.interpolate(h, scale_factor=2.0)))
        return torch.tanh(self.out(torch.cat([h, both], dim=1)))


class SourceAndClass(nn.Module):
    """StarGAN's discriminator: whether it is real, and of which class."""

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.main = trunk
        self.conv1, self.conv2 = nn.Linear(features, 1), nn.Linear(features, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.main(x)
        return self.conv1(h), self.conv2(h)


# -- waveforms -------------------------------------------------------------------------------------


class PeriodDiscriminator(nn.Module):
    """The waveform folded into rows of `period`, convolved along the time between them."""

    def __init__(self, channels: int, period: int, width: int = 8) -> None:
        super().__init__()
        self.period = period
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(channels, width, (5, 1), (2, 1), (2, 0)),
                nn.Conv2d(width, 2 * width, (5, 1), (2, 1), (2, 0)),
            ]
        )
        self.conv_post = nn.Conv2d(2 * width, 1, (3, 1), 1, (1, 0))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        rest = -x.shape[-1] % self.period
        x = functional.pad(x, (0, rest), "reflect") if rest else x
        x = x.view(*x.shape[:2], -1, self.period)
        fmap = []
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.1)
            fmap.append(x)
        return torch.flatten(self.conv_post(x), 1), fmap


class WaveDiscriminator(nn.Module):
    """One scale of the raw waveform."""

    def __init__(self, channels: int, width: int = 12) -> None:
        super().__init__()
        sizes = ((channels, width), (width, 2 * width))
        self.convs = nn.ModuleList([nn.Conv1d(i, o, 9, 3, 4) for i, o in sizes])
        self.conv_post = nn.Conv1d(2 * width, 1, 3, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        fmap = []
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.1)
            fmap.append(x)
        return torch.flatten(self.conv_post(x), 1), fmap


class PeriodsAndScales(nn.Module):
    """HiFi-GAN's two families in one: lists of scores and of features."""

    def __init__(self, channels: int, periods: tuple[int, ...] = (2, 3, 5)) -> None:
        super().__init__()
        self.mpd = nn.ModuleList([PeriodDiscriminator(channels, period) for period in periods])
        self.msd = nn.ModuleList([WaveDiscriminator(channels)])

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        found = [judge(x) for judge in (*self.mpd, *self.msd)]
        return [score for score, _ in found], [fmap for _, fmap in found]


class WaveGenerator(nn.Module):
    """From a latent to a waveform: a linear start of 16 frames, two transposed convolutions."""

    def __init__(self, latent: int, channels: int, length: int, width: int = 24) -> None:
        super().__init__()
        self.conv_pre = nn.Linear(latent, width * (length // 4))
        self.shape = width, length // 4
        self.ups = nn.ModuleList([nn.ConvTranspose1d(width, width, 4, 2, 1) for _ in range(2)])
        self.resblocks = nn.ModuleList([nn.Conv1d(width, width, 5, 1, 2) for _ in range(2)])
        self.conv_post = nn.Conv1d(width, channels, 7, 1, 3)

    def forward(self, z: Tensor) -> Tensor:
        h = self.conv_pre(z).view(len(z), *self.shape)
        for up, block in zip(self.ups, self.resblocks, strict=True):
            h = up(functional.leaky_relu(h, 0.1))
            h = h + block(functional.leaky_relu(h, 0.1))
        return torch.tanh(self.conv_post(functional.leaky_relu(h, 0.1)))
