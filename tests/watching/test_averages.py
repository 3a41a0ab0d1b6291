"""Moving averages of the generator are found however they were made, and nothing else is taken for one."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

DECAY, STEPS = 0.9, 60


def generator() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 6))


def train(made: Callable[[nn.Module], nn.Module], *, averaged: bool, call: bool = False) -> Watcher:
    torch.manual_seed(0)
    own, judge = generator(), nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    other = made(own)
    watcher = Watcher(own, judge, History(None), every=1)
    update_g, update_d = torch.optim.Adam(own.parameters(), 1e-2), torch.optim.Adam(judge.parameters(), 1e-2)
    update_other = torch.optim.SGD(other.parameters(), 1e-1)
    for _ in range(STEPS):
        update_d.zero_grad()
        fake = own(torch.randn(32, 4))
        real = torch.randn(32, 6) + 2
        (torch.relu(1 - judge(real)).mean() + torch.relu(1 + judge(fake.detach())).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-judge(fake).mean()).backward()
        update_g.step()
        if averaged:
            with torch.no_grad():
                for kept, new in zip(other.parameters(), own.parameters()):
                    kept.mul_(DECAY).add_(new, alpha=1 - DECAY)
        else:
            update_other.zero_grad()
            other(torch.randn(32, 4)).square().mean().backward()
            update_other.step()
            update_other.zero_grad()
    watcher.close()
    assert watcher.problems.sentences == []
    # Kept alive until here: averages are referred to weakly.
    assert len(list(other.parameters())) > 0
    watcher.kept = other  # type: ignore[attr-defined]
    return watcher


def loaded(own: nn.Module) -> nn.Module:
    other = generator()
    other.load_state_dict(own.state_dict())
    return other.requires_grad_(False)


@pytest.mark.parametrize("made", [copy.deepcopy, loaded])
def test_an_average_made_before_watching_is_found(made: Callable[[nn.Module], nn.Module]) -> None:
    (known,) = train(made, averaged=True).facts.collect()["ema"]
    assert known["decay"] == pytest.approx(DECAY, abs=0.03)
    assert known["buffers_copied"] is False


def test_another_network_of_the_same_class_is_no_average() -> None:
    assert train(copy.deepcopy, averaged=False).facts.collect()["ema"] == []


def test_the_part_with_all_the_weights_and_a_wrapper_are_no_averages() -> None:
    torch.manual_seed(0)
    body = generator()
    own, judge = nn.Sequential(body, nn.Tanh()), nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    wrapper = nn.Sequential(own, nn.Identity())
    watcher = Watcher(own, judge, History(None), every=1)
    update_g, update_d = torch.optim.Adam(own.parameters(), 1e-2), torch.optim.Adam(judge.parameters(), 1e-2)
    # Our own copies hold such a part too, and follow the generator from record to record.
    for _ in range(3 * STEPS):
        # Gradients are cleared behind the step, so that none shows between the steps.
        fake = wrapper(torch.randn(32, 4))
        (
            torch.relu(1 - judge(torch.randn(32, 6))).mean() + torch.relu(1 + judge(fake.detach())).mean()
        ).backward()
        update_d.step()
        update_d.zero_grad()
        (-judge(fake).mean()).backward()
        update_g.step()
        update_g.zero_grad()
    watcher.close()
    assert watcher.facts.collect()["ema"] == []
