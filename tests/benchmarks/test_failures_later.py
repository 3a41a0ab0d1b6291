"""The halves that were written later: complete, apart from all earlier runs, and their loops run."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch

from benchmarks.failures import outcome, run, score
from benchmarks.failures.configurations import (
    Run,
    all_runs,
    fifth_runs,
    find_run,
    fourth_runs,
    later_runs,
    second_runs,
    sixth_runs,
    third_runs,
)
from benchmarks.failures.execute import execute
from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import KINDS, Fault
from benchmarks.failures.fifth import sources as fifth_sources
from benchmarks.failures.fourth import sources as fourth_sources
from benchmarks.failures.healthy import HEALTHY
from benchmarks.failures.later import HALVES_WRITTEN_LATER
from benchmarks.failures.parts import Case
from benchmarks.failures.sixth import sources as sixth_sources
from benchmarks.failures.sixth.usual import USUAL
from benchmarks.failures.sources import load_source
from benchmarks.failures.split import FIFTH, FOURTH, HALVES, LATER, SECOND, SIXTH, THIRD, half_of
from benchmarks.failures.styles import STYLES

RUNS = {half: later_runs(half) for half in LATER}
# Faulty runs, healthy runs, operators, and how many of these are new: at least.
SIZES = {
    SECOND: (75, 35, 40, 12),
    THIRD: (105, 40, 90, 25),
    FOURTH: (150, 50, 125, 30),
    FIFTH: (230, 60, 190, 0),
    SIXTH: (200, 45, 180, 0),
}
# One style and family for each data set with which fresh samples and noise are measured.
MEASURED = {
    **dict.fromkeys(["moons", "checkerboard", "spirals", "gaussians", "cancer"], Case("closures", "bce", "")),
    "ecg": Case("sequence", "bce", ""),
    **dict.fromkeys(["rings", "swissroll", "survey", "waves", "shapes", "patches"], Case("valid", "bce", "")),
    **dict.fromkeys(fourth_sources.NAMES, Case("stepping", "bce", "")),
    **dict.fromkeys(fifth_sources.NAMES, Case("notebook", "bce", "")),
    **dict.fromkeys(sixth_sources.NAMES, Case("collection", "bce", "")),
}


def earlier_faults(half: str) -> dict[str, Fault]:
    """The operators of everything that was written before a half; those declared first win."""
    found: dict[str, Fault] = {}
    for earlier in reversed(LATER[: LATER.index(half)]):
        found |= HALVES_WRITTEN_LATER[earlier].faults
    return found | FAULTS


def test_the_short_names_are_the_halves() -> None:
    assert second_runs() == RUNS[SECOND]
    assert third_runs() == RUNS[THIRD]
    assert fourth_runs() == RUNS[FOURTH]
    assert fifth_runs() == RUNS[FIFTH]
    assert sixth_runs() == RUNS[SIXTH]


def test_the_fifth_half_has_every_known_operator_by_its_rule_and_no_other() -> None:
    """Those of the first corpus in two loops and on two data sets, the others in one; or it says why not."""
    written, known = HALVES_WRITTEN_LATER[FIFTH], earlier_faults(FIFTH)
    assert set(written.faults) | set(written.not_planted) == set(known)
    for name, fault in written.faults.items():
        cases = 1 if name in written.not_planted or name not in FAULTS else 2
        assert len(fault.cases) == cases, name
        assert len({case.style for case in fault.cases}) == cases, name
        assert len({case.data for case in fault.cases}) == cases, name


def test_the_fifth_half_has_every_healthy_variant() -> None:
    earlier = set(HEALTHY).union(
        *(HALVES_WRITTEN_LATER[half].healthy for half in LATER[: LATER.index(FIFTH)])
    )
    assert set(HALVES_WRITTEN_LATER[FIFTH].healthy) == earlier


def test_the_sixth_half_has_every_known_operator_by_its_rule_and_no_other() -> None:
    """The most usual faults in two loops and on two data sets, the others in one; or it says why not."""
    written, known = HALVES_WRITTEN_LATER[SIXTH], earlier_faults(SIXTH)
    assert set(written.faults) | set(written.not_planted) == set(known)
    assert not set(written.faults) & set(written.not_planted)
    for name, fault in written.faults.items():
        cases = 2 if name in USUAL else 1
        assert len(fault.cases) == cases, name
        assert len({case.style for case in fault.cases}) == cases, name
        assert len({case.data for case in fault.cases}) == cases, name


def test_the_sixth_half_trains_every_loop_healthily_at_least_twice() -> None:
    styles = Counter(run.case.style for run in RUNS[SIXTH] if not run.faulty)
    assert set(styles) == set(HALVES_WRITTEN_LATER[SIXTH].styles)
    assert min(styles.values()) >= 2


@pytest.mark.parametrize("half", LATER)
def test_there_are_enough_runs_and_their_names_are_unique(half: str) -> None:
    runs, written = RUNS[half], HALVES_WRITTEN_LATER[half]
    faulty, healthy, operators, new = SIZES[half]
    assert max(Counter(run.name for run in runs).values()) == 1
    assert sum(run.faulty for run in runs) >= faulty
    assert sum(not run.faulty for run in runs) >= healthy
    assert len(written.faults) >= operators
    assert len(set(written.faults) - set(earlier_faults(half))) >= new
    assert {run.seed for run in runs} == {0}
    assert find_run(runs[0].name) == runs[0]


@pytest.mark.parametrize("half", LATER)
def test_it_shares_no_data_and_no_loop_with_anything_earlier(half: str) -> None:
    earlier = [*all_runs(), *(run for one in LATER[: LATER.index(half)] for run in RUNS[one])]
    runs = RUNS[half]
    assert not {run.case.data for run in runs} & {run.case.data for run in earlier}
    assert not {run.case.style for run in runs} & {run.case.style for run in earlier}
    assert not {run.name for run in runs} & {run.name for run in earlier}
    assert not set(HALVES_WRITTEN_LATER[half].styles) & set(STYLES)
    assert {half_of(run.configuration) for run in runs} == {half}
    assert {half_of(run.configuration) for run in all_runs()} == set(HALVES)


@pytest.mark.parametrize("half", LATER)
def test_every_loop_and_every_data_set_is_used_by_faulty_and_by_healthy_runs(half: str) -> None:
    written = HALVES_WRITTEN_LATER[half]
    for faulty in (True, False):
        cases = [run.case for run in RUNS[half] if run.faulty is faulty]
        assert {case.style for case in cases} == set(written.styles)
        assert {case.data for case in cases} == set(written.data)


@pytest.mark.parametrize("half", LATER)
def test_declarations_are_complete_and_name_checks(half: str) -> None:
    checks = pytest.importorskip("equipoise.checks")
    known, written = set(checks.CHECKS.names()), HALVES_WRITTEN_LATER[half]
    for fault in written.faults.values():
        assert fault.description, fault.name
        assert fault.source, fault.name
        assert fault.expected, fault.name
        assert fault.kind in KINDS, fault.name
        assert fault.severity in ("info", "warning"), fault.name
        assert fault.cases, fault.name
        assert not fault.right & set(fault.forbidden), fault.name
        assert all(fault.equivalents.values()), fault.name
        assert fault.right | set(fault.forbidden) <= known, fault.name
    for variant in written.healthy.values():
        assert variant.description, variant.name
        assert set(variant.tolerated) <= known, variant.name
    assert all(written.not_planted.values())


@pytest.mark.parametrize("half", LATER)
def test_a_replanted_operator_keeps_what_was_declared_for_it(half: str) -> None:
    now, before = HALVES_WRITTEN_LATER[half].faults, earlier_faults(half)
    shared = set(now) & set(before)
    assert len(shared) >= 50
    for name in shared:
        first, later = before[name], now[name]
        assert (first.expected, first.equivalents, first.forbidden, first.severity) == (
            later.expected,
            later.equivalents,
            later.forbidden,
            later.severity,
        )


@pytest.mark.parametrize("name", [name for half in LATER for name in HALVES_WRITTEN_LATER[half].data])
def test_a_data_set_is_finite_scaled_and_has_bounds(name: str) -> None:
    source = load_source(name)
    assert torch.isfinite(source.samples).all()
    assert len(source.samples) == len(source.labels) == len(source.raw)
    assert len(source.held_out) >= 400
    assert int(source.labels.max()) + 1 <= source.classes
    if source.kind in ("image", "sequence"):
        assert float(source.samples.abs().max()) <= 1.0 + 1e-6
    assert outcome.FAILED[name] < outcome.GOOD[name]


@pytest.mark.parametrize("name", MEASURED)
def test_the_outcome_tells_fresh_samples_from_noise(name: str) -> None:
    half = next(half for half in LATER if name in HALVES_WRITTEN_LATER[half].data)
    case = MEASURED[name]
    parts = HALVES_WRITTEN_LATER[half].make_parts(Case(case.style, case.family, name), 0)
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
        next(run for run in RUNS[half] if run.case.style == style and run.faulty is faulty)
        for half in LATER
        for style in HALVES_WRITTEN_LATER[half].styles
        for faulty in (True, False)
    ],
    ids=lambda run: run.name,
)
def test_two_loops_of_every_style_run(run: Run) -> None:
    result = execute(run, steps=3)
    assert result["error"] is None, result.get("traceback")
    assert len(json.dumps(result)) < 4096
    assert 0.0 <= result["outcome"]["quality"] <= 1.0


@pytest.mark.parametrize("half", LATER)
def test_the_runner_takes_a_half_alone(half: str, tmp_path, capsys) -> None:
    for each in RUNS[half]:
        (tmp_path / f"{each.name}.json").write_text("{}")
    assert run.main(["--half", half, "--seeds", "0", "--no-watch", "--out", str(tmp_path)]) == 0
    count = len(RUNS[half])
    assert f"{count} runs, {count} already there" in capsys.readouterr().out


@pytest.mark.parametrize("half", LATER)
def test_a_half_is_scored_apart(half: str) -> None:
    one = next(run for run in RUNS[half] if run.faulty and run.variant.severity == "warning")
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
    assert result[half]["faulty_runs"] == 1
    assert result[half]["right_code_first"] == 1.0
    assert result["reported"]["faulty_runs"] == result["calibration"]["faulty_runs"] == 0
    assert not {other for other in LATER if other != half} & set(result)
    assert result[f"operators_{half}"][0]["operator"] == one.variant.name
