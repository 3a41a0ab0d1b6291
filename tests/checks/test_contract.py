"""The contract over every registered check, and that the contract catches what breaks it."""

from __future__ import annotations

import pytest

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.contract import check_contract
from equipoise.checks.finding import Finding
from equipoise.errors import EquipoiseError
from equipoise.history.observations import Observations


@pytest.mark.parametrize("name", CHECKS.names())
def test_every_registered_check_keeps_the_contract(name: str) -> None:
    check = CHECKS.get(name)
    assert check.name == name
    check_contract(check)


@pytest.mark.parametrize("name", CHECKS.names())
def test_explained_checks_exist(name: str) -> None:
    assert set(CHECKS.get(name).explains) <= set(CHECKS.names()) - {name}


def test_codes_are_unique() -> None:
    codes = [check.code for _, check in CHECKS.items()]
    assert len(set(codes)) == len(codes)


PAGE = """A check of one's own.

What it does
    It looks.

Why it is bad
    It is not.

Evidence and threshold
    None.

What else it could be
    Nothing.

Remedies
    None.

References
    None.
"""


class Own(Check):
    __doc__ = PAGE
    code = "XX001"
    name = "own-check"
    kinds = ("passive",)
    signals = ("score.auc",)

    def run(self, observations: Observations) -> Finding | None:
        return None


def test_a_sound_check_of_a_third_party_passes() -> None:
    check_contract(Own)


def _variant(**attributes: object) -> type[Check]:
    return type("Variant", (Own,), {"__doc__": PAGE, **attributes})


def _reads_more(self: Check, observations: Observations) -> None:
    observations.last("score.gap")
    observations.fact("objective.family")
    observations.probe("diversity")


def _raises(self: Check, observations: Observations) -> None:
    raise ZeroDivisionError


def _meddles(self: Check, observations: Observations) -> None:
    observations.facts["problems"] = ["x"]


def _overwrites(self: Check, observations: Observations) -> None:
    values = observations.series("score.auc").values
    if len(values):
        values[0] = 0.0


def _always(severity: str, **more: object):
    def run(self: Check, observations: Observations) -> Finding:
        return self.finding(severity, 0.5, "Something is wrong.", **more)

    return run


def test_meddling_with_what_it_is_given_is_a_breach() -> None:
    # A number of its own, so that no other test is given what this check spoils.
    with pytest.raises(EquipoiseError, match="changes what it was given"):
        check_contract(_variant(run=_meddles), fuzz=2)


@pytest.mark.parametrize(
    ("attributes", "breach"),
    [
        ({"__doc__": "No sections."}, "must have the sections"),
        ({"name": "Own_Check"}, "kebab-case"),
        ({"code": "EQ901"}, "none of the families"),
        ({"code": "E1"}, "three digits"),
        ({"code": "EQ004"}, "is that of"),
        ({"kinds": ("sometimes",)}, "kinds"),
        ({"stage": "late"}, "stage"),
        ({"signals": ("score.acu",)}, "not in the catalogue"),
        ({"run": _reads_more}, "reads the signal `score.gap`"),
        ({"run": _reads_more}, "reads the fact `objective.family`"),
        ({"run": _reads_more}, "reads the probe `diversity`"),
        ({"run": _raises}, "ZeroDivisionError"),
        ({"run": _overwrites}, "read-only"),
        ({"run": _always("info", explains=("mode-collapse",))}, "more than its class declares"),
        ({"run": _always("info")}, "finds something in nothing"),
        ({"run": _always("error")}, "no measurement with a threshold"),
        ({"run": _always("error")}, "no root cure"),
        ({"run": _always("info", details={"x": float("nan")})}, "not JSON"),
    ],
)
def test_breaches_are_named(attributes: dict[str, object], breach: str) -> None:
    with pytest.raises(EquipoiseError, match=breach):
        check_contract(_variant(**attributes))
