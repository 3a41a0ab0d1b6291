"""Whether a loop's penalty on dD/dx reaches the weights, in loops that have it, half have it, or do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher


def slope(scores: Tensor, samples: Tensor, graph: bool) -> Tensor:
    return torch.autograd.grad(scores.sum(), samples, create_graph=graph, retain_graph=True)[0]


def train(kind: str, steps: int = 4) -> dict[str, float]:
    """The largest of each signal in a plain GAN with R1, or with what looks like it."""
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(3, 5), nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_g, update_d = (torch.optim.SGD(net.parameters(), 0.1) for net in (generator, discriminator))
    for _ in range(steps):
        real = torch.randn(6, 5).requires_grad_(kind != "none")
        fake = generator(torch.randn(6, 3)).detach()
        scores = discriminator(real)
        loss = softplus(discriminator(fake)).mean() + softplus(-scores).mean()
        if kind == "r1":
            loss = loss + slope(scores, real, True).square().sum(1).mean()
        elif kind == "no graph":
            loss = loss + slope(scores, real, False).square().sum(1).mean()
        elif kind == "number":
            loss = loss + slope(scores, real, True).square().sum(1).mean().item()
        elif kind == "moved":
            moved = real.detach() + 0.1 * slope(scores, real, False).sign()
            loss = loss + softplus(-discriminator(moved)).mean()
        update_d.zero_grad()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        softplus(-discriminator(generator(torch.randn(6, 3)))).mean().backward()
        update_g.step()
    observations = watcher.history.observations()
    watcher.close()
    names = ("applied", "sent", "without_graph")
    return {name: observations.series(f"penalty.{name}").largest() for name in names}


@pytest.mark.parametrize(
    ("kind", "applied", "sent", "without_graph"),
    [
        ("none", 0, 0, 0),
        ("no penalty, but reals with a gradient", 0, 0, 0),
        ("r1", 1, 1, 0),
        ("number", 1, 0, 0),
        ("no graph", 0, 0, 1),
        ("moved", 0, 0, 0),
    ],
)
def test_what_is_computed_and_sent_back(kind: str, applied: int, sent: int, without_graph: int) -> None:
    assert train(kind) == {"applied": applied, "sent": sent, "without_graph": without_graph}
