"""What a run leaves behind, and what is refused."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from equipoise.errors import EquipoiseError
from equipoise.lab import EXPERIMENTS, Arm, Expectation, Experiment, Outcome
from equipoise.lab.base import page, scaled
from equipoise.lab.comparison import finished, rows_of
from equipoise.lab.figure import COLOURS, draw, draw_panel
from equipoise.lab.outcome import ROLES
from equipoise.lab.page import render_comparison
from equipoise.lab.panels import Curve, LinePanel, Points, panel_from_json
from equipoise.lab.running import read_result, run_experiment, write_whole


class Toy(Experiment):
    """Nothing is trained.

    What it shows
    That results are kept.

    Setting
    None.

    What to look at
    The files.

    Where the textbook says more than this shows
    Everywhere.

    References
    None.
    """

    name = "a-toy"
    title = "A toy"
    claim = "It is <so>."
    question = "Is it?"
    minutes = 0.1


@pytest.fixture
def toy(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    EXPERIMENTS.names()
    monkeypatch.setitem(EXPERIMENTS._entries, "a-toy", Toy)
    monkeypatch.setattr(Toy, "run", lambda self, budget, seed, progress: outcome)
    return outcome


class Resources(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset") or (tag == "link" and name == "href"):
                self.found.append(value or "")
                self.images += tag == "img"


def test_a_run_leaves_a_figure_a_page_and_its_numbers(toy: Outcome, tmp_path: Path) -> None:
    result = run_experiment("a-toy", tmp_path, seed=7)
    folder = tmp_path / "a-toy"
    assert sorted(path.name for path in folder.iterdir()) == [
        "figure.png",
        "figure.svg",
        "outcome.json",
        "page.html",
    ]
    assert result.held is True
    again = read_result(folder)
    assert again.to_json() == result.to_json()
    assert again.seed == 7
    assert json.loads((folder / "outcome.json").read_text())["held"] is True
    text = (folder / "page.html").read_text()
    resources = Resources()
    resources.feed(text)
    assert resources.images == len(toy.panels)
    assert all(entry.startswith("data:") for entry in resources.found)
    assert "with &lt;the&gt; penalty" in text
    assert "It is &lt;so&gt;." in text
    assert "by definition" in text
    assert "A toy." in text
    assert "equipoise lab run a-toy --seed 7" in text


def test_the_same_result_gives_the_same_figure(toy: Outcome, tmp_path: Path) -> None:
    run_experiment("a-toy", tmp_path / "first")
    run_experiment("a-toy", tmp_path / "second")
    for name in ("figure.png", "figure.svg"):
        assert (tmp_path / "first/a-toy" / name).read_bytes() == (
            tmp_path / "second/a-toy" / name
        ).read_bytes()


def test_a_trial_is_not_judged_and_a_broken_claim_does_not_hold(toy: Outcome) -> None:
    assert run_experiment("a-toy", budget=0.5).held is None
    toy.expectations.append(Expectation("Never.", float("nan"), ">", 0.0, "nowhere"))
    assert run_experiment("a-toy").held is False
    toy.expectations.clear()
    assert run_experiment("a-toy").held is False


@pytest.mark.parametrize(("comparison", "holds"), [(">=", True), ("<=", True), (">", False), ("<", False)])
def test_comparisons_at_the_bound(comparison: str, holds: bool) -> None:
    assert Expectation("s.", 1.0, comparison, 1.0, "d").holds is holds


def test_wrong_requests_are_refused_and_leave_nothing(toy: Outcome, tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="did you mean `a-toy`"):
        run_experiment("a-toi", tmp_path)
    for budget in (0.0, 1.5, float("nan")):
        with pytest.raises(EquipoiseError, match="budget"):
            run_experiment("a-toy", tmp_path, budget=budget)
    with pytest.raises(EquipoiseError, match="seed"):
        run_experiment("a-toy", tmp_path, seed=-1)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(EquipoiseError, match="--out"):
        run_experiment("a-toy", tmp_path / "file")


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "page.html"
    write_whole(target, b"old")

    def fail(self: Path, other: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(EquipoiseError, match="disk full"):
        write_whole(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert target.read_bytes() == b"old"


def test_finished_experiments_are_compared(toy: Outcome, tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="finished experiments"):
        finished(tmp_path)
    run_experiment("a-toy", tmp_path)
    results = finished(tmp_path)
    assert [row.state for row in rows_of(results[0])] == ["still failing", "cured"]
    assert [row.value for row in rows_of(results[0])] == [1e-6, 0.5]
    text = render_comparison(results)
    assert "still failing" in text
    assert "1 of 1 claims hold" in text
    with pytest.raises(EquipoiseError, match="did you mean `a-toy`"):
        finished(tmp_path, ["a-toi"])
    (tmp_path / "a-toy/outcome.json").write_text("{}")
    with pytest.raises(EquipoiseError, match="run the experiment again"):
        finished(tmp_path)


def test_panels_come_back_and_wrong_ones_are_refused(outcome: Outcome) -> None:
    for panel in outcome.panels:
        assert panel_from_json(json.loads(json.dumps(panel.to_json()))) == panel
    with pytest.raises(EquipoiseError, match="kind of panel"):
        panel_from_json({"kind": "pie"})
    with pytest.raises(EquipoiseError, match="scale"):
        LinePanel("t.", "x", "y", (), y_scale="logg")
    with pytest.raises(EquipoiseError, match="shape"):
        Points("p", "data", [[1.0, 2.0, 3.0]])
    with pytest.raises(EquipoiseError, match="no series"):
        draw_panel(
            draw(outcome, "c", "v").axes[0], LinePanel("t.", "x", "y", (Curve("mended", "x"),)), outcome
        )
    with pytest.raises(EquipoiseError, match="did you mean `mended`"):
        outcome.arm("mendet")


def test_every_role_has_a_colour_of_its_own() -> None:
    assert set(ROLES) <= set(COLOURS)
    assert len({COLOURS[role] for role in ROLES}) == len(ROLES)
    with pytest.raises(EquipoiseError, match="role of an arm"):
        Arm("a", "cuer", "d")  # type: ignore[arg-type]


def test_a_page_without_its_sections_is_refused() -> None:
    class Bare(Toy):
        """Only a summary."""

    with pytest.raises(EquipoiseError, match="must have the sections"):
        page(Bare)


def test_budgets_scale_steps() -> None:
    assert scaled(4000, 1.0) == 4000
    assert scaled(4000, 0.004) == 16
    assert scaled(10, 0.001, least=5) == 5
