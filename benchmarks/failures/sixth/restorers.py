"""Networks of the two loops that have a distance beside the adversarial term: a quantised autoencoder and a
vocoder of frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

HOP = 4  # samples of a frame


class Quantised(nn.Module):
    """An encoder, a book of codes with a straight-through gradient, a decoder; returns the picture and the
    codes' loss."""

    def __init__(self, channels: int, width: int = 16, size: int = 6, codes: int = 48) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(2 * width, size, 1),
        )
        self.book = nn.Embedding(codes, size)
        nn.init.normal_(self.book.weight, 0.0, 0.3)
        self.decoder = nn.Sequential(
            nn.Conv2d(size, 2 * width, 3, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, 2, 1),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(picture).permute(0, 2, 3, 1)
        nearest = torch.cdist(z.flatten(0, 2), self.book.weight).argmin(dim=1).view(z.shape[:3])
        chosen = self.book(nearest)
        loss = (chosen.detach() - z).square().mean() + 0.25 * (chosen - z.detach()).square().mean()
        kept = z + (chosen - z).detach()
        return torch.tanh(self.last(self.decoder(kept.permute(0, 3, 1, 2)))), loss


class Patches(nn.Module):
    """Scores of the patches of a picture, (N, 1, 3, 3)."""

    def __init__(self, channels: int, width: int = 12) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 4, 1, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        return self.model(picture)


def frames(signal: Tensor) -> Tensor:
    """Mean, first difference and deviation of each frame: (N, 3 C, T / 4)."""
    parts = signal.unflatten(2, (-1, HOP))
    slope = parts[..., HOP // 2 :].mean(dim=3) - parts[..., : HOP // 2].mean(dim=3)
    spread = (parts.var(dim=3, unbiased=False) + 1e-6).sqrt()
    return torch.cat([parts.mean(dim=3), slope, spread], dim=1)


def between_frames(framed: Tensor) -> Tensor:
    """The frames' means, joined by straight lines: what to compare with."""
    means = framed[:, : framed.shape[1] // 3]
    return functional.interpolate(means, scale_factor=float(HOP), mode="linear", align_corners=False)


class FrameGenerator(nn.Module):
    """From frames to a signal: transposed convolutions with weight norm, a dilated residual block each."""

    def __init__(self, channels: int, latent: int = 0, width: int = 20) -> None:
        super().__init__()
        self.latent = latent
        self.pre = weight_norm(nn.Conv1d(3 * channels + latent, width, 7, 1, 3))
        self.ups = nn.ModuleList([weight_norm(nn.ConvTranspose1d(width, width, 4, 2, 1)) for _ in range(2)])
        self.blocks = nn.ModuleList(
            [weight_norm(nn.Conv1d(width, width, 3, 1, d, dilation=d)) for d in (1, 3)]
        )
        self.post = weight_norm(nn.Conv1d(width, channels, 7, 1, 3))

    def forward(self, framed: Tensor, z: Tensor | None = None) -> Tensor:
        if z is not None:
            framed = torch.cat([framed, z[:, :, None].expand(-1, -1, framed.shape[2])], dim=1)
        h = self.pre(framed)
        for up, block in zip(self.ups, self.blocks, strict=True):
            h = up(functional.leaky_relu(h, 0.2))
            h = h + block(functional.leaky_relu(h, 0.2))
        return torch.tanh(self.post(functional.leaky_relu(h, 0.2)))


class LayerList(nn.Module):
    """Returns what each of its layers gives, the score last."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                weight_norm(nn.Conv1d(channels, width, 5, 1, 2)),
                weight_norm(nn.Conv1d(width, 2 * width, 5, 2, 2)),
                weight_norm(nn.Conv1d(2 * width, 2 * width, 5, 2, 2)),
                weight_norm(nn.Conv1d(2 * width, 1, 3, 1, 1)),
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        results = []
        for place, layer in enumerate(self.layers):
            x = layer(x)
            x = x if place == len(self.layers) - 1 else functional.leaky_relu(x, 0.2)
            results.append(x)
        return results


class Scales(nn.Module):
    """The signal, and the signal at half its rate: a list of lists."""

    def __init__(self, channels: int, width: int = 10) -> None:
        super().__init__()
        self.model = nn.ModuleList([LayerList(channels, width) for _ in range(2)])

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        results = []
        for one in self.model:
            results.append(one(x))
            x = functional.avg_pool1d(x, 2)
        return results
