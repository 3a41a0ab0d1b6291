"""The moving average of the generator, buffers included."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from equipoise.training.configuration import EmaSection
from equipoise.validation import Interval, check_parameter


class ExponentialMovingAverage:
    """Weights that follow a network's weights slowly: ``average = w * average + (1 - w) * current``.

    Floating-point buffers (the running statistics of batch normalisation) are averaged with the same weight,
    so that they belong to the averaged weights. Copied instead are whole-number buffers and the
    power-iteration vectors of spectral normalisation, whose average would no longer have length one.

    Args:
        network: what to follow; the average starts as its copy.
        settings: half-life or decay, and ramp-up.

    The weight w of a step that took n samples, after `seen` samples in all (this step's included):

    * with a half-life h: ``w = 0.5 ** (n / min(h, ramp_up * seen))``;
    * with a decay: ``w = min(decay, (1 + t) / (10 + t))`` at the t-th update, counted from 0.

    Source: half-life in samples and its ramp-up as in the code of Karras et al., StyleGAN2-ADA (2020); the
    second ramp is the one of TensorFlow's ExponentialMovingAverage.

    Example:
        >>> network = nn.Linear(1, 1, bias=False)
        >>> average = ExponentialMovingAverage(network, EmaSection(half_life=10, ramp_up=None))
        >>> with torch.no_grad():
        ...     before = network.weight.clone()
        ...     _ = network.weight.add_(1)
        >>> average.update(network, samples=10)
        >>> torch.allclose(average.network.weight, before + 0.5)
        True
    """

    def __init__(self, network: nn.Module, settings: EmaSection) -> None:
        self.settings = settings
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.samples_seen = 0
        self.updates = 0

    def weight(self, samples: int) -> float:
        """The weight of the past in the update that follows; see the class."""
        check_parameter("samples", samples, Interval(int, 1))
        if self.settings.decay is not None:
            return min(self.settings.decay, (1 + self.updates) / (10 + self.updates))
        half_life = self.settings.half_life
        if half_life is None:
            return 0.0
        if self.settings.ramp_up is not None:
            half_life = min(half_life, self.settings.ramp_up * (self.samples_seen + samples))
        return float(0.5 ** (samples / half_life))

    @torch.no_grad()
    def update(self, network: nn.Module, samples: int) -> None:
        """Take in the network after a step of `samples` samples (of all processes)."""
        weight = self.weight(samples)
        averages: list[Tensor] = []
        currents: list[Tensor] = []
        copied = _copied_buffers(network)
        for name, average, current in _pairs(self.network, network):
            if average.is_floating_point() and name not in copied:
                averages.append(average)
                currents.append(current)
            else:
                average.copy_(current)
        torch._foreach_lerp_(averages, currents, 1.0 - weight)
        self.samples_seen += samples
        self.updates += 1


def _pairs(average: nn.Module, network: nn.Module) -> Iterable[tuple[str, Tensor, Tensor]]:
    currents = dict(network.named_parameters()) | dict(network.named_buffers())
    for name, tensor in [*average.named_parameters(), *average.named_buffers()]:
        yield name, tensor, currents[name]


def _copied_buffers(network: nn.Module) -> set[str]:
    return {
        f"{prefix}.{name}"
        for prefix, module in network.named_modules()
        if type(module).__name__ in {"_SpectralNorm", "SpectralNorm", "UnitSpectralNorm"}
        for name, _ in module.named_buffers(recurse=False)
    }
