"""Which parameters the optimizers hold, also in loops that switch `requires_grad` on for a moment only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from equipoise.checks.diagnosis import judge
from equipoise.history.store import History
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
