"""The empty registries of the third half; the modules that plant something write into them."""

from __future__ import annotations

from functools import partial

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Fault, fault
from benchmarks.failures.healthy import HEALTHY, Healthy, healthy
from benchmarks.failures.second.filed import replanting
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY

THIRD_FAULTS: dict[str, Fault] = {}
THIRD_HEALTHY: dict[str, Healthy] = {}

third_fault = partial(fault, registry=THIRD_FAULTS)
third_healthy = partial(healthy, registry=THIRD_HEALTHY)
replant = replanting(THIRD_FAULTS, THIRD_HEALTHY, FAULTS, SECOND_FAULTS, HEALTHY, SECOND_HEALTHY)
