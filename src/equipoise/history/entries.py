"""What the entries of the signal catalogue are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["scalar", "vector"]


@dataclass(frozen=True)
class Signal:
    """One number (or short vector) recorded over time."""

    name: str
    unit: str
    formula: str
    kind: Kind = "scalar"


@dataclass(frozen=True)
class Fact:
    """One thing that is known of the run as a whole; a JSON value."""

    name: str
    meaning: str


@dataclass(frozen=True)
class ProbeNumbers:
    """What one active probe measures: its numbers, each with its formula."""

    name: str
    question: str
    numbers: dict[str, str]
