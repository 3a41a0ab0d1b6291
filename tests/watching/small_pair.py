"""A small pair, its data and what is read of a run, for tests of loops that are written out in full."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equipoise.checks import judge
from equipoise.history.observations import Observations
from equipoise.watching.watcher import Watcher

SIZE, LATENT, ROWS = 12, 8, 32


def adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.9))


def data() -> Tensor:
    return torch.tanh(torch.randn(ROWS, SIZE) * 0.5 + 0.4)


def noise() -> Tensor:
    return torch.randn(ROWS, LATENT)


def observed(watcher: Watcher) -> Observations:
    watcher.history.set_facts(watcher.facts.collect())
    seen: Observations = watcher.history.observations()
    seen.updates, seen.source = dict(watcher.updates), "live"
    assert watcher.problems.sentences == []
    watcher.close()
    return seen


def names(seen: Observations) -> list[str]:
    return [finding.name for finding in judge(seen).findings if finding.severity != "info"]
