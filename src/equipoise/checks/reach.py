"""What values the activations at a network's output leave possible."""

from __future__ import annotations

import math

from equipoise.history.observations import Observations

BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, math.inf), "softplus": (0.0, math.inf)}


def activations(observations: Observations, player: str) -> tuple[list[str], float, float]:
    """The activations at the output, the last one first, and the smallest and largest value they can give."""
    chain = observations.fact(f"{player}.output_activations")
    ends = observations.fact(f"{player}.output_range")
    low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
    return (
        [str(name) for name in chain] if isinstance(chain, list) else [],
        float(low) if isinstance(low, int | float) else -math.inf,
        float(high) if isinstance(high, int | float) else math.inf,
    )


def reach(observations: Observations, activation: str) -> tuple[float, float, str]:
    """The smallest and largest value that the generator can give, and the names of its last activations.

    Args:
        observations: of the run.
        activation: the last one, of `BOUNDS`; what stands directly behind others can give less.
    """
    chain, low, high = activations(observations, "generator")
    if len(chain) < 2 or chain[0] != activation:
        return (*BOUNDS[activation], activation)
    return low, high, " behind ".join(chain)
