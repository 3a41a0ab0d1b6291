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
def second() -> frozenset[str]:
    """The configurations of the second half; their data sets are none of the first ones'."""
    from benchmarks.failures.configurations import second_runs

    return frozenset(run.configuration for run in second_runs())


def half_of(configuration: str) -> str:
    """`calibration`, `reported` or `second`."""
    return SECOND if configuration in second() else halves()[configuration]
