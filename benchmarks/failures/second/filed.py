"""The empty registries; the modules that plant something write into them."""

from __future__ import annotations

from functools import partial

from benchmarks.failures.faults.base import Fault, fault
from benchmarks.failures.healthy import Healthy, healthy

SECOND_FAULTS: dict[str, Fault] = {}
SECOND_HEALTHY: dict[str, Healthy] = {}

second_fault = partial(fault, registry=SECOND_FAULTS)
second_healthy = partial(healthy, registry=SECOND_HEALTHY)
