"""One of the two terms of a relativistic average loss with the wrong target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equipoise.checks import judge
from equipoise.history.store import History
from equipoise.watching.fingerprint import Batch
from equipoise.watching.halves import half_turned
from equipoise.watching.watcher import Watcher

ROWS = 32


def terms(first: Tensor, second: Tensor, turned: str | None, hinge: bool) -> Tensor:
    """Mean f(first - mean second) + mean f(mean first - second), with one or no term turned round."""
    ahead, behind = first - second.mean(), first.mean() - second
    ahead = -ahead if turned == "first" else ahead
    behind = -behind if turned == "second" else behind
    if hinge:
        return F.relu(1 - ahead).mean() + F.relu(1 - behind).mean()
    return F.softplus(-ahead).mean() + F.softplus(-behind).mean()


@pytest.mark.parametrize("hinge", [False, True])
@pytest.mark.parametrize("turned", [None, "first", "second"])
def test_slopes_by_autograd_show_the_turned_term(hinge: bool, turned: str | None) -> None:
    torch.manual_seed(1)
    batches = []
    for shift in (0.0, 0.7, 1.4):
        real = (torch.randn(ROWS, dtype=torch.float64) + shift).requires_grad_()
        fake = torch.randn(ROWS, dtype=torch.float64).requires_grad_()
        sent = torch.autograd.grad(0.5 * terms(real, fake, turned, hinge), (real, fake))
        made = torch.autograd.grad(0.5 * terms(fake, real, turned, hinge), fake)[0]
        batches.append(
            Batch(
                real=real.detach().numpy(),
                real_slope=ROWS * sent[0].numpy(),
                fake=fake.detach().numpy(),
                fake_slope=ROWS * sent[1].numpy(),
                generator=fake.detach().numpy(),
                generator_slope=ROWS * made.numpy(),
                generator_real=real.detach().numpy(),
            )
        )
    family = "relativistic-average-hinge" if hinge else "relativistic-average"
    expected = {} if turned is None else {"discriminator": family, "generator": family}
    assert half_turned(batches) == expected


def test_other_losses_are_not_taken_for_it() -> None:
    random = np.random.default_rng(0)
    batches = [
        Batch(real=real, real_slope=-1 / (1 + np.exp(real)), fake=fake, fake_slope=1 / (1 + np.exp(-fake)))
        for real, fake in (random.normal(size=(2, 64)) for _ in range(4))
    ]
    assert half_turned(batches) == {}


@pytest.mark.parametrize("wrong", [None, "discriminator", "generator"])
def test_the_player_with_the_wrong_half_is_named(wrong: str | None) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 12), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(12, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    one, other = (torch.optim.Adam(net.parameters(), 1e-3) for net in (generator, discriminator))
    watcher = Watcher(generator, discriminator, History(None))
    for _ in range(60):
        real, fake = torch.tanh(torch.randn(ROWS, 12) * 0.5 + 0.4), generator(torch.randn(ROWS, 8))
        one.zero_grad()
        judged = discriminator(real).detach()
        turned = "second" if wrong == "generator" else None
        terms(discriminator(fake), judged, turned, hinge=False).backward()
        one.step()
        other.zero_grad()
        turned = "second" if wrong == "discriminator" else None
        terms(discriminator(real), discriminator(fake.detach()), turned, hinge=False).backward()
        other.step()
    watcher.history.set_facts(watcher.facts.collect())
    seen = watcher.history.observations()
    seen.updates, seen.source = dict(watcher.updates), "live"
    assert watcher.problems.sentences == []
    watcher.close()
    named = {"d-objective-sign": "discriminator", "g-objective-sign": "generator"}
    found = [finding.name for finding in judge(seen).findings if finding.severity == "error"]
    assert [named[name] for name in found if name in named] == ([] if wrong is None else [wrong])
