"""The contestants of the benchmarks compute the same thing, so that their times may be compared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts_find_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    # The scripts are run as files, which puts their folder first on the path, and this sets the threads.
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 10, 10)])
def test_the_published_loop_and_ours_update_the_weights_alike(shape: tuple[int, int, int]) -> None:
    import throughput

    torch.manual_seed(0)
    reals = torch.rand(throughput.BATCH, *shape) * 2 - 1
    assert throughput.updates_differ(2, shape, reals) < 0.01


def test_the_check_of_the_contestants_notices_another_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    import throughput

    def other(*arguments: object) -> object:
        return original(*arguments, True)

    original = throughput.published_loop
    monkeypatch.setattr(throughput, "published_loop", other)
    reals = torch.rand(throughput.BATCH, 1, 10, 10) * 2 - 1
    assert throughput.updates_differ(2, (1, 10, 10), reals) > 0.1


@pytest.mark.parametrize("order", [1, 2])
def test_the_broadcast_form_and_ours_agree(order: int) -> None:
    import minibatch_discrimination as benchmark

    pair, _ = benchmark.layers()
    results = {name: benchmark.call(layer, order, 6)() for name, layer in pair.items()}
    assert benchmark.difference(results["ours"], results["theirs"]) < 1e-4


def test_a_power_law_is_found() -> None:
    import scaling

    sizes = [8, 16, 32, 64]
    assert scaling.exponent(sizes, [3.0 * size**1.7 for size in sizes]) == pytest.approx(1.7)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_peak_of_a_call_is_what_it_allocates() -> None:
    import _memory

    def allocate() -> None:
        torch.ones(16 * 2**20)  # 64 MB

    assert _memory.peak_megabytes(allocate) == pytest.approx(64, rel=0.1)
