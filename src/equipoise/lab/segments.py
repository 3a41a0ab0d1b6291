"""Two parallel segments that do not touch, a generator that starts on one of them, and their distance."""

from __future__ import annotations

import math

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

# Between the two segments; the Wasserstein distance at the start.
GAP = 2.0


class SegmentGenerator(nn.Module):
    """A curve: z ~ N(0, 1) to (-1, u) + network(u), where u = erf(z / sqrt 2) is uniform in (-1, 1).

    The network's last layer starts at zero, so the curve starts as the segment x = -1.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(1, width)
        self.last = nn.Linear(width, 2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, latent: Tensor) -> Tensor:
        place = torch.erf(latent / math.sqrt(2))
        start = torch.cat([torch.full_like(place, 1 - GAP), place], dim=1)
        shift: Tensor = self.last(torch.tanh(self.hidden(place)))
        return start + shift


def segment(count: int, random: torch.Generator) -> Tensor:
    """Reals: (1, y) with y uniform in [-1, 1]."""
    height = 2 * torch.rand(count, generator=random) - 1
    return torch.stack([torch.ones(count), height], dim=1)


def transport_distance(fakes: Tensor, reals: Tensor) -> float:
    """The Wasserstein-1 distance of two samples of equal size, by the best assignment."""
    cost = torch.cdist(fakes.double(), reals.double()).numpy()
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())
