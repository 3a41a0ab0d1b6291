"""Train and eval mode in each network's own updates."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from equipoise.checks import judge
from equipoise.history.store import History
from equipoise.watching.modes import ModalLayers
from equipoise.watching.watcher import Watcher

ROWS = 32


def test_layers_that_differ_between_the_modes_are_counted() -> None:
    network = nn.Sequential(
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.Dropout(0.0),
        nn.Dropout(0.5),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
        nn.utils.spectral_norm(nn.Linear(4, 4)),
    )
    layers = ModalLayers(network)
    assert layers.kinds() == {"BatchNorm1d": 1, "Dropout": 1, "spectral norm": 2}
    assert layers.share() == 1.0
    network[1].eval()
    assert layers.share() == 0.75
    network[1].requires_grad_(False)  # kept as it is on purpose
    assert layers.share() == 1.0
    assert ModalLayers(nn.Linear(2, 2)).share() is None


@pytest.mark.parametrize("left", [None, "discriminator", "generator", "while-sampling"])
def test_a_network_left_in_eval_mode_is_named(left: str | None) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 12), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    one, other = (torch.optim.Adam(net.parameters(), 1e-3) for net in (generator, discriminator))
    if left in ("discriminator", "generator"):
        {"discriminator": discriminator, "generator": generator}[left].eval()
    watcher = Watcher(generator, discriminator, History())
    for _ in range(50):
        if left == "while-sampling":
            generator.eval()
        fake = generator(torch.randn(ROWS, 8)).detach()
        other.zero_grad()
        real = torch.tanh(torch.randn(ROWS, 12))
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
        other.step()
        if left == "while-sampling":
            generator.train()
            discriminator.eval()
        one.zero_grad()
        F.softplus(-discriminator(generator(torch.randn(ROWS, 8)))).mean().backward()
        one.step()
        if left == "while-sampling":
            discriminator.train()
    watcher.history.set_facts(watcher.facts.collect())
    seen = watcher.history.observations()
    seen.updates, seen.source = dict(watcher.updates), "live"
    watcher.close()
    named = [one for one in judge(seen).findings if one.name == "eval-drift"]
    if left in ("discriminator", "generator"):
        assert len(named) == 1
        assert named[0].severity == "warning"
        assert f"The {left} is trained in eval mode" in named[0].message
    else:
        assert named == []
        assert seen.recent("mode.generator").median() == 1 == seen.recent("mode.discriminator").median()
