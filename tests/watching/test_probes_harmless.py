"""Probes leave no trace in any loop, wherever in it they run, and their own faults stay inside."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from equipoise.errors import EquipoiseError
from equipoise.history.catalogue import PROBES as CATALOGUE
from equipoise.history.store import History
from equipoise.watching.probes import probe_all, run_probes
from equipoise.watching.probes.base import PROBES
from equipoise.watching.probes.batch_coupling import BatchCoupling
from equipoise.watching.watcher import Watcher


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"watching_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"watching_{name}_of_probes"] = module
    spec.loader.exec_module(module)
    return module


loops, tools = _load("loops"), _load("probing")
STEPS = 12


def randomness() -> tuple[Any, ...]:
    return (random.random(), float(np.random.rand()), float(torch.rand(())))


def seeded() -> None:
    random.seed(1)
    np.random.seed(1)


def state(modules: list[nn.Module]) -> list[Any]:
    return [
        entry
        for module in modules
        for entry in (
            *(value.clone() for value in module.state_dict().values()),
            *(
                torch.zeros(()) if parameter.grad is None else parameter.grad.clone()
                for parameter in module.parameters()
            ),
            torch.tensor([parameter.requires_grad for parameter in module.parameters()]),
            torch.tensor([part.training for part in module.modules()]),
        )
    ]


@pytest.mark.parametrize("name", sorted(loops.LOOPS))
def test_a_loop_trains_the_same_with_probes_in_its_midst(name: str) -> None:
    seeded()
    expected = state(loops.LOOPS[name](lambda generator, discriminator: None, STEPS))
    drawn = randomness()
    watchers: list[Watcher] = []
    rounds: list[Any] = []
    handles: list[Any] = []
    count = {"forward": 0, "update": 0}

    def due(kind: str, at: tuple[int, ...]) -> None:
        count[kind] += 1
        if count[kind] in at:
            rounds.extend(probe_all(watcher) for watcher in watchers)

    def attach(generator: nn.Module, discriminator: nn.Module) -> Watcher:
        watchers.append(Watcher(generator, discriminator, History(None), every=1))
        # Between a forward pass and its backward pass, graphs and all.
        handles.append(discriminator.register_forward_hook(lambda *_: due("forward", (8, 13))))
        return watchers[-1]

    handles.append(register_optimizer_step_post_hook(lambda *_: due("update", (9,))))
    seeded()
    try:
        actual = state(loops.LOOPS[name](attach, STEPS))
        assert randomness() == drawn
    finally:
        for handle in handles:
            handle.remove()
        for watcher in watchers:
            watcher.close()
    assert len(actual) == len(expected)
    assert all(torch.equal(own, other) for own, other in zip(actual, expected))
    for watcher in watchers:
        assert not [sentence for sentence in watcher.problems.sentences if "probe" in sentence]
    # It would be easy to leave no trace by doing nothing.
    ran = {result.name for one in rounds for result in one.results}
    assert {"batch-blindness", "gradient-anatomy", "one-feature"} <= ran


def example() -> Watcher:
    torch.manual_seed(0)
    batches = [tools.noise(32, 4, seed) for seed in range(4)]
    latents = [tools.noise(32, 3, 10 + seed) for seed in range(2)]
    return tools.remembering(nn.Linear(3, 4), nn.Linear(4, 1), batches, latents, objective="non-saturating")


def test_every_probe_of_the_catalogue_is_there() -> None:
    assert PROBES.names() == sorted(CATALOGUE)
    assert all(kind.name == name for name, kind in PROBES.items())


def test_results_are_stored_under_names_of_the_catalogue() -> None:
    watcher = example()
    results = run_probes(watcher)
    observed = watcher.history.observations()  # type: ignore[attr-defined]
    assert len(results) >= 11
    for result in results:
        stored = observed.probe(result.name)
        assert stored is not None
        for number in CATALOGUE[result.name].numbers:
            assert stored[number] == result[number] or np.isnan(result[number])


def test_a_probe_gives_the_same_twice() -> None:
    watcher = example()
    first, second = run_probes(watcher), run_probes(watcher)
    for one, other in zip(first, second):
        np.testing.assert_equal(dict(one.values), dict(other.values))


def test_without_anything_seen_every_probe_is_skipped_with_a_reason() -> None:
    watcher = Watcher(nn.Linear(3, 4), nn.Linear(4, 1), History(None))
    probed = probe_all(watcher)
    assert probed.results == []
    assert set(probed.skipped) == set(CATALOGUE)
    assert all(reason for reason in probed.skipped.values())
    assert watcher.problems.sentences == []


def test_an_unknown_probe_is_refused() -> None:
    with pytest.raises(EquipoiseError, match="diversity"):
        run_probes(example(), ["divresity"])


def test_a_fault_in_a_probe_is_a_sentence_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, material: object) -> dict[str, float]:
        torch.manual_seed(5)
        raise RuntimeError("a fault on purpose")

    monkeypatch.setattr(BatchCoupling, "measure", fail)
    watcher = example()
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    probed = probe_all(watcher, ["batch-coupling", "batch-blindness"])
    assert torch.equal(torch.rand(3), expected)
    assert [result.name for result in probed.results] == ["batch-blindness"]
    assert "a fault on purpose" in watcher.problems.sentences[0]
    assert not watcher.busy


def test_probes_run_under_no_grad_autocast_and_inference_mode() -> None:
    watcher = example()
    plain = {result.name: dict(result.values) for result in run_probes(watcher)}
    for context in (torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16)):
        with context:
            again = {result.name: dict(result.values) for result in run_probes(watcher)}
        assert not watcher.problems.sentences
        np.testing.assert_equal(again, plain)


def test_probes_work_with_a_network_that_cannot_be_called_twice_alike() -> None:
    class Broken(nn.Module):
        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            raise ValueError("this network fails")

    watcher = example()
    watcher.discriminator = Broken()
    probed = probe_all(watcher, ["batch-blindness", "layer-variance"])
    assert [result.name for result in probed.results] == ["layer-variance"]
    assert "this network fails" in watcher.problems.sentences[0]


def test_a_network_that_cannot_be_copied_is_one_sentence() -> None:
    class Held(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.stream = nn.Linear(4, 1), (value for value in range(3))

        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            return self.layer(samples)

    watcher = example()
    watcher.discriminator = Held()
    for _ in range(2):
        assert probe_all(watcher).results == []
    assert len(watcher.problems.sentences) == 1
    assert not watcher.busy
