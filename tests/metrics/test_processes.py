"""Metrics that are fed in two processes and synchronised equal one that has seen everything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import torch
from torch import multiprocessing

from equipoise.metrics.base import METRICS, Metric

NAMES = ["frechet-distance", "density-coverage", "mixture-modes", "classifier-score"]


def streams(seed: int, count: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    fake, real = torch.randn(2, count, 4, generator=random)
    return {"fake": fake, "real": real, "fake_probabilities": fake.softmax(1)}


def fed(name: str, *batches: dict[str, torch.Tensor]) -> Metric:
    metric = METRICS.get(name).example()
    for batch in batches:
        metric.update(**{stream: rows for stream, rows in batch.items() if stream in metric.streams})
    return metric


def work(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    values = {}
    for name in NAMES:
        metric = fed(name, streams(rank, 40 + 20 * rank))
        metric.synchronise()
        values[name] = [score.value for score in metric.compute()]
    torch.save(values, Path(folder) / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without torch.distributed")
def test_two_processes_equal_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(rank, port, str(tmp_path))) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    expected = {
        name: [score.value for score in fed(name, streams(0, 40), streams(1, 60)).compute()] for name in NAMES
    }
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        for name in NAMES:
            assert found[name] == pytest.approx(expected[name], rel=1e-9)


def test_without_processes_nothing_happens() -> None:
    metric = fed("vendi", streams(0, 40))
    before = metric.compute()
    metric.synchronise()
    assert metric.compute() == before
