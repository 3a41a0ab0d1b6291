"""`equipoise lab`: list, run, compare; statuses and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from equipoise.lab import EXPERIMENTS, Arm, Expectation, Experiment, Outcome
from equipoise.lab.panels import Bar, BarPanel


class Toy(Experiment):
    """Nothing is trained.

    What it shows
    A.

    Setting
    B.

    What to look at
    C.

    Where the textbook says more than this shows
    D.

    References
    E.
    """

    name = "a-toy"
    title = "A toy"
    claim = "Two is at least one."
    question = "Is it?"
    minutes = 0.1
    measured = 2.0

    def run(self, budget=1.0, seed=0, progress=None) -> Outcome:
        progress("counting", 0.5)
        arm = Arm("two", "cure", "the number two")
        arm.number("value", self.measured)
        arm.state = "cured"
        return Outcome(
            [arm],
            [Expectation("It is at least one.", self.measured, ">=", 1.0, "arithmetic")],
            ["Only one number."],
            [BarPanel("It is longer than one.", "value", (Bar("two", "cure", self.measured),))],
            "value",
        )


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> type[Toy]:
    EXPERIMENTS.names()
    monkeypatch.setitem(EXPERIMENTS._entries, "a-toy", Toy)
    return Toy


def test_the_list_has_every_claim(equipoise) -> None:
    rows = json.loads(equipoise("lab", "list", "--json").stdout)
    assert [row["name"] for row in rows] == EXPERIMENTS.names()
    text = equipoise("lab", "list").stdout
    assert "a-toy" in text
    assert "Two is at least one." in text


def test_a_claim_that_holds_ends_with_status_0(equipoise, tmp_path: Path) -> None:
    result = equipoise("lab", "run", "a-toy", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    for words in ("Two is at least one.", "yes It is at least one. 2 >= 1", "The claim holds", "figure.png"):
        assert words in result.stdout
    assert (tmp_path / "a-toy" / "page.html").is_file()


def test_a_claim_that_does_not_hold_ends_with_status_1(equipoise, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(Toy, "measured", 0.5)
    result = equipoise("lab", "run", "a-toy", "--out", tmp_path)
    assert result.exit_code == 1
    assert "NO  It is at least one. 0.5 >= 1" in result.stdout
    assert "does NOT hold" in result.stdout
    trial = equipoise("lab", "run", "a-toy", "--out", tmp_path, "--budget", "0.5")
    assert trial.exit_code == 0
    assert "Not judged" in trial.stdout


def test_json_of_a_run(equipoise, tmp_path: Path) -> None:
    document = json.loads(equipoise("lab", "run", "a-toy", "--out", tmp_path, "--json", "--seed", "3").stdout)
    assert document["held"] is True
    assert document["seed"] == 3
    assert document["expectations"][0]["measured"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "a-toi"), "did you mean `a-toy`"),
        (("run", "a-toy", "--budget", "2"), "budget"),
        (("compare",), "equipoise lab run"),
        (("compare", "a-toy"), "equipoise lab run"),
    ],
)
def test_wrong_requests_end_with_status_2(
    equipoise, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = equipoise("lab", *arguments, "--out", tmp_path)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_compare_takes_a_folder_or_names(equipoise, tmp_path: Path) -> None:
    equipoise("lab", "run", "a-toy", "--out", tmp_path)
    for arguments in ((tmp_path,), ("a-toy", "--out", tmp_path), (tmp_path, "a-toy")):
        result = equipoise("lab", "compare", *arguments)
        assert result.exit_code == 0, result.stderr
        assert "cured" in result.stdout
        assert "1 of 1 claims hold" in result.stdout
    assert (tmp_path / "compare.html").is_file()
    rows = json.loads(equipoise("lab", "compare", tmp_path, "--json").stdout)
    assert rows[0]["arms"][0] == {
        "arm": "two", "role": "cure", "key": "value", "value": 2.0, "unit": "", "state": "cured",
    }  # fmt: skip
    assert equipoise("lab", "compare", tmp_path, "a-toi").exit_code == 2
