"""What networks are like where their training begins, wherever in the script `watch` stands."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, SIZE, adam, data, names, noise, observed
from torch import nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher


@pytest.mark.parametrize("zeros", [True, False])
def test_networks_may_be_initialised_behind_watch(zeros: bool) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 16), nn.ReLU(), nn.Linear(16, SIZE), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(SIZE, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = Watcher(generator, discriminator, History(None), every=1)
    with torch.no_grad():
        for weight in discriminator.parameters():
            nn.init.zeros_(weight) if zeros else nn.init.normal_(weight, 0, 0.05)
    update_g, update_d = adam(generator), adam(discriminator)
    for _ in range(30):
        made = generator(noise())
        update_d.zero_grad()
        (F.softplus(-discriminator(data())) + F.softplus(discriminator(made.detach()))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(made)).mean().backward()
        update_g.step()
    seen = observed(watcher)
    spread = [layer["std"] for layer in seen.fact("discriminator.initialisation")]
    assert max(spread) == 0.0 if zeros else spread == pytest.approx([0.05] * len(spread), rel=0.3)
    assert ("init-sanity" in names(seen)) is zeros
