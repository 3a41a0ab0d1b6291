"""DistributedDataParallel and torch.compile around the networks: seen, recognised, and left alone."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from equipoise.checks.catalogue.role_undecided import RoleUndecided
from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

STEPS = 20
Wrap = Callable[[nn.Module], Any]


def compiled(module: nn.Module) -> Any:
    # aot_eager traces forward and backward as the default backend does and needs no C++ compiler.
    return torch.compile(module, backend="aot_eager")


@pytest.fixture
def one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not dist.is_available():
        pytest.skip("this build of torch has no torch.distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def train(wrap: Wrap, watch: str) -> tuple[list[torch.Tensor], Watcher | None]:
    """`watch`: nothing, the bare networks (before they are wrapped) or the wrapped ones."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = None
    if watch == "bare":
        watcher = Watcher(generator, discriminator, History(None), every=1)
    player_g, player_d = wrap(generator), wrap(discriminator)
    if watch == "wrapped":
        watcher = Watcher(player_g, player_d, History(None), every=1)
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    data = torch.randn(256, 6, generator=torch.Generator().manual_seed(1)) * 0.3 + 1
    for _ in range(STEPS):
        update_d.zero_grad()
        fake = player_g(torch.randn(32, 4))
        real_loss = F.softplus(-player_d(data[torch.randint(0, 256, (32,))])).mean()
        (real_loss + F.softplus(player_d(fake.detach())).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-player_d(fake)).mean().backward()
        update_g.step()
    weights = [value.clone() for net in (generator, discriminator) for value in net.state_dict().values()]
    return weights, watcher


def expect_everything_seen(wrap: Wrap, watch: str) -> None:
    plain, _ = train(wrap, "nothing")
    weights, watcher = train(wrap, watch)
    assert all(torch.equal(one, other) for one, other in zip(plain, weights, strict=True))
    assert watcher is not None
    assert watcher.problems.sentences == []
    facts = watcher.facts.collect()
    assert watcher.updates == {"generator": STEPS, "discriminator": STEPS}
    assert facts["roles.decided"] > 0.95
    assert facts["objective.family"] == "non-saturating"
    assert watcher.history.observations().last("objective.fit") < 0.02
    watcher.close()


@pytest.mark.parametrize("watch", ["bare", "wrapped"])
def test_distributed_data_parallel(one_process: None, watch: str) -> None:
    expect_everything_seen(nn.parallel.DistributedDataParallel, watch)


def test_a_compiled_module_that_is_given_as_it_is_called() -> None:
    expect_everything_seen(compiled, "wrapped")


def test_a_compiled_distributed_module(one_process: None) -> None:
    expect_everything_seen(lambda module: compiled(nn.parallel.DistributedDataParallel(module)), "wrapped")


def test_a_module_that_is_compiled_after_it_was_watched_is_reported_not_misjudged() -> None:
    plain, _ = train(compiled, "nothing")
    weights, watcher = train(compiled, "bare")
    assert all(torch.equal(one, other) for one, other in zip(plain, weights, strict=True))
    assert watcher is not None
    # Calls through the later wrapper are not seen; `role-undecided` says so instead of a clean bill.
    seen = watcher.history.observations()
    assert watcher.updates == {"generator": STEPS, "discriminator": STEPS}
    assert not len(seen.series("score.real.mean"))
    assert RoleUndecided().run(seen) is not None
    watcher.close()
