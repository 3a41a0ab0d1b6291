"""The empty registries; the modules that plant something write into them."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Fault, fault
from benchmarks.failures.healthy import HEALTHY, Healthy, healthy
from benchmarks.failures.parts import Case

SECOND_FAULTS: dict[str, Fault] = {}
SECOND_HEALTHY: dict[str, Healthy] = {}

second_fault = partial(fault, registry=SECOND_FAULTS)
second_healthy = partial(healthy, registry=SECOND_HEALTHY)


def replant(operator: str, *cases: str | Case, **changes: Any) -> None:
    """File an operator or a healthy variant of the first corpus with new cases.

    Args:
        cases: written "style family data [network]" where nothing else is to be said.
        changes: of its other fields.
    """
    made = tuple(_case(case) if isinstance(case, str) else case for case in cases)
    if operator in FAULTS:
        SECOND_FAULTS[operator] = dataclasses.replace(FAULTS[operator], cases=made, b5=(), **changes)
    else:
        SECOND_HEALTHY[operator] = dataclasses.replace(HEALTHY[operator], cases=made, **changes)


def _case(words: str) -> Case:
    style, family, data, network = (*words.split(), "")[:4]
    return Case(style, family, data, network=network)
