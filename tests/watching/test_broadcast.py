"""Scores of shape (N, 1) against mixed targets of shape (N,), and the mistake that looks like it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

BATCH, STEPS = 32, 40


def train(targets: Tensor, squeeze: bool, sigmoid: bool = False) -> dict[str, object]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    loss: nn.Module = nn.MSELoss()
    if sigmoid:
        discriminator.append(nn.Sigmoid())
        loss = nn.BCELoss()
    for _ in range(STEPS):
        update_d.zero_grad()
        fake = generator(torch.randn(BATCH, 4))
        both = torch.cat([torch.randn(BATCH, 6) * 0.3 + 1, fake.detach()])
        scores = discriminator(both)
        loss(scores.squeeze(1) if squeeze else scores, targets).backward()
        update_d.step()
        update_g.zero_grad()
        loss(discriminator(fake).squeeze(1), torch.ones(BATCH)).backward()
        update_g.step()
    facts = watcher.facts.collect()
    watcher.close()
    return facts


MIXED = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])


def test_a_table_of_all_scores_and_targets_pulls_to_their_mean() -> None:
    assert train(MIXED, squeeze=False)["shape.broadcast"] is True


def test_the_same_shape_is_none() -> None:
    assert train(MIXED, squeeze=True)["shape.broadcast"] is False


def test_one_label_for_reals_and_fakes_is_another_mistake() -> None:
    for sigmoid in (False, True):
        facts = train(torch.ones(2 * BATCH), squeeze=True, sigmoid=sigmoid)
        assert facts["shape.broadcast"] is False
