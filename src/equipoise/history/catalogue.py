"""The catalogue of everything that may be recorded: signals over time, facts, probe numbers.

A name that is not in it can be neither recorded nor asked for.
"""

from __future__ import annotations

from equipoise.errors import unknown_name
from equipoise.history.entries import Fact, ProbeNumbers, Signal
from equipoise.history.facts import FACTS
from equipoise.history.probe_numbers import PROBES
from equipoise.history.signals import SIGNALS

__all__ = ["FACTS", "PROBES", "SIGNALS", "check_fact", "check_probe", "check_signal"]


def check_signal(name: str) -> Signal:
    """The catalogue's entry, or an error with the nearest name."""
    if name not in SIGNALS:
        raise unknown_name("signal", name, SIGNALS)
    return SIGNALS[name]


def check_fact(name: str) -> Fact:
    """The catalogue's entry, or an error with the nearest name."""
    if name not in FACTS:
        raise unknown_name("fact", name, FACTS)
    return FACTS[name]


def check_probe(name: str) -> ProbeNumbers:
    """The catalogue's entry, or an error with the nearest name."""
    if name not in PROBES:
        raise unknown_name("probe", name, PROBES)
    return PROBES[name]
