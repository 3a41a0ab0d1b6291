"""How a coefficient moves from its first to its last value during training."""

from __future__ import annotations

import math
from typing import Literal

from equipoise.errors import parameter_error

Schedule = Literal["exponential", "cosine", "linear"]
SCHEDULES = ("exponential", "cosine", "linear")


def scheduled(start: float, end: float, progress: float, schedule: str) -> float:
    """The value at a share of the way; a plain number, so no device is waited for.

    Exponential: ``start (end / start)^p``; cosine: ``end + (start - end) (1 + cos(pi p)) / 2``; linear:
    ``start + (end - start) p``.

    Args:
        start, end: first and last value.
        progress: p; cut to the range from 0 to 1.
        schedule: `exponential`, `cosine` or `linear`.

    Raises:
        EquipoiseError: for an exponential schedule from or to 0, which it cannot reach.

    Example:
        >>> scheduled(1.0, 0.01, 0.5, "exponential"), scheduled(1.0, 0.0, 0.5, "cosine")
        (0.1, 0.5)
    """
    p = min(1.0, max(0.0, progress))
    if schedule == "exponential":
        if start <= 0 or end <= 0:
            raise parameter_error("final_gamma", "above 0 for an exponential schedule", end, "use cosine")
        return start * (end / start) ** p
    if schedule == "cosine":
        return end + (start - end) * (1 + math.cos(math.pi * p)) / 2
    return start + (end - start) * p
