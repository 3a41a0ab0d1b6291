"""The faults and healthy variants of the third half; importing the modules files them."""

from __future__ import annotations

from benchmarks.failures.third import healthy, planted, replanted
from benchmarks.failures.third.filed import THIRD_FAULTS, THIRD_HEALTHY

__all__ = ["THIRD_FAULTS", "THIRD_HEALTHY"]

_MODULES = (healthy, planted, replanted)
