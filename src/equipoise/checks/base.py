"""What a check is: a code, a name, a page in its docstring, and a function of plain numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.history.observations import Observations
from equipoise.registry import Registry

CheckKind = Literal["preflight", "passive", "probe"]
Stage = Literal["wiring", "data", "numerics", "supply", "diversity", "dynamics", "advice"]

# The sections of a check's docstring, in order; a test holds every check to them.
SECTIONS = (
    "What it does",
    "Why it is bad",
    "Evidence and threshold",
    "What else it could be",
    "Remedies",
    "References",
)

# What the first digit of a code stands for.
FAMILIES = {
    "0": "wiring",
    "1": "gradient supply and balance",
    "2": "diversity",
    "3": "stability and numerics",
    "4": "data and conditioning",
    "5": "generalisation",
}


class Check:
    """One named failure and how it is recognised.

    A subclass is registered with `@CHECKS.register("its-name")` and lives in a file of its own. Its
    docstring, with the sections above, is its page in the documentation and in `equipoise explain CODE`.

    Attributes:
        code: stable, by family: EQ0xx wiring, EQ1xx gradient supply and balance, EQ2xx diversity, EQ3xx
            stability and numerics, EQ4xx data and conditioning, EQ5xx generalisation.
        name: what is wrong, in words.
        kinds: when it can be decided: before training (`preflight`), while watching (`passive`), with an
            active `probe`; a check may have several.
        signals, facts, probes: what it reads; contract tests compare this with what it really asks for.
        explains: names of checks whose finding this one explains when both fire.
        remedies: what to do about it, root cures first.
        stage: what a finding is about; earlier stages are causes of later ones when nothing else decides.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    kinds: ClassVar[tuple[CheckKind, ...]]
    signals: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    probes: ClassVar[tuple[str, ...]] = ()
    explains: ClassVar[tuple[str, ...]] = ()
    remedies: ClassVar[tuple[Remedy, ...]] = ()
    stage: ClassVar[Stage] = "dynamics"

    def run(self, observations: Observations) -> Finding | None:
        """The finding, or None when nothing speaks for it; missing signals read as nan and are no error."""
        raise NotImplementedError

    def undecided(self, observations: Observations) -> str | None:
        """One sentence when what was measured cannot tell, naming the probe or signal that would."""
        return None

    def finding(
        self,
        severity: Severity,
        confidence: float,
        message: str,
        *,
        evidence: tuple[Measurement, ...] = (),
        because: tuple[Alternative, ...] = (),
        since: int | None = None,
        remedies: tuple[Remedy, ...] | None = None,
        explains: tuple[str, ...] | None = None,
        details: dict[str, Any] | None = None,
    ) -> Finding:
        """A finding under this check's code and name."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity,
            confidence=confidence,
            message=message,
            evidence=evidence,
            because=because,
            remedies=self.remedies if remedies is None else remedies,
            since=since,
            explains=explains,
            details=details or {},
        )


CHECKS: Registry[type[Check]] = Registry("check", "equipoise.checks.catalogue")
