"""Fakes of shares that add up to one along another axis than the reals, which are one-hot."""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

LEAST_RECORDS = 5
SOURCE = "exact: sums of the fakes' values, against the axis along which the reals hold a single one"
OWN_AXIS = Remedy(
    "softmax-over-the-classes",
    "Take the softmax (or Gumbel-softmax) over the axis of the classes, column group by column group, as the "
    "reals are one-hot: `softmax(x, dim=-1)` for samples of shape (batch, time, classes).",
    "root",
    "unsafe",
)


def another_axis(check: Check, observations: Observations) -> Finding | None:
    """EQ401: a softmax over the wrong axis."""
    elsewhere = observations.series("sample.fake.elsewhere").finite()
    if len(elsewhere) < LEAST_RECORDS or elsewhere.smallest() < 1:
        return None
    return check.finding(
        "error",
        0.97,
        f"The reals are one-hot, but the fakes add up to one along another axis, in all of {len(elsewhere)} "
        "records: the generator's softmax is taken over the wrong axis.",
        evidence=(
            Measurement(
                "sample.fake.elsewhere",
                elsewhere.median(),
                1.0,
                "equal to",
                SOURCE,
                "whether the fakes' sums are one along another axis only",
            ),
        ),
        because=(
            Alternative(
                "fakes without a softmax",
                "ruled out",
                "their values are not negative and add up to one, for another axis",
            ),
        ),
        since=int(elsewhere.steps[0]),
        remedies=(OWN_AXIS,),
        details={"case": "axis"},
    )
