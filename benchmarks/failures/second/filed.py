"""The empty registries; the modules that plant something write into them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
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


def replanting(
    faults: dict[str, Fault], healthy_ones: dict[str, Healthy], *origins: dict[str, Any]
) -> Callable[..., None]:
    """A function that files operators and healthy variants of earlier halves with new cases.

    Args:
        faults: where it files faults.
        healthy_ones: where it files healthy variants.
        origins: the registries it looks in, in this order.
    """

    def replant(operator: str, *cases: str | Case, **changes: Any) -> None:
        """File an operator or a healthy variant of an earlier half with new cases.

        Args:
            cases: written "style family data [network]" where nothing else is to be said.
            changes: of its other fields.
        """
        made = tuple(_case(case) if isinstance(case, str) else case for case in cases)
        found = next(origin[operator] for origin in origins if operator in origin)
        if isinstance(found, Fault):
            faults[operator] = dataclasses.replace(found, cases=made, b5=(), **changes)
        else:
            healthy_ones[operator] = dataclasses.replace(found, cases=made, **changes)

    return replant


def _case(words: str) -> Case:
    style, family, data, network = (*words.split(), "")[:4]
    return Case(style, family, data, network=network)


replant = replanting(SECOND_FAULTS, SECOND_HEALTHY, FAULTS, HEALTHY)
