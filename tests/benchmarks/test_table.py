"""The benchmark page says what the committed results say, and its sentences on targets are computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import table


def test_the_committed_page_is_what_the_committed_results_say() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page()


def test_every_result_that_is_there_has_its_section_and_its_source() -> None:
    page = table.page()
    for name in table.SECTIONS:
        there = (table.RESULTS / f"{name}.json").exists()
        assert (f"benchmarks/results/{name}.json" in page) == there
        assert (Path(table.__file__).parent / f"{name}.py").exists()


def test_a_result_that_is_not_there_leaves_no_section(tmp_path: Path) -> None:
    kept = tmp_path / "history_open.json"
    kept.write_text((table.RESULTS / "history_open.json").read_text())
    page = table.page(tmp_path)
    assert page.count("\n## ") == 1
    assert "Opening a long history" in page


@pytest.mark.parametrize(("reached", "verdict"), [([1.31, 1.6], "met"), ([1.6, 1.29], "**missed**")])
def test_a_target_is_met_only_if_the_smallest_meets_it(reached: list[float], verdict: str) -> None:
    sentence = table.against(1.3, reached)
    assert sentence.endswith(f"{verdict}.")
    assert f"{min(reached):.2f}" in sentence


def test_results_say_where_they_were_measured_and_name_no_path() -> None:
    for path in table.RESULTS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert set(json.loads(text)["machine"]) >= {"processor", "cores", "torch", "threads"}
        assert '"/' not in text
