"""The second half: declared completely, apart from the first corpus, and its loops run."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch

from benchmarks.failures import outcome, run, score
from benchmarks.failures.configurations import Run, all_runs, find_run, second_runs
from benchmarks.failures.execute import execute
from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import KINDS
from benchmarks.failures.parts import Case
from benchmarks.failures.second.parts import STEPS, make_parts
from benchmarks.failures.second.planted import NOT_PLANTED
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY
from benchmarks.failures.second.sources import NAMES
from benchmarks.failures.second.styles import SECOND_STYLES
from benchmarks.failures.sources import load_source
from benchmarks.failures.split import HALVES, SECOND, half_of
from benchmarks.failures.styles import STYLES

RUNS = second_runs()


def test_there_are_enough_runs_and_their_names_are_unique() -> None:
    names = Counter(run.name for run in RUNS)
    assert max(names.values()) == 1
    assert sum(run.faulty for run in RUNS) >= 75
    assert sum(not run.faulty for run in RUNS) >= 35
    assert len(set(SECOND_FAULTS) - set(FAULTS)) >= 12
    assert len(SECOND_FAULTS) >= 40
    assert {run.seed for run in RUNS} == {0}
    assert find_run(RUNS[0].name) == RUNS[0]


def test_it_shares_no_data_and_no_loop_with_the_first_corpus() -> None:
    first = all_runs()
    assert not {run.case.data for run in RUNS} & {run.case.data for run in first}
    assert not {run.case.style for run in RUNS} & {run.case.style for run in first}
    assert not {run.name for run in RUNS} & {run.name for run in first}
    assert not set(SECOND_STYLES) & set(STYLES)
    assert {half_of(run.configuration) for run in RUNS} == {SECOND}
    assert {half_of(run.configuration) for run in first} == set(HALVES)


def test_every_loop_and_every_data_set_is_used_by_faulty_and_by_healthy_runs() -> None:
    for faulty in (True, False):
        cases = [run.case for run in RUNS if run.faulty is faulty]
        assert {case.style for case in cases} == set(SECOND_STYLES)
        assert {case.data for case in cases} == set(NAMES) == set(STEPS)


def test_declarations_are_complete_and_name_checks() -> None:
    checks = pytest.importorskip("equipoise.checks")
    known = set(checks.CHECKS.names())
    for fault in SECOND_FAULTS.values():
        assert fault.description, fault.name
        assert fault.source, fault.name
        assert fault.expected, fault.name
        assert fault.kind in KINDS, fault.name
        assert fault.severity in ("info", "warning"), fault.name
        assert fault.cases, fault.name
        assert not fault.right & set(fault.forbidden), fault.name
        assert all(fault.equivalents.values()), fault.name
        assert fault.right | set(fault.forbidden) <= known, fault.name
    for variant in SECOND_HEALTHY.values():
        assert variant.description, variant.name
        assert set(variant.tolerated) <= known, variant.name
    assert all(NOT_PLANTED.values())


def test_a_replanted_operator_keeps_what_was_declared_for_it() -> None:
    shared = set(SECOND_FAULTS) & set(FAULTS)
    assert len(shared) >= 50
    for name in shared:
        first, second = FAULTS[name], SECOND_FAULTS[name]
        assert (first.expected, first.equivalents, first.forbidden, first.severity) == (
            second.expected,
            second.equivalents,
            second.forbidden,
            second.severity,
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_finite_scaled_and_has_bounds(name: str) -> None:
    source = load_source(name)
    assert torch.isfinite(source.samples).all()
    assert len(source.samples) == len(source.labels) == len(source.raw)
    assert len(source.held_out) >= 400
    assert int(source.labels.max()) + 1 <= source.classes
    if source.kind in ("image", "sequence"):
        assert float(source.samples.abs().max()) <= 1.0
    assert outcome.FAILED[name] < outcome.GOOD[name]


@pytest.mark.parametrize("name", ["moons", "checkerboard", "spirals", "gaussians", "cancer", "ecg"])
def test_the_outcome_tells_fresh_samples_from_noise(name: str) -> None:
    style = "sequence" if name == "ecg" else "closures"
    parts = make_parts(Case(style, "bce", name), 0)
    source = parts.source
    chosen = torch.randperm(len(source.samples), generator=torch.Generator().manual_seed(1))[:1000]
    assert outcome.measure(parts, lambda count: source.samples[chosen[:count]])["good"]
    # Far from the data; noise over the board itself would pass, for coverage does not see what lies between.
    wide = 20.0 * torch.rand(1000, *source.shape, generator=torch.Generator().manual_seed(2)) - 10.0
    assert outcome.measure(parts, lambda count: wide[:count])["failed"]
    assert outcome.measure(parts, lambda count: source.samples[:1].expand(count, *source.shape))["failed"]


@pytest.mark.parametrize(
    "run",
    [
        next(run for run in RUNS if run.case.style == s and run.faulty is f)
        for s in SECOND_STYLES
        for f in (True, False)
    ],
    ids=lambda run: run.name,
)
def test_two_loops_of_every_style_run(run: Run) -> None:
    result = execute(run, steps=3)
    assert result["error"] is None, result.get("traceback")
    assert len(json.dumps(result)) < 4096
    assert 0.0 <= result["outcome"]["quality"] <= 1.0


def test_the_runner_takes_the_second_half_alone(tmp_path, capsys) -> None:
    for each in RUNS:
        (tmp_path / f"{each.name}.json").write_text("{}")
    assert run.main(["--half", "second", "--seeds", "0", "--no-watch", "--out", str(tmp_path)]) == 0
    assert f"{len(RUNS)} runs, {len(RUNS)} already there" in capsys.readouterr().out


def test_the_second_half_is_scored_apart() -> None:
    one = next(run for run in RUNS if run.faulty and run.variant.severity == "warning")
    record = {
        "name": one.name,
        "configuration": one.configuration,
        "planted": {
            "fault": one.variant.name,
            "expected": list(one.variant.expected),
            "equivalents": [],
            "forbidden": [],
            "severity": "warning",
        },
        "error": None,
        "proof": {"label_holds": True},
        "diagnosis": {
            "findings": [{"name": one.variant.expected[0], "severity": "warning", "confidence": 0.9}]
        },
        "early": {},
    }
    result = score.score([record])
    assert result["second"]["faulty_runs"] == 1
    assert result["second"]["right_code_first"] == 1.0
    assert result["reported"]["faulty_runs"] == result["calibration"]["faulty_runs"] == 0
    assert result["operators_second"][0]["operator"] == one.variant.name
