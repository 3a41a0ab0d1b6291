"""The corpus of faulty and healthy trainings: complete, well formed, and its loops run."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
import torch

from benchmarks.failures import outcome, score
from benchmarks.failures.configurations import Run, all_runs
from benchmarks.failures.execute import execute
from benchmarks.failures.faults import B5, FAULTS, NOT_PLANTED
from benchmarks.failures.faults.base import KINDS
from benchmarks.failures.healthy import HEALTHY
from benchmarks.failures.parts import Case, make_parts
from benchmarks.failures.smoke import smoke_runs
from benchmarks.failures.sources import load_source, ring_points
from benchmarks.failures.split import HALVES, assign, half_of
from benchmarks.failures.styles import STYLES

RUNS = all_runs()


def test_names_are_unique_and_there_are_enough_runs() -> None:
    names = Counter(run.name for run in RUNS)
    assert not [name for name, count in names.items() if count > 1]
    assert sum(run.faulty for run in RUNS) >= 200
    assert sum(not run.faulty for run in RUNS) >= 80
    assert len(FAULTS) >= 30
    assert {run.seed for run in RUNS} == {0, 1, 2}


def test_every_operator_of_the_research_is_planted_or_explained() -> None:
    planted = {item for fault in FAULTS.values() for item in fault.b5}
    assert planted | set(NOT_PLANTED) == set(B5)
    assert not planted & set(NOT_PLANTED)


def test_every_style_family_and_data_set_is_used_by_faulty_and_by_healthy_runs() -> None:
    for faulty in (True, False):
        cases = [run.case for run in RUNS if run.faulty is faulty]
        assert {case.style for case in cases} == set(STYLES)
        assert {case.data for case in cases} == {"ring", "digits", "fashion", "table", "sequence"}
        assert {case.family for case in cases} >= {"bce", "lsgan", "hinge", "wgan-clip", "wgan-gp", "rahinge"}


def test_declarations_are_complete() -> None:
    for fault in FAULTS.values():
        assert fault.description, fault.name
        assert fault.source, fault.name
        assert fault.expected, fault.name
        assert fault.kind in KINDS, fault.name
        assert fault.severity in ("info", "warning"), fault.name
        assert fault.cases, fault.name
        assert not fault.right & set(fault.forbidden), fault.name
        assert all(fault.equivalents.values()), fault.name
    for variant in HEALTHY.values():
        assert variant.description, variant.name


def test_expected_names_are_checks() -> None:
    checks = pytest.importorskip("equipoise.checks")
    known = set(checks.CHECKS.names()) if len(checks.CHECKS) else set()
    if not known:
        pytest.skip("no check is registered yet")
    for fault in FAULTS.values():
        assert set(fault.expected) <= known, fault.name
        assert set(fault.forbidden) <= known, fault.name


def test_the_split_is_by_operator_and_data_and_both_halves_see_almost_every_operator() -> None:
    configurations = {run.configuration for run in RUNS}
    counts = Counter(half_of(configuration) for configuration in configurations)
    assert set(counts) == set(HALVES)
    assert abs(counts["calibration"] - counts["reported"]) <= 0.12 * len(configurations)
    halves: dict[str, set[str]] = {}
    for configuration in configurations:
        halves.setdefault(configuration.rsplit("/", 1)[0], set()).add(half_of(configuration))
    several = {c.rsplit("/", 1)[0] for c in configurations}
    several = {o for o in several if sum(c.rsplit("/", 1)[0] == o for c in configurations) > 1}
    assert all(halves[operator] == set(HALVES) for operator in several)
    for run in RUNS:  # never by seed or style
        assert half_of(run.configuration) == assign([r.configuration for r in RUNS])[run.configuration]
        break


@pytest.mark.parametrize(
    "run",
    [
        next(run for run in RUNS if run.case.style == style and run.faulty is faulty)
        for style in STYLES
        for faulty in (True, False)
    ],
    ids=lambda run: run.name,
)
def test_two_loops_of_every_style_run(run: Run) -> None:
    result = execute(run, steps=3)
    assert result["error"] is None, result.get("traceback")
    assert result["case"]["steps"] == 3
    assert len(json.dumps(result)) < 4096
    assert 0.0 <= result["outcome"]["quality"] <= 1.0


def test_a_run_is_the_same_twice() -> None:
    run = next(run for run in RUNS if run.name == "healthy--ordinary--tutorial-bce-ring--s0")
    first, second = execute(run, steps=5), execute(run, steps=5)
    assert first["losses_at_end"] == second["losses_at_end"]
    assert first["outcome"] == second["outcome"]


def test_the_watch_is_called_with_both_networks_and_its_monitor_is_asked() -> None:
    asked: list[str] = []

    class Monitor:
        def diagnose(self) -> None:
            asked.append("diagnose")

        def probe(self) -> None:
            asked.append("probe")

        def close(self) -> None:
            asked.append("close")

    networks = []

    def watch(generator: torch.nn.Module, discriminator: torch.nn.Module) -> Monitor:
        networks.append((generator, discriminator))
        return Monitor()

    run = next(run for run in RUNS if run.case.style == "class-trainer" and not run.faulty)
    assert execute(run, watch, steps=20)["error"] is None
    assert len(networks) == 1
    assert all(isinstance(network, torch.nn.Module) for network in networks[0])
    assert asked == ["diagnose", "diagnose", "diagnose", "probe", "close"]


def test_a_crash_of_a_run_becomes_its_error() -> None:
    def watch(generator: torch.nn.Module, discriminator: torch.nn.Module) -> None:
        raise ValueError("planted")

    result = execute(RUNS[0], watch, steps=2)
    assert result["error"] == "ValueError: planted"


def test_the_outcome_measures_tell_good_from_bad() -> None:
    parts = make_parts(Case("tutorial", "bce", "ring"), 0)
    good = outcome.measure(parts, lambda count: ring_points(count, seed=99)[0])
    assert good["good"]
    assert good["modes"] == 8
    assert good["coverage"] > 0.9
    one = outcome.measure(parts, lambda count: ring_points(4 * count, seed=99)[0][:1].expand(count, 2))
    assert one["failed"]
    assert one["modes"] <= 1
    assert math.isclose(one["spread"], 0.0, abs_tol=1e-6)
    digits = make_parts(Case("tutorial", "bce", "digits"), 0)
    samples = load_source("digits").samples
    assert outcome.measure(digits, lambda count: samples[:count])["good"]
    assert outcome.measure(digits, lambda count: torch.rand(count, 1, 8, 8) * 2 - 1)["failed"]
    assert outcome.measure(digits, lambda count: torch.full((count, 1, 8, 8), math.nan))["failed"]


def _record(found: list[tuple[str, str]], **planted: object) -> dict:
    return {
        "name": "n",
        "configuration": "fault/double-sigmoid/ring",
        "planted": planted,
        "error": None,
        "proof": {"label_holds": True},
        "diagnosis": {
            "findings": [{"name": name, "severity": severity, "confidence": 0.9} for name, severity in found]
        },
        "early": {"0.10": [[name, severity, 0.9] for name, severity in found[:1]]},
    }


def test_a_verdict_is_judged_by_name_rank_and_severity() -> None:
    fault = {
        "fault": "double-sigmoid",
        "expected": ["logit-loss-mismatch"],
        "equivalents": ["loss-fingerprint"],
        "forbidden": ["mode-collapse"],
        "severity": "warning",
    }
    right = score.judge(_record([("logit-loss-mismatch", "error"), ("x", "warning")], **fault))
    assert right["detected"]
    assert right["first"]
    assert right["root_first"]
    assert right["early"]["0.10"]
    second = score.judge(_record([("mode-collapse", "warning"), ("loss-fingerprint", "warning")], **fault))
    assert second["detected"]
    assert not second["first"]
    assert second["forbidden"] == ["mode-collapse"]
    assert not second["early"]["0.10"]
    quiet = score.judge(_record([("logit-loss-mismatch", "info")], **fault))
    assert not quiet["detected"]
    assert score.judge(_record([("logit-loss-mismatch", "info")], **{**fault, "severity": "info"}))["first"]


def test_a_false_alarm_is_counted_and_a_tolerated_warning_is_not() -> None:
    planted = {"healthy": "batchnorm-in-critic-that-works", "tolerated": ["batch-coupling"]}
    judged = score.judge(_record([("batch-coupling", "warning"), ("instability", "warning")], **planted))
    assert judged["warnings"] == ["instability"]
    assert judged["errors"] == []
    assert score.judge(_record([("batch-coupling", "error")], **planted))["errors"] == ["batch-coupling"]


def test_the_smoke_subset_is_eight_faulty_and_four_healthy_runs() -> None:
    runs = smoke_runs()
    assert sum(run.faulty for run in runs) == 8
    assert sum(not run.faulty for run in runs) == 4


def test_committed_runs_are_small() -> None:
    folder = Path(score.__file__).parent / "runs"
    for path in folder.glob("*.json"):
        assert path.stat().st_size < 4096, path.name
