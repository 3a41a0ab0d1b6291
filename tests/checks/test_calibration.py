"""Confidences through the table of the failure benchmark."""

from __future__ import annotations

import pytest

from equipoise.checks import calibration
from equipoise.checks.finding import Finding


def _calibrated(
    monkeypatch: pytest.MonkeyPatch, table: dict, raw: float, name: str = "mode-collapse"
) -> float:
    monkeypatch.setattr(calibration, "_table", lambda: table)
    return calibration.calibrated(Finding("EQ201", name, "warning", raw, "Few.")).confidence


def test_without_a_table_the_raw_confidence_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _calibrated(monkeypatch, {}, 0.7) == 0.7


@pytest.mark.parametrize(("raw", "expected"), [(0.1, 0.4), (0.5, 0.4), (0.75, 0.6), (1.0, 0.8), (0.625, 0.5)])
def test_linear_between_points_and_constant_beyond(monkeypatch, raw: float, expected: float) -> None:
    table = {"mode-collapse": [[0.5, 0.4], [1.0, 0.8]]}
    assert _calibrated(monkeypatch, table, raw) == pytest.approx(expected)


def test_a_check_of_its_own_before_the_common_row(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"*": [[0.0, 0.1], [1.0, 0.1]], "mode-collapse": [[0.0, 0.9], [1.0, 0.9]]}
    assert _calibrated(monkeypatch, table, 0.5) == 0.9
    assert _calibrated(monkeypatch, table, 0.5, "oscillation") == 0.1


def test_a_vertical_step_takes_its_lower_value(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"*": [[0.2, 0.1], [0.5, 0.3], [0.5, 0.6], [0.9, 0.8]]}
    assert _calibrated(monkeypatch, table, 0.5) == pytest.approx(0.3)
    assert _calibrated(monkeypatch, table, 0.7) == pytest.approx(0.7)
