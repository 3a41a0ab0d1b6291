"""Networks that the first two halves do not have: style-based, with an auxiliary head, with several scores,
with codes, with hand-written layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class MinibatchStd(nn.Module):
    """Appends the batch's mean standard deviation to every sample's features."""

    def forward(self, h: Tensor) -> Tensor:
        spread = (h.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([h, spread.expand(len(h), 1)], dim=1)


class SkipPerceptron(nn.Module):
    """The input is given to every layer again; PReLU between them."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width + inputs, width)
        self.third, self.last = nn.Linear(width + inputs, width), nn.Linear(width, outputs)
        self.bends = nn.ModuleList([nn.PReLU(), nn.PReLU(), nn.PReLU()])

    def forward(self, x: Tensor) -> Tensor:
        h = self.bends[0](self.first(x))
        h = self.bends[1](self.second(torch.cat([h, x], dim=1)))
        return self.last(self.bends[2](self.third(torch.cat([h, x], dim=1))))


class Columns(nn.Module):
    """Continuous columns as they are, the categorical ones through a softmax that is nearly one-hot."""

    def __init__(self, continuous: int, temperature: float = 0.3) -> None:
        super().__init__()
        self.continuous, self.temperature = continuous, temperature

    def forward(self, h: Tensor) -> Tensor:
        numbers, logits = h[:, : self.continuous], h[:, self.continuous :]
        return torch.cat([numbers, torch.softmax(logits / self.temperature, dim=1)], dim=1)


def image_generator(shape: tuple[int, ...], latent: int, width: int = 12) -> nn.Sequential:
    """Upsample, convolve, BatchNorm, from a quarter of the size; PyTorch-GAN's DCGAN in small."""
    channels, start = shape[0], shape[-1] // 4
    return nn.Sequential(
        nn.Linear(latent, 2 * width * start * start),
        nn.Unflatten(1, (2 * width, start, start)),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(2 * width, width, 3, 1, 1),
        nn.BatchNorm2d(width),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(width, channels, 3, 1, 1),
        nn.Tanh(),
    )


