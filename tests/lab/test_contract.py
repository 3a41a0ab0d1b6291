"""Every registered experiment: a page, a quick trial, panels that draw, JSON that comes back as it was."""

from __future__ import annotations

import json
import math

import pytest

from equipoise.lab import EXPERIMENTS
from equipoise.lab.base import markdown, page
from equipoise.lab.figure import draw, panel_svg, render
from equipoise.lab.outcome import STATES
from equipoise.lab.running import Result, run_experiment

NAMES = EXPERIMENTS.names()
TRIAL = 0.004


@pytest.fixture(scope="module")
def trials() -> dict[str, Result]:
    return {}


def trial(trials: dict[str, Result], name: str) -> Result:
    if name not in trials:
        told: list[float] = []
        trials[name] = run_experiment(
            name, budget=TRIAL, seed=0, progress=lambda words, done: told.append(done)
        )
        assert told, "progress was never told"
        assert all(0 <= done <= 1 for done in told)
        assert told == sorted(told)
    return trials[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    experiment = EXPERIMENTS.get(name)
    assert experiment.name == name
    assert experiment.title
    assert experiment.question.endswith("?")
    assert experiment.claim.endswith(".")
    assert 0 < experiment.minutes <= 5
    assert page(experiment)["summary"]
    assert f"equipoise lab run {name}" in markdown(experiment)


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_is_quick_and_is_not_judged(name: str, trials: dict[str, Result]) -> None:
    result = trial(trials, name)
    assert result.held is None
    outcome = result.outcome
    assert len({arm.name for arm in outcome.arms}) == len(outcome.arms) > 1
    assert outcome.expectations
    assert outcome.panels
    assert outcome.doubts
    assert any(outcome.key in arm.numbers for arm in outcome.arms)
    for arm in outcome.arms:
        assert arm.description
        assert arm.state in STATES
    for expectation in outcome.expectations:
        assert expectation.source
        assert expectation.sentence.endswith(".")
        assert math.isfinite(expectation.threshold)


@pytest.mark.parametrize("name", NAMES)
def test_its_panels_draw_and_explain_themselves(name: str, trials: dict[str, Result]) -> None:
    outcome = trial(trials, name).outcome
    for panel in outcome.panels:
        assert panel.title.endswith((".", "?"))
        assert panel_svg(panel, outcome).startswith("<?xml")
    assert render(draw(outcome, "claim", "verdict"), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_its_result_survives_json(name: str, trials: dict[str, Result]) -> None:
    result = trial(trials, name)
    again = Result.from_json(json.loads(json.dumps(result.to_json(), allow_nan=False)))
    assert again.to_json() == result.to_json()
    assert again.outcome.panels == result.outcome.panels
