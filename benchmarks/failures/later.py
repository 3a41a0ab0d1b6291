"""The halves that were written later, each without knowledge of a verdict: all that is said of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.failures.faults.base import Fault
from benchmarks.failures.healthy import Healthy
from benchmarks.failures.second import parts as second_parts
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY
from benchmarks.failures.second.styles import SECOND_STYLES
from benchmarks.failures.split import SECOND, THIRD
from benchmarks.failures.third import parts as third_parts
from benchmarks.failures.third.registry import THIRD_FAULTS, THIRD_HEALTHY
from benchmarks.failures.third.styles import THIRD_STYLES


@dataclass(frozen=True)
class Half:
    faults: dict[str, Fault]
    healthy: dict[str, Healthy]
    styles: dict[str, Callable[..., Any]]
    make_parts: Callable[..., Any]


HALVES_WRITTEN_LATER = {
    SECOND: Half(SECOND_FAULTS, SECOND_HEALTHY, SECOND_STYLES, second_parts.make_parts),
    THIRD: Half(THIRD_FAULTS, THIRD_HEALTHY, THIRD_STYLES, third_parts.make_parts),
}
