"""`equipoise evaluate`: which reals are compared, and that floors stand beside the scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from equipoise.cli.evaluate import metrics_for, reals_to_compare, some_of
from equipoise.data import load_data


def test_scores_with_floors_as_json(equipoise, digits_run: Path) -> None:
    result = equipoise("evaluate", digits_run, "--n", 120, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    rows = {row["name"].split(" (")[0]: row for row in answer["rows"]}
    distance = rows["frechet-distance"]
    # Four steps of training: far from the data, and the floor is that of real data.
    assert distance["value"] > 3 * distance["floor"]
    assert rows["label-accuracy"]["floor"] > 0.9 > rows["label-accuracy"]["value"]
    assert "data-copying" not in rows
    assert any("memorisation is not scored" in note for note in answer["notes"])
    assert (answer["step"], answer["counts"]["fake"]) == (4, 120)


def test_scores_as_a_table(equipoise, ring_run: Path, tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    np.save(tmp_path / "others.npy", points + 0.1)
    files = ["--data", tmp_path / "points.npy", "--held-out", tmp_path / "others.npy"]
    result = equipoise("evaluate", ring_run, "--n", 64, *files)
    assert result.exit_code == 0, result.stderr
    assert "real data" in result.stdout
    assert "data-copying" in result.stdout


def test_the_test_split_is_what_the_run_never_saw() -> None:
    dataset = load_data("ring", count=50)
    reference, others, notes = reals_to_compare(dataset, "ring", {"count": 50}, None, 0)
    assert reference is dataset
    assert others.split_name == "test"
    assert notes == []
    names = [metric if isinstance(metric, str) else metric.name for metric in metrics_for(dataset, True)]
    assert {"mixture-modes", "data-copying"} <= set(names)


def test_halves_stand_in_where_there_is_no_other_split() -> None:
    dataset = load_data("digits")
    first, second, notes = reals_to_compare(dataset, "digits", {}, None, 0)
    assert len(first) + len(second) == len(dataset)
    assert len(notes) == 1
    names = metrics_for(dataset, memorisation=False)
    assert "mixture-modes" not in names
    assert "data-copying" not in names


def test_a_random_subset_in_order() -> None:
    chosen = some_of(load_data("digits"), 100, 0)
    assert len(chosen) == len(set(chosen.tolist())) == 100
    assert chosen.tolist() == sorted(chosen.tolist())
    assert chosen[-1] > 1500


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--data", "digits"], "name the right data with --data"),
        (["--held-out", "digits"], "`--held-out` must hold samples of shape (2,)"),
        (["--feature", "pixel"], "did you mean `pixels`?"),
    ],
)
def test_refusals(equipoise, ring_run: Path, arguments: list[str], part: str) -> None:
    result = equipoise("evaluate", ring_run, "--n", 16, *arguments)
    assert result.exit_code == 2
    assert part in result.stderr
