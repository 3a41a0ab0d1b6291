"""The halves that were written later, each without knowledge of a verdict: what is said of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Fault
from benchmarks.failures.fifth import parts as fifth_parts
from benchmarks.failures.fifth import planted as fifth_planted
from benchmarks.failures.fifth import sources as fifth_sources
from benchmarks.failures.fifth.registry import FIFTH_FAULTS, FIFTH_HEALTHY
from benchmarks.failures.fifth.styles import FIFTH_STYLES
from benchmarks.failures.fourth import parts as fourth_parts
from benchmarks.failures.fourth import planted as fourth_planted
from benchmarks.failures.fourth import sources as fourth_sources
from benchmarks.failures.fourth.registry import FOURTH_FAULTS, FOURTH_HEALTHY
from benchmarks.failures.fourth.styles import FOURTH_STYLES
from benchmarks.failures.healthy import Healthy
from benchmarks.failures.second import parts as second_parts
from benchmarks.failures.second import planted as second_planted
from benchmarks.failures.second import sources as second_sources
from benchmarks.failures.second.registry import SECOND_FAULTS, SECOND_HEALTHY
from benchmarks.failures.second.styles import SECOND_STYLES
from benchmarks.failures.sixth import parts as sixth_parts
from benchmarks.failures.sixth import planted as sixth_planted
from benchmarks.failures.sixth import sources as sixth_sources
from benchmarks.failures.sixth.registry import SIXTH_FAULTS, SIXTH_HEALTHY
from benchmarks.failures.sixth.styles import SIXTH_STYLES
from benchmarks.failures.split import FIFTH, FOURTH, LATER, SECOND, SIXTH, THIRD
from benchmarks.failures.third import parts as third_parts
from benchmarks.failures.third import planted as third_planted
from benchmarks.failures.third import sources as third_sources
from benchmarks.failures.third.registry import THIRD_FAULTS, THIRD_HEALTHY
from benchmarks.failures.third.styles import THIRD_STYLES


@dataclass(frozen=True)
class Half:
    """What one of them consists of.

    Args:
        faults: its operators, those of earlier halves with new cases among them.
        healthy: its healthy variants.
        not_planted: what was left out, with the reason.
        styles: its training loops.
        data: names of its data sets.
        make_parts: makes the healthy ingredients of one of its cases from a seed.
    """

    faults: dict[str, Fault]
    healthy: dict[str, Healthy]
    not_planted: dict[str, str]
    styles: dict[str, Callable[..., Any]]
    data: tuple[str, ...]
    make_parts: Callable[..., Any]


HALVES_WRITTEN_LATER = {
    SECOND: Half(
        SECOND_FAULTS,
        SECOND_HEALTHY,
        second_planted.NOT_PLANTED,
        SECOND_STYLES,
        second_sources.NAMES,
        second_parts.make_parts,
    ),
    THIRD: Half(
        THIRD_FAULTS,
        THIRD_HEALTHY,
        third_planted.NOT_PLANTED,
        THIRD_STYLES,
        third_sources.NAMES,
        third_parts.make_parts,
    ),
    FOURTH: Half(
        FOURTH_FAULTS,
        FOURTH_HEALTHY,
        fourth_planted.NOT_PLANTED,
        FOURTH_STYLES,
        fourth_sources.NAMES,
        fourth_parts.make_parts,
    ),
    FIFTH: Half(
        FIFTH_FAULTS,
        FIFTH_HEALTHY,
        fifth_planted.NOT_PLANTED,
        FIFTH_STYLES,
        fifth_sources.NAMES,
        fifth_parts.make_parts,
    ),
    SIXTH: Half(
        SIXTH_FAULTS,
        SIXTH_HEALTHY,
        sixth_planted.NOT_PLANTED,
        SIXTH_STYLES,
        sixth_sources.NAMES,
        sixth_parts.make_parts,
    ),
}


def operators_before(half: str) -> set[str]:
    """The names of the faults that everything written before a later half has."""
    earlier = LATER[: LATER.index(half)]
    return set(FAULTS).union(*(HALVES_WRITTEN_LATER[one].faults for one in earlier))
