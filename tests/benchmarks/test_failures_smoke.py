"""A few runs of the failure benchmark, watched for real: the right finding, and no error on healthy runs."""

from __future__ import annotations

import pytest

import equipoise
from benchmarks.failures.execute import execute
from benchmarks.failures.smoke import smoke_runs

RUNS = sorted(smoke_runs(), key=lambda run: run.name)
FAULTY = [run for run in RUNS if run.faulty][:4]
HEALTHY = [run for run in RUNS if not run.faulty][:2]


@pytest.mark.parametrize("run", FAULTY, ids=lambda run: run.name)
def test_a_planted_fault_is_found(run) -> None:
    result = execute(run, equipoise.watch)
    assert result["error"] is None
    right = set(result["planted"]["expected"]) | set(result["planted"]["equivalents"])
    assert right & {finding["name"] for finding in result["diagnosis"]["findings"]}


@pytest.mark.parametrize("run", HEALTHY, ids=lambda run: run.name)
def test_a_healthy_run_has_no_error(run) -> None:
    result = execute(run, equipoise.watch)
    assert result["error"] is None
    assert "error" not in {finding["severity"] for finding in result["diagnosis"]["findings"]}
