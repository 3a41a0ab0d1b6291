"""The ranking of findings and what a diagnosis says of itself."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
from observe import healthy_ns_gan, observe

from equipoise.checks.base import Check
from equipoise.checks.diagnosis import Diagnosis, judge, rank
from equipoise.checks.finding import Finding
from equipoise.history.observations import Observations


def _check(name: str, explains: tuple[str, ...] = (), stage: str = "dynamics") -> type[Check]:
    return type(name, (Check,), {"name": name, "code": "XX001", "explains": explains, "stage": stage})


def _finding(name: str, severity: str = "error", confidence: float = 0.9) -> Finding:
    return Finding("XX001", name, severity, confidence, "Something.")  # type: ignore[arg-type]


def _causes(findings: list[Finding], *checks: type[Check]) -> list[tuple[str, str | None]]:
    return [(f.name, f.caused_by) for f in rank(findings, {check.name: check for check in checks})]


def test_order_of_roots_is_severity_then_stage_then_confidence_then_name() -> None:
    checks = [_check("a"), _check("b", stage="wiring"), _check("c"), _check("d"), _check("e")]
    findings = [
        _finding("a", confidence=0.5),
        _finding("b", "warning"),
        _finding("e", confidence=0.6),
        _finding("d", confidence=0.6),
        _finding("c", "info"),
    ]
    assert [name for name, _ in _causes(findings, *checks)] == ["d", "e", "a", "b", "c"]


def test_a_warning_explains_an_error_and_comes_first() -> None:
    checks = [_check("cause", ("effect",), "data"), _check("effect")]
    found = _causes([_finding("effect"), _finding("cause", "warning")], *checks)
    assert found == [("cause", None), ("effect", "cause")]


def test_what_is_read_off_the_code_is_no_consequence() -> None:
    checks = [_check("cause", ("effect",), "data"), _check("effect")]
    exact = dataclasses.replace(_finding("effect"), details={"exact": True})
    assert _causes([exact, _finding("cause", "warning")], *checks) == [("effect", None), ("cause", None)]


def test_mere_info_explains_no_warning_but_other_info() -> None:
    checks = [_check("cause", ("effect",)), _check("effect")]
    assert dict(_causes([_finding("effect", "warning"), _finding("cause", "info")], *checks)) == {
        "effect": None,
        "cause": None,
    }
    assert dict(_causes([_finding("effect", "info"), _finding("cause", "info")], *checks)) == {
        "effect": "cause",
        "cause": None,
    }


def test_a_finding_may_say_itself_what_it_explains() -> None:
    checks = [_check("cause", ("effect",)), _check("effect")]
    silent = Finding("XX001", "cause", "error", 0.9, "Something.", explains=())
    assert dict(_causes([_finding("effect"), silent], *checks)) == {"effect": None, "cause": None}


def test_chains_lead_to_one_root() -> None:
    checks = [_check("a", ("b",)), _check("b", ("c",)), _check("c")]
    found = _causes([_finding("c"), _finding("b"), _finding("a", "warning")], *checks)
    assert found[0] == ("a", None)
    assert dict(found) == {"a": None, "b": "a", "c": "b"}


def test_the_root_itself_is_named_where_it_explains_directly() -> None:
    checks = [_check("a", ("b", "c")), _check("b", ("c",)), _check("c")]
    assert dict(_causes([_finding("c"), _finding("b"), _finding("a")], *checks))["c"] == "a"


def test_in_a_circle_the_first_in_order_is_the_root() -> None:
    checks = [_check("a", ("b",)), _check("b", ("c",)), _check("c", ("a",)), _check("d")]
    found = dict(
        _causes(
            [_finding("a", confidence=0.6), _finding("b", confidence=0.9), _finding("c", confidence=0.7)],
            *checks,
        )
    )
    assert found == {"b": None, "c": "b", "a": "c"}


def test_what_follows_from_a_circle_is_no_root_though_it_ranks_higher() -> None:
    checks = [_check("a", ("b",)), _check("b", ("a", "x")), _check("x")]
    found = dict(
        _causes([_finding("x", "error"), _finding("a", "warning"), _finding("b", "warning")], *checks)
    )
    assert found == {"a": None, "b": "a", "x": "b"}


def test_the_result_does_not_depend_on_the_order_of_the_findings() -> None:
    checks = [
        _check("a", ("b", "c")),
        _check("b", ("d",)),
        _check("c", ("d",)),
        _check("d", ("b",)),
        _check("e", ("a",)),
    ]
    findings = [_finding(name, severity) for name, severity in zip("abcde", ["warning", "error"] * 3)]
    results = {tuple(_causes(list(order), *checks)) for order in itertools.permutations(findings)}
    assert len(results) == 1


def test_every_consequence_leads_to_a_root_for_random_relations() -> None:
    import random

    chance = random.Random(0)
    names = "abcdefg"
    for _ in range(200):
        checks = [_check(n, tuple(chance.sample(names, chance.randrange(4)))) for n in names]
        findings = [_finding(n, chance.choice(["info", "warning", "error"]), chance.random()) for n in names]
        causes = dict(_causes(findings, *checks))
        assert set(causes) == set(names)
        for name in names:
            walked = []
            while causes[name] is not None:
                walked.append(name)
                name = causes[name]
                assert name not in walked


class Broken(Check):
    """Raises."""

    code, name, kinds = "XX002", "broken", ("passive",)

    def run(self, observations: Observations) -> Finding | None:
        raise RuntimeError("no")


class Unsure(Check):
    """Cannot tell."""

    code, name, kinds = "XX003", "unsure", ("probe",)

    def run(self, observations: Observations) -> Finding | None:
        return None

    def undecided(self, observations: Observations) -> str | None:
        return "It is open."


def test_a_broken_check_becomes_a_problem_and_hides_nothing() -> None:
    diagnosis = judge(healthy_ns_gan(), checks=[Broken, Unsure])
    assert diagnosis.undecided == ("It is open.",)
    assert "XX002 broken" in diagnosis.problems[0]
    assert diagnosis.healthy


def test_only_checks_of_the_wanted_kinds_run() -> None:
    assert judge(healthy_ns_gan(), kinds=["preflight"], checks=[Broken, Unsure]) == Diagnosis(
        step=3000,
        facts=healthy_ns_gan().facts,
        measured=judge(healthy_ns_gan(), checks=[]).measured,
    )


def test_a_range_mismatch_is_said_once() -> None:
    diagnosis = judge(
        observe(
            {
                "sample.real.low": 0.0,
                "score.auc": 0.9999,
                "score.accuracy.real": 1.0,
                "score.accuracy.fake": 1.0,
                "gradient.samples.relative": 0.001,
            },
            base=healthy_ns_gan(),
        )
    )
    assert diagnosis.findings[0].name == "range-mismatch"
    assert not diagnosis.healthy
    assert diagnosis.worst == "error"
    assert all(f.caused_by for f in diagnosis.findings[1:] if f.severity == "error")


def test_json_is_json() -> None:
    diagnosis = judge(healthy_ns_gan())
    read = json.loads(diagnosis.to_json())
    assert read["healthy"] is True
    assert read["objective"] == "non-saturating"
    assert "score.auc" in read["measured"]


def test_severity_decides_health() -> None:
    assert Diagnosis().worst is None
    assert Diagnosis((_finding("a", "info"),)).healthy
    assert not Diagnosis((_finding("a", "info"), _finding("b", "warning"))).healthy


@pytest.mark.parametrize("name", ["stale-gradients", "g-objective-sign"])
def test_a_nan_run_has_no_finding_of(name: str) -> None:
    found = [f.name for f in judge(Observations()).findings]
    assert name not in found


def test_what_most_healthy_runs_show_comes_last_and_the_commonest_last_of_all() -> None:
    checks = [_check("everywhere"), _check("often", stage="data"), _check("seldom", stage="advice")]

    def remark(name: str, background: int) -> Finding:
        return Finding("XX001", name, "info", 0.9, "Something.", details={"background": background})

    findings = [remark("everywhere", 2), remark("often", 1), remark("seldom", 0)]
    assert [name for name, _ in _causes(findings, *checks)] == ["seldom", "often", "everywhere"]
