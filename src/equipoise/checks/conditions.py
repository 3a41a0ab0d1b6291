"""Conditions on the values of a signal, for `sustained`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Condition = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


def below(limit: float) -> Condition:
    """Whether a value is below the limit.

    Example:
        >>> below(1.0)(np.array([0.5, 1.0])).tolist()
        [True, False]
    """
    return lambda values: values < limit


def above(limit: float) -> Condition:
    """Whether a value is above the limit."""
    return lambda values: values > limit


def at_most(limit: float) -> Condition:
    """Whether a value is the limit or below."""
    return lambda values: values <= limit


def at_least(limit: float) -> Condition:
    """Whether a value is the limit or above."""
    return lambda values: values >= limit
