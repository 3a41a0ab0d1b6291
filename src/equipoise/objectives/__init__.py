"""Adversarial losses, one file each."""

from equipoise.objectives.base import OBJECTIVES, Objective, ObjectiveFacts, build_objective

__all__ = ["OBJECTIVES", "Objective", "ObjectiveFacts", "build_objective"]
