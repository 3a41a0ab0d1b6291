"""Checks: named failures as pure functions of plain numbers. No torch here."""

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.diagnosis import Diagnosis, judge
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy

__all__ = ["CHECKS", "Alternative", "Check", "Diagnosis", "Finding", "Measurement", "Remedy", "judge"]
