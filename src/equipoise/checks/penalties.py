"""What a gradient penalty sends back, as a law of the slope: c in dL/dg = c g against |g|, g = ds/dx.

A penalty weight * (|g| - t)^2 has c = 2 weight (1 - t / |g|): it pulls outwards (c < 0) below the target t
and inwards above it. With the wrong sign it is the other way round, and holds nothing: below t it makes the
discriminator flat, above it ever steeper (Gulrajani et al. 2017, 1704.00028, equation 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equipoise.history.observations import Observations

# Records with the one and with the other direction of the pull.
_INWARDS, _OUTWARDS = 2, 3


@dataclass(frozen=True)
class Turn:
    """Where the pull of a penalty turns.

    Attributes:
        flat: the largest mean |ds/dx| of a record in which it pulled inwards.
        steep: the smallest of one in which it pulled outwards.
        records: how many there are.
        since: the first step of one that pulled outwards.
    """

    flat: float
    steep: float
    records: int
    since: int


def law(observations: Observations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, mean pulls and mean norms of the records that have both."""
    pull, norm = (observations.series(f"penalty.{name}").finite() for name in ("pull", "gradient"))
    steps, ours, theirs = np.intersect1d(pull.steps, norm.steps, return_indices=True)
    return steps, pull.values[ours], norm.values[theirs]


def turned_about_a_target(observations: Observations) -> Turn | None:
    """Whether it pulls inwards where the discriminator is flat, and outwards where steep, in all records."""
    steps, pull, norm = law(observations)
    inwards, outwards = pull > 0, pull < 0
    if (
        inwards.sum() < _INWARDS
        or outwards.sum() < _OUTWARDS
        or not norm[inwards].max() < norm[outwards].min()
    ):
        return None
    return Turn(float(norm[inwards].max()), float(norm[outwards].min()), len(steps), int(steps[outwards][0]))