def image_trunk(
    shape: tuple[int, ...], width: int = 12, *, dropout: float = 0.0, spectral: bool = False
) -> nn.Sequential:
    """Strided convolutions to flat features; `features_of` says how many."""
    wrap = spectral_norm if spectral else (lambda layer: layer)
    layers: list[nn.Module] = []
    for inputs, outputs in ((shape[0], width), (width, 2 * width), (2 * width, 2 * width)):
        layers += [wrap(nn.Conv2d(inputs, outputs, 3, 2, 1)), nn.LeakyReLU(0.2)]
        layers += [nn.Dropout2d(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Flatten())


def features_of(trunk: nn.Module, shape: tuple[int, ...]) -> int:
    with torch.no_grad():
        return int(trunk(torch.zeros(2, *shape)).shape[1])


class SelfAttention(nn.Module):
    """SAGAN's block: attention over places, added with a factor that starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels, channels // 4, 1)
        self.value, self.gamma = nn.Conv2d(channels, channels, 1), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.query(x).flatten(2), self.key(x).flatten(2), self.value(x).flatten(2)
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        return x + self.gamma * (value @ weights.transpose(1, 2)).view_as(x)


# -- style-based -----------------------------------------------------------------------------------


class Mapping(nn.Module):
    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt())


class Modulated(nn.Module):
    """A layer whose inputs are scaled by an affine map of the style."""

    def __init__(self, layer: nn.Module, inputs: int, style: int) -> None:
        super().__init__()
        self.affine, self.layer = nn.Linear(style, inputs), layer
        nn.init.ones_(self.affine.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale = self.affine(w)
        return self.layer(x * scale.view(*scale.shape, *[1] * (x.dim() - 2)))


class Synthesis(nn.Module):
    """Learned constant, modulated layers; points and signals with linear layers, images with convolutions."""

    def __init__(self, shape: tuple[int, ...], style: int, width: int, end: nn.Module) -> None:
        super().__init__()
        self.shape, self.image, self.end = shape, len(shape) == 3, end
        if self.image:
            start = shape[-1] // 4
            self.constant = nn.Parameter(torch.randn(1, width, start, start))
            layers: list[nn.Module] = [nn.Conv2d(width, width, 3, 1, 1) for _ in range(3)]
            self.out: nn.Module = nn.Conv2d(width, shape[0], 3, 1, 1)
        else:
            self.constant = nn.Parameter(torch.randn(1, width))
            layers = [nn.Linear(width, width) for _ in range(3)]
            self.out = nn.Linear(width, int(torch.tensor(shape).prod()))
        self.layers = nn.ModuleList([Modulated(layer, width, style) for layer in layers])

    def forward(self, w: Tensor) -> Tensor:
        x = self.constant.expand(len(w), *self.constant.shape[1:])
        for position, layer in enumerate(self.layers):
            if self.image and position == 2:
                x = functional.interpolate(x, scale_factor=2.0)
            x = functional.leaky_relu(layer(x, w), 0.2)
        made = self.out(functional.interpolate(x, scale_factor=2.0) if self.image else x)
        return self.end(made.view(len(w), *self.shape))


class StyleGenerator(nn.Module):
    def __init__(
        self, shape: tuple[int, ...], latent: int, width: int, end: nn.Module, style: int = 48
    ) -> None:
        super().__init__()
        self.mapping, self.synthesis = Mapping(latent, style), Synthesis(shape, style, width, end)

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.mapping(z))


# -- labels ----------------------------------------------------------------------------------------


class MultipliedLabel(nn.Module):
    """The label's embedding times the latent goes into a body, as PyTorch-GAN's ACGAN does it."""

    def __init__(self, body: nn.Module, latent: int, classes: int) -> None:
        super().__init__()
        self.label_emb, self.body = nn.Embedding(classes, latent), body

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        return self.body(self.label_emb(labels) * noise)


class ConcatenatedLabel(nn.Module):
    """Latent and the embedded label beside it, BigGAN's way of giving the class to the first layer."""

    def __init__(self, body: nn.Module, classes: int, size: int = 12) -> None:
        super().__init__()
        self.shared, self.body = nn.Embedding(classes, size), body

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.body(torch.cat([z, self.shared(y)], dim=1))


class AuxiliaryDiscriminator(nn.Module):
    """Validity and class logits from one trunk."""

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.adv_layer, self.aux_layer = nn.Linear(features, 1), nn.Linear(features, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.trunk(x)
        return self.adv_layer(h), self.aux_layer(h)


class Projection(nn.Module):
    """BigGAN's discriminator: a linear score and the label's embedding times the features, all spectral."""

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.trunk, self.linear = trunk, spectral_norm(nn.Linear(features, 1))
        self.embed = nn.Embedding(classes, features)
        nn.init.normal_(self.embed.weight, 0.0, 0.3)
        self.ignore = False

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        h = self.trunk(x)
        out = self.linear(h)
        if y is None or self.ignore:
            return out
        return out + (self.embed(y) * h).sum(dim=1, keepdim=True) / h.shape[1] ** 0.5


# -- images to images ------------------------------------------------------------------------------


class Enlarger(nn.Module):
    """SRGAN in small: PReLU, two residual blocks, nearest neighbours and a convolution."""

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(channels, width, 3, 1, 1), nn.PReLU())
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(), nn.Conv2d(width, width, 3, 1, 1))
                for _ in range(2)
            ]
        )
        self.leave = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(), nn.Conv2d(width, channels, 3, 1, 1)
        )

    def forward(self, low: Tensor) -> Tensor:
        h = self.enter(low)
        for block in self.blocks:
            h = h + 0.2 * block(h)
        plain = functional.interpolate(low, scale_factor=2.0, mode="bilinear", align_corners=False)
        return plain + self.leave(functional.interpolate(h, scale_factor=2.0))


class Translator(nn.Module):
    """CycleGAN's generator in small: convolutions with a norm over all channels; for points a perceptron."""

    def __init__(self, shape: tuple[int, ...], width: int = 12) -> None:
        super().__init__()
        if len(shape) == 3:
            self.body: nn.Module = nn.Sequential(
                nn.Conv2d(shape[0], width, 3, 1, 1),
                nn.GroupNorm(1, width),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, 1, 1),
                nn.ReLU(),
                nn.Conv2d(width, shape[0], 3, 1, 1),
                nn.Tanh(),
            )
        else:
            self.body = nn.Sequential(
                nn.Linear(shape[0], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, shape[0])
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def patch_discriminator(channels: int, width: int = 12, *, norm: bool = True) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1),
        *([nn.InstanceNorm2d(2 * width)] if norm else []),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 3, 1, 1),
    )
