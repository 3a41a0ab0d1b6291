"""From a check's raw confidence to a calibrated one.

The table is written by the failure benchmark (`benchmarks/failures/calibrate.py`) from a first look at runs
that no threshold had seen: for each check, or for all together under `*`, how often its finding named a cause
that was really there. Without an entry the raw confidence stands.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from importlib import resources

from equipoise.checks.finding import Finding


@functools.cache
def _table() -> dict[str, list[list[float]]]:
    path = resources.files("equipoise.checks").joinpath("calibration.json")
    if not path.is_file():
        return {}
    table: dict[str, list[list[float]]] = json.loads(path.read_text(encoding="utf-8"))["confidence"]
    return table


def calibrated(finding: Finding) -> Finding:
    """The finding with its confidence mapped by the table, piecewise linear between its points."""
    points = _table().get(finding.name) or _table().get("*")
    if not points:
        return finding
    raw = finding.confidence
    if raw <= points[0][0]:
        return dataclasses.replace(finding, confidence=points[0][1])
    for (low, low_value), (high, high_value) in itertools.pairwise(points):
        if raw <= high:
            share = (raw - low) / (high - low) if high > low else 1.0
            return dataclasses.replace(finding, confidence=low_value + share * (high_value - low_value))
    return dataclasses.replace(finding, confidence=points[-1][1])
