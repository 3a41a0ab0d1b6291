"""A vocoder in small: what it is given, its generator, and discriminators that keep their features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm


def mel(signal: Tensor) -> Tensor:
    """What a vocoder is given, in small: level, loudness and roughness of each channel in frames of eight."""
    rough = functional.pad(signal.diff(dim=-1).abs(), (0, 1))
    return torch.cat([functional.avg_pool1d(x, 8) for x in (signal, signal.abs(), rough)], dim=1)


class Vocoder(nn.Module):
    """From frames to a waveform: transposed convolutions with weight norm, and a residual block each."""

    def __init__(self, frames: int, channels: int, width: int = 16) -> None:
        super().__init__()
        self.pre = weight_norm(nn.Conv1d(frames, width, 5, 1, 2))
        self.ups = nn.ModuleList([weight_norm(nn.ConvTranspose1d(width, width, 4, 2, 1)) for _ in range(3)])
        self.blocks = nn.ModuleList([weight_norm(nn.Conv1d(width, width, 5, 1, 2)) for _ in range(3)])
        self.post = weight_norm(nn.Conv1d(width, channels, 7, 1, 3))

    def forward(self, frames: Tensor) -> Tensor:
        h = self.pre(frames)
        for up, block in zip(self.ups, self.blocks, strict=True):
            h = up(functional.leaky_relu(h, 0.1))
            h = h + block(functional.leaky_relu(h, 0.1))
        return torch.tanh(self.post(functional.leaky_relu(h, 0.1)))


class ScaleDiscriminator(nn.Module):
    """Convolutions that keep their features; returns the flattened score and the list of them."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        sizes = ((channels, width), (width, width), (width, 2 * width))
        self.convs = nn.ModuleList([weight_norm(nn.Conv1d(i, o, 5, 2, 2)) for i, o in sizes])
        self.post = weight_norm(nn.Conv1d(2 * width, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.1)
            features.append(x)
        return torch.flatten(self.post(x), 1), features


class ManyScales(nn.Module):
    """The signal, and the signal at half its rate; two lists, of scores and of features."""

    def __init__(self, channels: int, width: int = 8) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList([ScaleDiscriminator(channels, width) for _ in range(2)])

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        scores, features = [], []
        for position, one in enumerate(self.discriminators):
            score, kept = one(functional.avg_pool1d(x, 2) if position else x)
            scores.append(score)
            features.append(kept)
        return scores, features
