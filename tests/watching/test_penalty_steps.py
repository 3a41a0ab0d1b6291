"""A gradient penalty that is sent back in an update of its own, before or behind that of the scores."""

from __future__ import annotations

import pytest
import torch
from small_pair import adam
from torch import nn

import equipoise

ROWS, SIZE, LATENT = 16, 6, 4


def trained(order: str) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 16), nn.ReLU(), nn.Linear(16, SIZE), nn.Tanh())
    critic = nn.Sequential(nn.Linear(SIZE, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g, update_d = adam(generator), adam(critic)
    monitor = equipoise.watch(generator, critic, every=1)
    for _ in range(30):
        real = (0.3 * torch.randn(ROWS, SIZE)).tanh()
        fake = generator(torch.randn(ROWS, LATENT)).detach()

        def score(real: torch.Tensor = real, fake: torch.Tensor = fake) -> None:
            update_d.zero_grad()
            (critic(fake).mean() - critic(real).mean()).backward()
            update_d.step()

        def penalise(real: torch.Tensor = real, fake: torch.Tensor = fake) -> None:
            share = torch.rand(ROWS, 1)
            points = (share * real + (1 - share) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
            update_d.zero_grad()
            (10 * (slope.norm(dim=1) - 1).square().mean()).backward()
            update_d.step()

        for part in {"behind": (score, penalise), "before": (penalise, score), "never": (score,)}[order]:
            part()
        update_g.zero_grad()
        (-critic(generator(torch.randn(ROWS, LATENT))).mean()).backward()
        update_g.step()
    monitor.close()
    return monitor


@pytest.mark.parametrize("order", ["behind", "before", "never"])
def test_the_scores_of_one_step_and_the_penalty_of_the_other_are_both_read(order: str) -> None:
    observations = trained(order).observations()
    assert observations.fact("objective.discriminator") == "wasserstein"
    assert set(observations.series("penalty.applied").values) == {0.0 if order == "never" else 1.0}
    assert len(observations.series("score.auc")) >= 25
