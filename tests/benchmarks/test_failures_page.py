"""The page of the failure benchmark says what the committed results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks._common import RESULTS
from benchmarks.failures import calibrate, page, score


def test_the_committed_page_is_what_the_committed_results_say() -> None:
    if not (RESULTS / "failures.json").exists():
        assert not page.PAGE.exists()
        return
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_a_half_is_added_beside_those_that_a_result_has() -> None:
    def half(runs: int) -> dict:
        return {"faulty_runs": runs, "healthy_runs": 1, "not_scored": ["one"]}

    known = {"machine": {}, "runs": 10, "fourth": half(3), "operators_fourth": [1], "reported": half(2)}
    new = {"runs": 7, "fifth": half(5), "operators_fifth": [2], "kinds_fifth": {}, "reported": half(0)}
    joined = score.added(known, new)
    assert joined["runs"] == 10 + 7
    assert (joined["fourth"], joined["operators_fourth"], joined["reported"]) == (half(3), [1], half(2))
    assert (joined["fifth"], joined["operators_fifth"]) == (half(5), [2])
    assert score.added(joined, new)["runs"] == 17  # a half that is there already counts once


def test_without_results_there_is_no_figure(tmp_path: Path) -> None:
    text = page.page(tmp_path, tmp_path)
    assert "##" not in text.replace("# The failure benchmark", "")


def test_scaling_leaves_right_confidences_alone_and_lowers_inflated_ones() -> None:
    import numpy as np

    stated = np.repeat(np.array([0.6, 0.9]), 500)
    chance = np.random.default_rng(0).random(1000)
    honest = np.column_stack([stated, chance < stated])
    scale, shift = calibrate.fit(honest)
    assert calibrate.mapped(np.array([0.6, 0.9]), scale, shift) == pytest.approx([0.6, 0.9], abs=0.04)
    inflated = np.column_stack([stated, chance < stated - 0.2])
    scale, shift = calibrate.fit(inflated)
    assert calibrate.mapped(np.array([0.6, 0.9]), scale, shift) == pytest.approx([0.4, 0.7], abs=0.04)
    assert calibrate.expected_error(inflated) == pytest.approx(0.2, abs=0.04)


def test_a_few_observations_do_not_move_the_table() -> None:
    import numpy as np

    scale, shift = calibrate.fit(np.array([[0.8, 1.0], [0.9, 1.0]]))
    assert calibrate.mapped(np.array([0.8]), scale, shift) == pytest.approx(0.8, abs=0.03)
