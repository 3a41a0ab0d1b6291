"""Stretches over which a condition holds."""

from __future__ import annotations

import math

import numpy as np
from observe import observe

from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Series


def _found(values: list[float], **options: float):
    series = Series(np.arange(len(values)) * 10.0, np.array(values))
    return sustained(
        observe({"score.auc": series}, step=10 * len(values)), "score.auc", lambda v: v > 0.9, **options
    )


def test_begins_where_the_condition_began() -> None:
    found = _found([0.5] * 5 + [1.0] * 15)
    assert (found.since, found.steps, found.records, found.value) == (50, 140.0, 15, 1.0)


def test_a_condition_that_no_longer_holds_is_not_sustained() -> None:
    assert _found([1.0] * 30 + [0.5]) is not None  # one of 31 is within the tolerated 5 %
    assert _found([1.0] * 30 + [0.5] * 3) is None


def test_too_short_or_too_few_is_not_sustained() -> None:
    assert _found([0.5] * 20 + [1.0] * 10) is None
    assert _found([0.5] * 20 + [1.0] * 10, steps=50) is not None
    assert _found([1.0, 1.0], steps=0) is None


def test_interruptions_up_to_the_tolerated_share() -> None:
    values = [1.0] * 20 + [0.1] + [1.0] * 20
    assert _found(values).since == 0
    assert _found(values, tolerated=0).since == 210


def test_nan_is_left_out_and_nothing_is_nothing() -> None:
    assert _found([1.0, math.nan] * 20).records == 20
    assert _found([math.nan] * 20) is None
    assert _found([]) is None


def test_confidence_grows_from_low_to_high() -> None:
    values = [confidence(0.6, 0.9, excess) for excess in (-1, 0, 1, 10, math.inf)]
    assert values == sorted(values)
    assert values[0] == values[1] == 0.6
    assert values[-1] == 0.9
    assert confidence(0.6, 0.9, math.nan) == 0.6
