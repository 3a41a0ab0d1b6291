"""The empty registries of the fourth half; the modules that plant something write into them."""

from __future__ import annotations

from functools import partial

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Fault, fault
from benchmarks.failures.healthy import HEALTHY, Healthy, healthy
from benchmarks.failures.second.filed import replanting
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY
from benchmarks.failures.third.registry import THIRD_FAULTS, THIRD_HEALTHY

FOURTH_FAULTS: dict[str, Fault] = {}
FOURTH_HEALTHY: dict[str, Healthy] = {}

fourth_fault = partial(fault, registry=FOURTH_FAULTS)
fourth_healthy = partial(healthy, registry=FOURTH_HEALTHY)
replant = replanting(
    FOURTH_FAULTS,
    FOURTH_HEALTHY,
    FAULTS,
    SECOND_FAULTS,
    THIRD_FAULTS,
    HEALTHY,
    SECOND_HEALTHY,
    THIRD_HEALTHY,
)
