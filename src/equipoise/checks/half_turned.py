"""One of the two terms of a relativistic average loss pushes against the other, in either player's step."""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement
from equipoise.history.observations import Observations

LEAST_RECORDS = 3
SOURCE = "exact: the slopes of a known loss with one of its two targets turned round"


def half_turned(check: Check, observations: Observations, player: str, slopes: str) -> Finding | None:
    """The finding of `check`, if the fact says that half of the player's loss has the wrong target.

    Args:
        check: whose finding it becomes.
        observations: of the run.
        player: generator or discriminator.
        slopes: the name of the series whose records count.
    """
    family = observations.fact(f"objective.half_turned.{player}")
    if not isinstance(family, str) or len(observations.series(slopes).finite()) < LEAST_RECORDS:
        return None
    return check.finding(
        "error",
        0.95,
        f"One of the two terms of the {player}'s loss ({family}) has the wrong target: its slopes are those "
        "of two terms that push against each other.",
        evidence=(
            Measurement(
                f"objective.half_turned.{player}",
                1.0,
                1.0,
                "equal to",
                SOURCE,
                "terms of the wrong target that explain the slopes to within 2 %",
            ),
        ),
        because=(
            Alternative(
                "another loss", "ruled out", "none of the usual ones explains the slopes, and this does"
            ),
        ),
        since=0,
    )
