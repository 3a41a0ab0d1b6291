"""From observations to a verdict: run the checks, separate causes from consequences, rank."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from equipoise.checks.base import CHECKS, Check, CheckKind
from equipoise.checks.calibration import calibrated
from equipoise.checks.finding import SEVERITIES, Finding
from equipoise.history.observations import Observations

_STAGES = ("wiring", "data", "numerics", "supply", "diversity", "dynamics", "advice")


@dataclass(frozen=True)
class Diagnosis:
    """A verdict on a run.

    Attributes:
        findings: ranked, most probable root cause first; consequences carry `caused_by` and come after it.
        step: the step the verdict is about.
        undecided: what cannot be told from what was measured, each with the probe that would tell.
        problems: sensors that were switched off and why.
        source: `live`, `history`, `log` or `preflight`.
        missing: for a plain log, what it does not hold.
    """

    findings: tuple[Finding, ...] = ()
    step: int = 0
    undecided: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    source: str = "live"
    missing: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """True when there is neither an error nor a warning."""
        return all(finding.severity == "info" for finding in self.findings)

    @property
    def worst(self) -> str | None:
        """The highest severity among the findings, or None."""
        return max((finding.severity for finding in self.findings), key=SEVERITIES.index, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {
            "healthy": self.healthy,
            "step": self.step,
            "source": self.source,
            "findings": [finding.to_json() for finding in self.findings],
            "undecided": list(self.undecided),
            "problems": list(self.problems),
            "missing": list(self.missing),
            "objective": self.facts.get("objective.family"),
        }

    def to_json(self) -> str:
        """The verdict as a JSON document."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        from equipoise.checks.rendering import plain_text

        return plain_text(self)

    def _repr_html_(self) -> str:
        from equipoise.checks.rendering import notebook_html

        return notebook_html(self)


def judge(
    observations: Observations,
    kinds: Iterable[CheckKind] = ("preflight", "passive", "probe"),
    checks: Sequence[type[Check]] | None = None,
) -> Diagnosis:
    """Run every check of the given kinds and rank what they find.

    A check that raises does not take the others with it: its failure becomes one of the `problems`.
    """
    wanted = set(kinds)
    findings: list[Finding] = []
    undecided: list[str] = []
    problems = [str(problem) for problem in observations.facts.get("problems") or ()]
    classes = [check for _, check in CHECKS.items()] if checks is None else list(checks)
    for check_class in classes:
        if not wanted & set(check_class.kinds):
            continue
        check = check_class()
        try:
            found = check.run(observations)
            if found is not None:
                findings.append(calibrated(found))
            elif (sentence := check.undecided(observations)) is not None:
                undecided.append(sentence)
        except Exception as error:  # noqa: BLE001  a broken check must not hide the other verdicts
            problems.append(f"The check {check_class.code} {check_class.name} failed: {error!r}.")
    return Diagnosis(
        findings=rank(findings, {check.name: check for check in classes}),
        step=observations.step,
        undecided=tuple(undecided),
        problems=tuple(problems),
        source=observations.source,
        missing=tuple(observations.facts.get("log.missing") or ()),
        facts=dict(observations.facts),
    )


def rank(findings: Sequence[Finding], checks: dict[str, type[Check]]) -> tuple[Finding, ...]:
    """Root causes first: a finding that another one explains is marked and moved behind it.

    Order: unexplained before explained; then severity, stage (wiring before data before dynamics),
    confidence. A finding explains another only if it is at least a warning, or as severe as the other.
    """
    by_name = {finding.name: finding for finding in findings}

    def _explained(finding: Finding) -> tuple[str, ...]:
        return checks[finding.name].explains if finding.explains is None else finding.explains

    def cause_of(finding: Finding) -> str | None:
        candidates = [
            other
            for other in findings
            if other.name != finding.name
            and finding.name in _explained(other)
            and (other.severity != "info" or finding.severity == "info")
            and finding.name not in _chain(other.name)
        ]
        if not candidates:
            return None
        return min(candidates, key=_order).name

    def _chain(name: str) -> set[str]:
        # What is already explained by this name's own causes; two checks that explain each other would loop.
        return {
            other.name
            for other in findings
            if name in _explained(other) and _order(other) < _order(by_name[name])
        }

    def _order(finding: Finding) -> tuple[int, int, float]:
        return (
            -SEVERITIES.index(finding.severity),
            _STAGES.index(checks[finding.name].stage),
            -finding.confidence,
        )

    marked = [dataclasses.replace(finding, caused_by=cause_of(finding)) for finding in findings]
    marked.sort(key=lambda finding: (finding.caused_by is not None, *_order(finding)))
    return tuple(marked)
