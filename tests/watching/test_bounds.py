"""A gradient's largest value that keeps coming back is a bound, unless the critic's slope is constant."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import equipoise


def clipping(tmp_path, bound: float | None, weights: float | None) -> object:
    """What a run of thirty updates noticed, with the gradients or the critic's weights clipped by value."""
    torch.manual_seed(0)
    generator, critic = nn.Linear(4, 2), nn.Linear(2, 1, bias=False)
    optimizers = [torch.optim.SGD(one.parameters(), 1e-2) for one in (critic, generator)]
    monitor = equipoise.watch(generator, critic, history=str(tmp_path / "history.sqlite"), every=1)
    for _ in range(30):
        for optimizer in optimizers:
            fakes = generator(torch.randn(16, 4))
            if optimizer is optimizers[0]:
                loss = critic(fakes.detach()).mean() - critic(torch.randn(16, 2) + 1).mean()
            else:
                loss = -critic(fakes).mean()
            optimizer.zero_grad()
            loss.backward()
            if bound is not None and optimizer is optimizers[1]:
                nn.utils.clip_grad_value_(generator.parameters(), bound)
            optimizer.step()
            if weights is not None:
                with torch.no_grad():
                    for parameter in critic.parameters():
                        parameter.clamp_(-weights, weights)
    facts = monitor.diagnose().facts
    monitor.close()
    return facts.get("gradient.clipping")


@pytest.mark.parametrize("bound", [1e-3, 1e-6])
def test_a_bound_by_value_is_noticed(tmp_path, bound: float) -> None:
    found = clipping(tmp_path, bound, None)
    assert found == {"player": "generator", "kind": "value", "bound": pytest.approx(bound)}


@pytest.mark.parametrize("weights", [0.01, 1e-6])
def test_the_constant_slope_of_a_critic_with_clipped_weights_is_no_bound(tmp_path, weights: float) -> None:
    assert clipping(tmp_path, None, weights) is None


def test_neither_is_a_gradient_that_changes(tmp_path) -> None:
    assert clipping(tmp_path, None, None) is None


def test_weights_that_stand_still_are_no_clipped_weights(tmp_path) -> None:
    """A critic that nobody trains keeps its largest weight; no two weights share it, as behind a clamp."""
    torch.manual_seed(0)
    generator, critic = nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(critic.parameters(), 0.0)
    monitor = equipoise.watch(generator, critic, history=str(tmp_path / "history.sqlite"), every=1)
    for _ in range(20):
        for optimizer in (update_d, update_g):
            fakes = generator(torch.randn(16, 4))
            loss = critic(fakes.detach()).mean() - critic(torch.randn(16, 2)).mean()
            loss = loss if optimizer is update_d else -critic(fakes).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert monitor.diagnose().facts["weight.clipping"] is None
    monitor.close()
