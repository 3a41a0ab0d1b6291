"""The faults and healthy variants of the fourth half; importing the modules files them."""

from __future__ import annotations

from benchmarks.failures.fourth import healthy, planted, replanted
from benchmarks.failures.fourth.filed import FOURTH_FAULTS, FOURTH_HEALTHY

__all__ = ["FOURTH_FAULTS", "FOURTH_HEALTHY"]

_MODULES = (healthy, planted, replanted)
