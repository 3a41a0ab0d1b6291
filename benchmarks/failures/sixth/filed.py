"""The empty registries of the sixth half; the modules that plant something write into them."""

from __future__ import annotations

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Fault
from benchmarks.failures.fifth.registry import FIFTH_FAULTS, FIFTH_HEALTHY
from benchmarks.failures.fourth.registry import FOURTH_FAULTS, FOURTH_HEALTHY
from benchmarks.failures.healthy import HEALTHY, Healthy
from benchmarks.failures.second.filed import replanting
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY
from benchmarks.failures.third.registry import THIRD_FAULTS, THIRD_HEALTHY

SIXTH_FAULTS: dict[str, Fault] = {}
SIXTH_HEALTHY: dict[str, Healthy] = {}

replant = replanting(
    SIXTH_FAULTS,
    SIXTH_HEALTHY,
    FAULTS,
    SECOND_FAULTS,
    THIRD_FAULTS,
    FOURTH_FAULTS,
    HEALTHY,
    SECOND_HEALTHY,
    THIRD_HEALTHY,
    FOURTH_HEALTHY,
    FIFTH_FAULTS,
    FIFTH_HEALTHY,
)
