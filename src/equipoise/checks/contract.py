"""What every check must keep to, as a suite that can be run on one's own checks.

from equipoise.checks.contract import check_contract
check_contract(MyCheck)      # raises with every breach, each in one sentence
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import get_args

from equipoise.checks.base import CHECKS, FAMILIES, Check, CheckKind, Stage
from equipoise.checks.contract_inputs import Recorded, inputs
from equipoise.checks.finding import SEVERITIES, Cure, Finding, Safety
from equipoise.checks.page import page
from equipoise.errors import EquipoiseError
from equipoise.history.catalogue import FACTS, PROBES, SIGNALS

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
CODE = re.compile(r"[A-Z]{2,4}\d{3}")


def check_contract(check: type[Check], fuzz: int = 60) -> None:
    """Raise unless the check keeps to the contract.

    Args:
        check: the check's class; it need not be registered.
        fuzz: how many random observations to run it on.

    Raises:
        EquipoiseError: with every breach.
    """
    breaches = list(dict.fromkeys([*_structure(check), *_behaviour(check, fuzz)]))
    if breaches:
        name = getattr(check, "name", check.__name__)
        raise EquipoiseError(f"The check `{name}` breaks its contract: " + " ".join(breaches))


def _structure(check: type[Check]) -> Iterator[str]:
    for attribute in ("code", "name", "kinds"):
        if not hasattr(check, attribute):
            yield f"It has no `{attribute}`."
            return
    if not NAME.fullmatch(check.name):
        yield f"Its name `{check.name}` is not in kebab-case."
    if not CODE.fullmatch(check.code):
        yield f"Its code `{check.code}` is not two to four capitals and three digits."
    elif check.code.startswith("EQ") and check.code[2] not in FAMILIES:
        yield f"Its code `{check.code}` belongs to none of the families {', '.join(FAMILIES)}."
    for name, other in CHECKS.items():
        if other is not check and (other.code == check.code or name == check.name):
            yield f"Its code or name is that of `{other.code} {name}`."
    if not check.kinds or not set(check.kinds) <= set(get_args(CheckKind)):
        yield f"Its kinds {check.kinds} must be some of {', '.join(get_args(CheckKind))}."
    if check.stage not in get_args(Stage):
        yield f"Its stage `{check.stage}` is none of {', '.join(get_args(Stage))}."
    for kind, declared, known in (
        ("signal", check.signals, SIGNALS),
        ("fact", check.facts, FACTS),
        ("probe", check.probes, PROBES),
    ):
        for name in declared:
            if name not in known:
                yield f"It declares the {kind} `{name}`, which is not in the catalogue."
    for remedy in check.remedies:
        if not NAME.fullmatch(remedy.name) or remedy.cure not in get_args(Cure):
            yield f"Its remedy `{remedy.name}` has no kebab-case name or no known cure."
        if remedy.safety not in get_args(Safety) or not remedy.text:
            yield f"Its remedy `{remedy.name}` has no text or no known safety."
    try:
        page(check)
    except EquipoiseError as error:
        yield str(error)


def _behaviour(check: type[Check], fuzz: int) -> Iterator[str]:
    for label, observations in inputs(fuzz):
        recorded = Recorded.of(observations)
        before = repr((observations.facts, observations.probe_results))
        try:
            found = check().run(recorded)
            again = check().run(recorded)
            sentence = check().undecided(recorded)
        except Exception as error:  # noqa: BLE001  whatever it raises is the breach
            yield f"It raises {error!r} on {label}."
            continue
        if repr((observations.facts, observations.probe_results)) != before:
            yield f"It changes what it was given on {label}."
        if repr(found) != repr(again):
            yield f"It does not find the same twice on {label}."
        if sentence is not None and not sentence.strip():
            yield "Its `undecided` gives an empty sentence."
        for kind, asked, declared in (
            ("signal", recorded.asked_signals, check.signals),
            ("fact", recorded.asked_facts, check.facts),
            ("probe", recorded.asked_probes, check.probes),
        ):
            for name in sorted(asked - set(declared)):
                yield f"It reads the {kind} `{name}` but does not declare it."
        if found is None:
            continue
        if label in ("nothing", "nothing but nan"):
            yield f"It finds something in {label}."
        yield from _finding(check, found)


def _finding(check: type[Check], found: Finding) -> Iterator[str]:
    if (found.code, found.name) != (check.code, check.name):
        yield f"Its finding is called `{found.code} {found.name}`."
    if found.severity not in SEVERITIES:
        yield f"The severity `{found.severity}` is unknown."
    if not 0 < found.confidence <= 1:
        yield f"The confidence {found.confidence} is not within (0, 1]."
    if not found.message.strip() or "nan" in re.findall(r"[a-z]+", found.message):
        yield f"The message is empty or speaks of nan: {found.message!r}."
    if not set(found.explains or ()) <= set(check.explains):
        yield f"Its finding explains {found.explains}, which is more than its class declares."
    if found.caused_by is not None:
        yield "A check must leave `caused_by` to the diagnosis."
    try:
        json.dumps(found.to_json(), allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"Its finding is not JSON: {error}."
    catalogue = {*SIGNALS, *FACTS, *PROBES}
    for measurement in found.evidence:
        if not any(measurement.name == name or measurement.name.startswith(f"{name}.") for name in catalogue):
            yield f"The evidence `{measurement.name}` is no signal, fact or probe number of the catalogue."
        if measurement.threshold is not None and not (measurement.source and measurement.comparison):
            yield f"The evidence `{measurement.name}` has a threshold without source or comparison."
    for alternative in found.because:
        if alternative.verdict not in ("ruled out", "unlikely", "open") or not alternative.reason:
            yield f"The alternative `{alternative.cause}` has no known verdict or no reason."
    if found.severity == "info":
        return
    if not any(measurement.threshold is not None for measurement in found.evidence):
        yield f"A finding of severity {found.severity} has no measurement with a threshold."
    if not any(remedy.cure == "root" for remedy in found.remedies):
        yield f"A finding of severity {found.severity} names no root cure."
