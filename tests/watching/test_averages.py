"""Moving averages of the generator are found however they were made, and nothing else is taken for one."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from equipoise.history.store import History
from equipoise.watching.averages import Averages
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


def run(
    copied: Callable[[nn.Module], list[nn.Module]], *, seed: int, follows: bool = False, before: bool = False
) -> Watcher:
    """A generator whose copies are made behind `watch` (or before) and called in every fifth step.

    Each run needs a seed of its own: what an earlier test left alive would have the same first weights.
    """
    torch.manual_seed(seed)
    own, judge = generator(), nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    others = copied(own) if before else []
    watcher = Watcher(own, judge, History(None), every=1)
    others = others or copied(own)
    update_g, update_d = torch.optim.Adam(own.parameters(), 1e-2), torch.optim.Adam(judge.parameters(), 1e-2)
    for step in range(20):
        for update in (update_d, update_g):
            update.zero_grad()
            fake = own(torch.randn(32, 4))
            if update is update_g:
                (-judge(fake).mean()).backward()
            else:
                real = torch.randn(32, 6) + 2
                (torch.relu(1 - judge(real)).mean() + torch.relu(1 + judge(fake.detach())).mean()).backward()
            update.step()
        with torch.no_grad():
            if follows:
                for kept, new in zip(others[0].parameters(), own.parameters()):
                    kept.lerp_(new, 1 - DECAY)
            for other in others:
                if step % 5 == 0:
                    other(torch.randn(4, 4))
    watcher.close()
    assert watcher.problems.sentences == []
    watcher.kept = others  # type: ignore[attr-defined]
    return watcher


def fixed(own: nn.Module) -> nn.Module:
    return copy.deepcopy(own).eval().requires_grad_(False)


def test_a_copy_that_is_never_updated_is_told() -> None:
    (entry,) = run(lambda own: [fixed(own)], seed=11).facts.collect()["ema.untouched"]
    assert entry["calls"] == 4
    assert entry["updates"] > 10
    assert entry["moved"] > 0.01


def test_calls_of_a_copy_made_before_watching_are_counted_once_it_is_found() -> None:
    watcher = run(lambda own: [fixed(own)], seed=16, before=True)
    (entry,) = watcher.facts.collect()["ema.untouched"]
    assert entry["calls"] == 4
    watcher.kept[0](torch.randn(4, 4))  # type: ignore[attr-defined]
    assert watcher.facts.collect()["ema.untouched"][0]["calls"] == 4  # nothing listens after `close`
    assert not watcher.kept[0]._forward_hooks  # type: ignore[attr-defined]


def test_an_average_and_what_is_kept_beside_it_are_not_untouched() -> None:
    assert run(lambda own: [fixed(own)], seed=12, follows=True).facts.collect()["ema.untouched"] == []
    beside = run(lambda own: [fixed(own), fixed(own)], seed=13, follows=True)
    assert beside.facts.collect()["ema.untouched"] == []


def test_a_network_of_other_weights_and_none_at_all_are_not_untouched() -> None:
    other = run(lambda own: [generator().requires_grad_(False)], seed=14)
    assert other.facts.collect()["ema.untouched"] == []
    assert run(lambda own: [], seed=15).facts.collect()["ema.untouched"] == []


@pytest.mark.parametrize("decay", [0.99, 0.999, 0.9999])
@pytest.mark.parametrize("gap", [5, 25, 50])
def test_the_decay_is_measured_while_the_lag_still_grows(decay: float, gap: int) -> None:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))
    average, averages = copy.deepcopy(made), Averages()
    averages._known(average)
    update = torch.optim.Adam(made.parameters(), 1e-3)
    for step in range(1, 2 * gap + 1):
        given = torch.randn(64, 16)
        update.zero_grad()
        (made(given) - given.roll(1, 1)).square().mean().backward()
        update.step()
        with torch.no_grad():
            for mine, own in zip(average.parameters(), made.parameters()):
                mine.mul_(decay).add_(own, alpha=1 - decay)
        if step % gap == 0:
            averages.look(made, step)
    (entry,) = averages.facts()
    assert 1 - entry["decay"] == pytest.approx(1 - decay, rel=0.1)
