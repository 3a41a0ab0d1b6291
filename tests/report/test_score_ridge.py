"""The spread of the scores: masses and places on the paper."""

from __future__ import annotations

import re

import numpy as np
import pytest

from equipoise.history.observations import Observations, Series
from equipoise.report import score_ridge as ridge
from equipoise.report.scales import Scale


def test_density_keeps_the_mass_and_the_place():
    grid = np.linspace(0.0, 1.0, 97)
    counts = np.zeros((1, 32))
    counts[0, 8:16] = 4.0
    # Bins 8 to 15 of 32 between -4 and 4 are the values from -2 to 0: 1/4 to 1/2 of the paper.
    found = ridge._density(Scale("linear", -4.0, 4.0), grid, np.array([[-4.0, 4.0]]), counts)
    assert found.sum() == pytest.approx(1.0)
    assert found[24:48].sum() == pytest.approx(1.0)
    assert np.ptp(found[24:48]) == pytest.approx(0.0, abs=1e-12)


def test_equal_scores_fill_one_column():
    found = ridge._density(
        Scale("linear", 0.0, 1.0), np.linspace(0, 1, 11), np.array([[0.55, 0.55]]), np.full((1, 32), 2.0)
    )
    assert np.flatnonzero(found).tolist() == [5]


def test_rows_follow_the_fakes(healthy_run):
    picture = str(ridge.score_ridge(healthy_run).svg)
    outlines = re.findall(r'class="hill (real|fake)" d="M([^"]*)Z"', picture)
    assert len(outlines) == 2 * ridge.ROWS

    def peak(data: str) -> float:
        points = [tuple(map(float, point.split(","))) for point in data.split("L")]
        return min(points, key=lambda point: point[1])[0]

    reals = [peak(data) for kind, data in outlines if kind == "real"]
    fakes = [peak(data) for kind, data in outlines if kind == "fake"]
    assert np.ptp(reals) < 10
    assert fakes[0] == pytest.approx(reals[0], abs=15)
    # The fakes move from score 1 to -1: to the left, row after row.
    assert np.all(np.diff(fakes) <= 5)
    assert fakes[-1] < fakes[0] - 40


def test_nothing_without_histograms():
    assert ridge.score_ridge(Observations()) is None
    steps = np.array([1.0])
    lonely = {"score.real.histogram": Series(steps, np.ones((1, 32)))}
    assert ridge.score_ridge(Observations(lonely, step=1)) is None


def test_the_outermost_thousandth_does_not_set_the_width():
    steps = np.arange(10.0)
    edges = np.tile([0.0, 1.0], (10, 1))
    counts = np.full((10, 32), 100.0)
    counts[0, 31], edges[0] = 1.0, [0.0, 1.0]
    edges[-1], counts[-1] = [0.0, 1000.0], 0.0
    counts[-1, 0], counts[-1, 31] = 100_000.0, 1.0
    rows = [np.array([index]) for index in range(10)]
    scale = ridge._scale(edges, counts, rows)
    assert scale.high < 100.0
    assert len(steps) == len(rows)
