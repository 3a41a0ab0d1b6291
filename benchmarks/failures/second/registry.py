"""The faults and healthy variants of the second half; importing the modules files them."""

from __future__ import annotations

from benchmarks.failures.second import healthy, planted, replanted
from benchmarks.failures.second.filed import SECOND_FAULTS, SECOND_HEALTHY

__all__ = ["SECOND_FAULTS", "SECOND_HEALTHY"]

_MODULES = (healthy, planted, replanted)
