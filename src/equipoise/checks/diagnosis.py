"""From observations to a verdict: run the checks, separate causes from consequences, rank."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from equipoise.checks.base import CHECKS, Check, CheckKind, Stage
from equipoise.checks.calibration import calibrated
from equipoise.checks.finding import SEVERITIES, Finding
from equipoise.history.observations import Observations

_STAGES = get_args(Stage)


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
        facts: what was known of the run.
        measured: names of the signals that were recorded, and `probe NAME` for each probe that ran.
    """

    findings: tuple[Finding, ...] = ()
    step: int = 0
    undecided: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    source: str = "live"
    missing: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    measured: tuple[str, ...] = ()

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
            "measured": list(self.measured),
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
        measured=(
            *(name for name, series in observations.signals.items() if len(series.finite())),
            *dict.fromkeys(f"probe {result.name}" for result in observations.probe_results),
        ),
    )


def rank(findings: Sequence[Finding], checks: Mapping[str, type[Check]]) -> tuple[Finding, ...]:
    """Root causes first; a finding that another one explains is marked with `caused_by` and comes after it.

    Order among roots, and among consequences: severity, then stage (wiring before data before dynamics),
    then confidence, then name. A finding explains another if it, or else its check, says so, it is not
    mere info about a warning or an error, and the other is not `exact`: read off the loop's own code, as the
    axes of a norm are, and so nothing's consequence. Where findings explain each other in a circle,
    the first in that order is the root. A consequence names the first cause on the shortest way from a root.

    Example:
        >>> from equipoise.checks.base import CHECKS
        >>> found = [
        ...     Finding("EQ102", "perfect-discriminator", "error", 0.9, "AUC 1."),
        ...     Finding("EQ401", "range-mismatch", "warning", 0.8, "Reals in [0, 1]."),
        ... ]
        >>> [(f.name, f.caused_by) for f in rank(found, dict(CHECKS.items()))]
        [('range-mismatch', None), ('perfect-discriminator', 'range-mismatch')]
    """
    ordered = sorted(findings, key=lambda finding: _order(finding, checks))
    causes = {
        finding.name: [other.name for other in ordered if _explains(other, finding, checks)]
        for finding in ordered
    }
    ancestors = {name: _reachable(name, causes) for name in causes}
    roots: list[str] = []
    for name in causes:
        # A root explains all that explains it (usually nothing does); a circle has one root, its first.
        if all(name in ancestors[other] for other in ancestors[name]) and not ancestors[name] & set(roots):
            roots.append(name)
    caused_by: dict[str, str | None] = dict.fromkeys(roots)
    level = roots
    while level:
        following = [name for name in causes if name not in caused_by and set(causes[name]) & set(level)]
        for name in following:
            caused_by[name] = next(cause for cause in level if cause in causes[name])
        level = following
    marked = [dataclasses.replace(finding, caused_by=caused_by[finding.name]) for finding in ordered]
    return tuple(sorted(marked, key=lambda finding: finding.caused_by is not None))


def _order(finding: Finding, checks: Mapping[str, type[Check]]) -> tuple[int, int, float, str]:
    # What is true of most healthy runs too comes after every other remark of its severity, the commonest
    # last.
    background = int(finding.details.get("background") or 0)
    return (
        -SEVERITIES.index(finding.severity),
        len(_STAGES) + background if background else _STAGES.index(checks[finding.name].stage),
        -finding.confidence,
        finding.name,
    )


def _explains(cause: Finding, finding: Finding, checks: Mapping[str, type[Check]]) -> bool:
    explained = checks[cause.name].explains if cause.explains is None else cause.explains
    return (
        cause.name != finding.name
        and finding.name in explained
        and not finding.details.get("exact")
        and (cause.severity != "info" or finding.severity == "info")
    )


def _reachable(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges[name]
    return seen
