"""The discriminator's step judges its own reals a second time, as if they were fakes."""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement
from equipoise.history.observations import Observations

LEAST_RECORDS = 5
ALWAYS = 0.95
SOURCE = "exact: all that the discriminator was given is equal"


def reals_as_fakes(check: Check, observations: Observations) -> Finding | None:
    """The finding of `check`, if in all records what was judged as fake was the same batch of reals."""
    same = observations.series("batch.fake.real").finite()
    count = int((same.values == 1).sum())
    if count < LEAST_RECORDS or count < ALWAYS * len(same):
        return None
    return check.finding(
        "error",
        0.95,
        f"In {count} of {len(same)} records the discriminator was given one batch of reals twice, once to "
        "call it real and once to call it fake; no sample of the generator entered its loss. Probably the "
        "reals stand where the fakes were meant.",
        evidence=(
            Measurement(
                "batch.fake.real",
                count / len(same),
                ALWAYS,
                "at least",
                SOURCE,
                "share of records whose fakes are the reals of the same step",
            ),
        ),
        because=(
            Alternative(
                "reals with wrong conditions, shown as fakes on purpose",
                "ruled out",
                "what stands beside the samples is equal too, and no fake of the generator is shown",
            ),
        ),
        since=int(same.steps[same.values == 1][0]),
    )
