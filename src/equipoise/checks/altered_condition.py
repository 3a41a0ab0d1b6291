"""The picture beside the fakes is not the kind of picture that stands beside the reals; for EQ405."""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

RECORDS, SURE = 5, 0.95
TREAT_ALIKE = Remedy(
    "same-condition-beside-both",
    "Give the discriminator the same picture, treated alike (mask, scale), beside the real and the fake.",
    "root",
    "display-only",
)


def altered_condition(check: Check, observations: Observations) -> Finding | None:
    """The finding of `check`, if the conditions alone tell reals from fakes in the discriminator's step."""
    alike = observations.series("condition.alike").finite()
    wrong = alike.values < 1
    records = int(wrong.sum())
    if records < RECORDS or records < SURE * len(alike):
        return None
    return check.finding(
        "error",
        0.9,
        "In the discriminator's step the picture beside the fakes is not like the one beside the reals: it "
        "is the same one with values blanked, replaced or scaled, or one of the two is blank. The condition "
        "alone says which sample is real.",
        evidence=(
            Measurement(
                "condition.alike",
                0.0,
                1.0,
                "below",
                "exact: the values of what is given beside the samples",
                f"in {records} of {len(alike)} records",
            ),
        ),
        because=(
            Alternative(
                "conditions that are drawn apart for reals and fakes",
                "ruled out",
                "they would not agree in many values, and neither would be blank for good",
            ),
        ),
        remedies=(TREAT_ALIKE,),
        since=int(alike.steps[wrong][0]),
    )
