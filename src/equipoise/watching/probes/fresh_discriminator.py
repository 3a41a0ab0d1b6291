"""Can a small discriminator trained from scratch tell the remembered reals from fresh fakes?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.descent import Adam
from equipoise.watching.probes.material import ROWS, Material, ProbeSkipped
from equipoise.watching.statistics import auc

_STEPS = 200
_FEWEST = 32
_BATCH = 32
# A picture or sequence of fewer values along an axis is smaller than the kernels.
_SHORTEST = 4
_RATE = 2e-3
# Below this mean training loss it separates; more steps would tell nothing more.
_SEPARATES = 0.02


@PROBES.register("fresh-discriminator")
class FreshDiscriminator(Probe):
    """A small network is trained on one half of the samples and judged on the other half.

    It is an independent witness: AUC one half says that the fakes are as good as that network can see,
    whatever the loop's own discriminator says.
    """

    name = "fresh-discriminator"

    def measure(self, material: Material) -> dict[str, float]:
        reals = material.reals.cpu()
        fakes = material.fake_samples(min(ROWS, len(reals))).cpu().float()
        count = min(len(reals), len(fakes))
        if count < _FEWEST:
            raise ProbeSkipped(f"fewer than {_FEWEST} different reals and fakes were seen")
        if fakes.shape[1:] != reals.shape[1:]:
            raise ProbeSkipped("fakes and reals have different shapes")
        reals, fakes = reals[:count], fakes[:count]
        half = count // 2
        network, steps = separate(reals[:half], fakes[:half])
        with torch.no_grad():
            value = auc(network(reals[half:]).squeeze(1), network(fakes[half:]).squeeze(1))
        discriminator = material.discriminator()
        own = math.nan
        if math.isfinite(material.orientation):
            own_reals = material.real_scores(discriminator)[half:count]
            own = float(auc(own_reals, material.fake_scores(discriminator, count)[half:]))
        return {"auc": float(value), "auc.own": own, "steps": float(steps)}


def small_network(shape: tuple[int, ...]) -> nn.Module:
    """Two hidden layers: convolutions for pictures and sequences, fully connected ones for vectors.

    What is shorter than the kernels along an axis is a vector too: a sequence of few channels, times first.
    """
    if len(shape) not in (2, 3) or min(shape[1:]) < _SHORTEST:
        width = math.prod(shape)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(width, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
        )  # fmt: skip
    convolution = nn.Conv2d if len(shape) == 3 else nn.Conv1d
    stride = max(2, math.ceil(max(shape[1:]) / 16))
    first = convolution(shape[0], 12, 2 * stride, stride, padding=stride // 2)
    second = convolution(12, 24, 4, 2, padding=2)
    body = nn.Sequential(first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), nn.Flatten())
    with torch.no_grad():
        width = body(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(body, nn.Linear(width, 1))


def separate(reals: Tensor, fakes: Tensor) -> tuple[nn.Module, int]:
    """Train the small network to tell one set from the other; returns it and the number of steps used."""
    both = torch.cat([reals, fakes])
    mean, spread = both.mean(), both.std().clamp(min=1e-6)
    if both.ndim == 2:
        mean, spread = both.mean(dim=0), both.std(dim=0).clamp(min=1e-6)
    torch.manual_seed(0)
    network = small_network(tuple(reals.shape[1:]))
    optimizer = Adam(list(network.parameters()), _RATE)
    random = torch.Generator().manual_seed(0)
    reals, fakes = (reals - mean) / spread, (fakes - mean) / spread
    recent = math.log(2)
    used = 0
    while used < _STEPS and recent >= _SEPARATES:
        used += 1
        rows = torch.randint(0, len(reals), (2, min(_BATCH, len(reals))), generator=random)
        score = network(torch.cat([reals[rows[0]], fakes[rows[1]]])).squeeze(1)
        sign = torch.ones_like(score)
        sign[: rows.shape[1]] = -1.0
        loss = nn.functional.softplus(sign * score).mean()
        optimizer.step(loss)
        recent = 0.9 * recent + 0.1 * float(loss.detach())
    return nn.Sequential(_Standardised(mean, spread), network), used


class _Standardised(nn.Module):
    def __init__(self, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread

    def forward(self, samples: Tensor) -> Tensor:
        return (samples - self.mean) / self.spread
