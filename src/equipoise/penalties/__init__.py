"""Gradient penalties, constraints and other regularizers, one file each."""

from equipoise.penalties.base import PENALTIES, Penalty, StepContext, build_penalty

__all__ = ["PENALTIES", "Penalty", "StepContext", "build_penalty"]
