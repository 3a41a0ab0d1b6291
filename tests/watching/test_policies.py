"""Generators that learn by a reward: no gradient reaches them through the discriminator."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, ROWS, SIZE, adam, data, names, noise, observed
from torch import Tensor, nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher


@pytest.mark.parametrize("cleared", [True, False])
def test_a_weight_beside_the_output_gets_its_gradient_first_and_is_not_stale(cleared: bool) -> None:
    """A policy's own spread: the discriminator's reward brings no gradient, the policy's loss does."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    class Policy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean = nn.Sequential(nn.Linear(LATENT, 32), nn.Tanh(), nn.Linear(32, SIZE))
            self.spread = nn.Parameter(torch.zeros(SIZE) - 0.5)

        def forward(self, latent: Tensor) -> Tensor:
            mean: Tensor = self.mean(latent)
            return mean

    policy = Policy()
    watcher = Watcher(policy, discriminator, History(None))
    update_d, update_g = adam(discriminator), adam(policy)
    for _ in range(60):
        latent = noise()
        with torch.no_grad():
            made = policy(latent) + policy.spread.exp() * torch.randn(ROWS, SIZE)
        update_d.zero_grad()
        (F.softplus(-discriminator(data())).mean() + F.softplus(discriminator(made)).mean()).backward()
        update_d.step()
        with torch.no_grad():
            reward = discriminator(made).squeeze(1)
        chance = torch.distributions.Normal(policy(latent), policy.spread.exp()).log_prob(made).sum(1)
        if cleared:
            update_g.zero_grad()
        (-(chance * (reward - reward.mean())).mean()).backward()
        update_g.step()
    assert ("stale-gradients" in names(observed(watcher))) is not cleared
    # Nor has the discriminator's backward pass put it there: it was the policy's own loss.
    assert observed(watcher).series("gradient.generator.leak").largest() == 0
    assert "undetached-fakes" not in names(observed(watcher))


@pytest.mark.parametrize("stepped", [True, False])
def test_a_discriminator_of_tokens_that_is_never_stepped_is_named(stepped: bool) -> None:
    torch.manual_seed(0)
    generator, judge_of = (
        nn.Linear(LATENT, 5),
        nn.Sequential(nn.Embedding(5, 8), nn.Flatten(), nn.Linear(8, 1)),
    )
    watcher = Watcher(generator, judge_of, History(None))
    update_d, update_g = adam(judge_of), adam(generator)
    for _ in range(120):
        chance = torch.distributions.Categorical(logits=generator(noise()))
        made = chance.sample()
        with torch.no_grad():
            reward = judge_of(made[:, None]).squeeze(1)
        update_g.zero_grad()
        (-(chance.log_prob(made) * reward).mean()).backward()
        update_g.step()
        update_d.zero_grad()
        real = torch.randint(0, 2, (ROWS, 1))
        (F.softplus(-judge_of(real)).mean() + F.softplus(judge_of(made[:, None])).mean()).backward()
        if stepped:
            update_d.step()
    assert ("frozen-network" in names(observed(watcher))) is not stepped


@pytest.mark.parametrize("wrong", [True, False])
def test_one_target_for_all_batches_is_named_though_no_role_is_known(wrong: bool) -> None:
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(LATENT, 32), nn.Tanh(), nn.Linear(32, SIZE))
    discriminator = nn.Sequential(nn.Linear(2 * SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    watcher = Watcher(policy, discriminator, History(None))
    update_d, update_g = adam(discriminator), adam(policy)
    for _ in range(120):
        latent = noise()
        with torch.no_grad():
            made = torch.cat([data(), policy(latent) + torch.randn(ROWS, SIZE)], dim=1)
        update_d.zero_grad()
        judged = discriminator(torch.cat([data(), data()], dim=1))
        (
            F.softplus(-judged).mean() + F.softplus((-1 if wrong else 1) * discriminator(made)).mean()
        ).backward()
        update_d.step()
        with torch.no_grad():
            reward = discriminator(made).squeeze(1)
        chance = torch.distributions.Normal(policy(latent), 1.0).log_prob(made[:, SIZE:]).sum(1)
        update_g.zero_grad()
        (-(chance * reward).mean()).backward()
        update_g.step()
    assert ("d-objective-sign" in names(observed(watcher))) is wrong


@pytest.mark.parametrize("stepped", [True, False])
def test_a_discriminator_of_actions_that_is_never_stepped_is_named(stepped: bool) -> None:
    """GAIL: pairs of states and actions, none of which is the policy's output."""
    torch.manual_seed(0)
    policy, judge_of = nn.Linear(LATENT, 2), nn.Linear(LATENT + 2, 1)
    watcher = Watcher(policy, judge_of, History(None), every=1)
    update_d, update_g = adam(judge_of), adam(policy)
    for _ in range(120):
        states, expert = noise(), noise()
        with torch.no_grad():
            made = policy(states) + torch.randn(ROWS, 2)
        own = judge_of(torch.cat([states, made], 1))
        update_d.zero_grad()
        (F.softplus(-judge_of(torch.cat([expert, expert[:, :2]], 1))) + F.softplus(own)).mean().backward()
        if stepped:
            update_d.step()
        reward = own.detach().squeeze(1)
        chance = torch.distributions.Normal(policy(states), 1.0).log_prob(made).sum(1)
        update_g.zero_grad()
        (-(chance * (reward - reward.mean())).mean()).backward()
        update_g.step()
    assert ("frozen-network" in names(observed(watcher))) is not stepped
