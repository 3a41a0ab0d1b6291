"""Which parameters the optimizers hold, also in loops that switch `requires_grad` on for a moment only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import nn

from equipoise.checks.diagnosis import judge
from equipoise.history.store import History
from equipoise.watching.preflight import preflight_observations
from equipoise.watching.unregistered import Hidden
from equipoise.watching.watcher import Watcher


class Styled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.synthesis = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.synthesis(self.mapping(z))


def phases(made: nn.Module, held: Iterable[nn.Parameter], *, train: Iterable[nn.Parameter]) -> Watcher:
    """A loop of phases: gradients are switched on for the backward pass of a phase and off again."""
    torch.manual_seed(0)
    judge_of = nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = Watcher(made, judge_of, History(None), every=1)
    update_g, update_d = torch.optim.Adam(held, 1e-3), torch.optim.Adam(judge_of.parameters(), 1e-3)
    switched = {made: list(train), judge_of: list(judge_of.parameters())}
    for network in switched:
        network.requires_grad_(False)
    for _ in range(60):
        for network, update in ((made, update_g), (judge_of, update_d)):
            update.zero_grad(set_to_none=True)
            for parameter in switched[network]:
                parameter.requires_grad_(True)
            fake = made(torch.randn(16, 4))
            if network is made:
                loss = nn.functional.softplus(-judge_of(fake)).mean()
            else:
                real = torch.randn(16, 3) + 1
                loss = nn.functional.softplus(-judge_of(real)).mean()
                loss = loss + nn.functional.softplus(judge_of(fake.detach())).mean()
            loss.backward()
            network.requires_grad_(False)
            update.step()
    watcher.close()
    assert watcher.problems.sentences == []
    return watcher


def said(watcher: Watcher) -> dict[str, Any]:
    history: Any = watcher.history
    diagnosis = judge(history.observations())
    return {finding.name: finding for finding in diagnosis.findings}


def share(watcher: Watcher) -> float:
    (entry,) = (one for one in watcher.optimizer_facts() if one["player"] == "generator")
    return float(entry["generator_share"])


def test_a_part_in_no_optimizer_is_counted_though_gradients_are_off_between_phases() -> None:
    made = Styled()
    watcher = phases(made, made.synthesis.parameters(), train=made.parameters())
    assert share(watcher) == 4 / 6
    findings = said(watcher)
    # The part's gradients are never cleared, which is a consequence.
    assert next(iter(findings)) == "optimizer-scope"
    assert findings["stale-gradients"].caused_by == "optimizer-scope"


def test_all_parameters_in_the_optimizer_are_all() -> None:
    made = Styled()
    watcher = phases(made, made.parameters(), train=made.parameters())
    assert share(watcher) == 1.0
    assert "optimizer-scope" not in said(watcher)


def test_a_part_that_is_frozen_for_good_is_not_counted() -> None:
    made = Styled()
    watcher = phases(made, made.synthesis.parameters(), train=made.synthesis.parameters())
    assert share(watcher) == 1.0
    assert "optimizer-scope" not in said(watcher)


class Listed(nn.Module):
    """Blocks in whatever container it is given."""

    def __init__(self, container: Any, *, refers_to: Any = None) -> None:
        super().__init__()
        self.enter = nn.Linear(4, 8)
        self.blocks = container
        self.leave = nn.Linear(8, 3)
        self.beside = refers_to

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        h = self.enter(z)
        for block in self.blocks.values() if isinstance(self.blocks, dict) else self.blocks:
            h = torch.relu(block[0](h) if isinstance(block, tuple) else block(h))
        return self.leave(h)


def blocks() -> list[nn.Module]:
    return [nn.Linear(8, 8), nn.Linear(8, 8)]


def hidden(made: Listed, *, more: Iterable[nn.Parameter] = ()) -> tuple[Any, bool]:
    watcher = phases(made, [*made.parameters(), *more], train=made.parameters())
    return watcher.facts.collect()["generator.unregistered"], "optimizer-scope" in said(watcher)


@pytest.mark.parametrize(
    "kind", [list, lambda some: {"a": some[0], "b": some[1]}, lambda some: [tuple(some)]]
)
def test_blocks_that_parameters_does_not_list_are_found(kind: Any) -> None:
    entry, found = hidden(Listed(kind(blocks())))
    used = 1 if kind([0, 1]) == [(0, 1)] else 2  # of the tuple only the first is called
    assert entry == {"places": ["blocks"], "parameters": used * 72}
    assert found


def test_registered_blocks_are_no_finding() -> None:
    assert hidden(Listed(nn.ModuleList(blocks()))) == (None, False)
    registered = nn.ModuleList(blocks())
    made = Listed(list(registered), refers_to=registered)
    assert hidden(made) == (None, False)


def test_blocks_in_a_list_that_the_optimizer_holds_are_no_finding() -> None:
    some = blocks()
    assert hidden(Listed(some), more=[p for block in some for p in block.parameters()]) == (None, False)


def test_a_list_that_refers_to_another_network_or_to_frozen_weights_is_no_finding() -> None:
    other = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 1))
    assert hidden(Listed(nn.ModuleList(blocks()), refers_to=[other])) == (None, False)
    frozen = nn.Linear(8, 8).requires_grad_(False)
    assert hidden(Listed([frozen])) == (None, False)
    around = Listed(nn.ModuleList(blocks()))
    around.beside = [around]
    assert Hidden(around).entry(set()) is None


def test_blocks_in_a_list_are_seen_before_training() -> None:
    made, judge_of = Listed(blocks()), nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    batch = torch.randn(32, 3)
    update_d = torch.optim.Adam(judge_of.parameters())
    held = torch.optim.Adam([*made.parameters(), *(p for one in made.blocks for p in one.parameters())])
    missing = preflight_observations(made, judge_of, torch.optim.Adam(made.parameters()), update_d, batch)
    assert missing.facts["generator.unregistered"] == {"places": ["blocks"], "parameters": 144}
    assert "optimizer-scope" in {one.name for one in judge(missing, kinds=["preflight"]).findings}
    whole = preflight_observations(made, judge_of, held, update_d, batch)
    assert whole.facts["generator.unregistered"] is None
    assert "optimizer-scope" not in {one.name for one in judge(whole, kinds=["preflight"]).findings}
