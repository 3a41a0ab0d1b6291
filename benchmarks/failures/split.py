"""Which half a configuration belongs to: `calibration` (thresholds may look at it) or `reported` (they may
not).

Fixed before any result was seen, and a function of names alone. The unit is operator x data, so all
styles, families and seeds of one operator on one data set are in the same half. Within an operator the
data sets are put in the order of a hash and dealt out alternately, beginning with the half that the
operator's own hash names: every operator with two data sets or more is in both halves. Operators with a
single data set are dealt out in the same way among themselves, and so are the healthy variants.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

HALVES = ("calibration", "reported")
SECOND = "second"  # written after the first two were looked at, and run once: benchmarks/failures/second
THIRD = "third"  # written after the second one was looked at: benchmarks/failures/third
FOURTH = "fourth"  # written after the third one was looked at: benchmarks/failures/fourth
FIFTH = "fifth"  # written after the fourth one was looked at: benchmarks/failures/fifth
SIXTH = "sixth"  # written after the fifth one was looked at: benchmarks/failures/sixth
LATER = (
    SECOND,
    THIRD,
    FOURTH,
    FIFTH,
    SIXTH,
)  # the halves that were written after the first two, in the order of their first looks
SALT = "equipoise failures 1"


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{SALT}/{text}".encode()).digest()[:8], "big")


def assign(configurations: Iterable[str]) -> dict[str, str]:
    """Half of each configuration, given as "kind/operator/data"."""
    families: dict[str, set[str]] = defaultdict(set)
    for configuration in configurations:
        families[configuration.rsplit("/", 1)[0]].add(configuration)
    halves: dict[str, str] = {}
    singles: dict[str, list[str]] = defaultdict(list)
    for family, members in families.items():
        if len(members) == 1:
            singles[family.split("/")[0]].append(next(iter(members)))
            continue
        start = _hash(family) % 2
        for position, member in enumerate(sorted(members, key=_hash)):
            halves[member] = HALVES[(start + position) % 2]
    for members in singles.values():
        for position, member in enumerate(sorted(members, key=_hash)):
            halves[member] = HALVES[position % 2]
    return halves


@cache
def halves() -> dict[str, str]:
    """Half of every configuration of the corpus."""
    from benchmarks.failures.configurations import all_runs

    return assign(run.configuration for run in all_runs())


@cache
def later() -> dict[str, str]:
    """Half of every configuration that was written later; the data sets of each half are its own."""
    from benchmarks.failures.configurations import later_runs

    return {run.configuration: half for half in LATER for run in later_runs(half)}


def half_of(configuration: str) -> str:
    """`calibration`, `reported`, `second`, `third`, `fourth`, `fifth` or `sixth`."""
    return later().get(configuration) or halves()[configuration]
