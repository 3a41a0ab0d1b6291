"""The faults and healthy variants of the fifth half; importing the modules files them."""

from __future__ import annotations

from benchmarks.failures.fifth import healthy, planted, replanted, restored
from benchmarks.failures.fifth.filed import FIFTH_FAULTS, FIFTH_HEALTHY

__all__ = ["FIFTH_FAULTS", "FIFTH_HEALTHY"]

_MODULES = (healthy, planted, replanted, restored)
