"""The faults and healthy variants of the sixth half; importing the modules files them."""

from __future__ import annotations

from benchmarks.failures.sixth import beside, healthy, later, planted, replanted, usual
from benchmarks.failures.sixth.filed import SIXTH_FAULTS, SIXTH_HEALTHY

__all__ = ["SIXTH_FAULTS", "SIXTH_HEALTHY"]

_MODULES = (usual, replanted, later, beside, healthy, planted)
