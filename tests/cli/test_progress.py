"""The displays: words, a terminal's bar, and streams that go away."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
import torch

from equipoise.cli.progress import Bar, Lines, Pace, progress

SCORES = {
    "discriminator_loss": torch.tensor(0.5),
    "real_score": torch.tensor(1.25),
    "generator_loss": torch.tensor(2.0),
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def session(main: bool = True) -> SimpleNamespace:
    return SimpleNamespace(accelerator=SimpleNamespace(is_main_process=main))


def run_through(display, steps: int = 3, main: bool = True) -> str:
    display.seconds = 0.0
    display.on_start(session(main), 0, steps)
    for step in range(1, steps + 1):
        display.on_step(step, SCORES)
    display.on_end(steps)
    return display.stream.getvalue()


def test_the_stream_decides() -> None:
    assert isinstance(progress(Terminal(), ""), Bar)
    assert isinstance(progress(io.StringIO(), ""), Lines)


def test_lines_tell_the_step_and_the_scores() -> None:
    lines = run_through(Lines(io.StringIO(), "Now")).splitlines()
    assert lines[0] == "Now"
    assert lines[1] == "step 0 of 3"
    assert lines[-1].startswith("step 3 of 3")
    assert lines[-1].endswith("discriminator 0.500 (real +1.25), generator 2.000")


def test_lines_keep_their_interval() -> None:
    display = Lines(io.StringIO(), "Now")
    display.on_start(session(), 0, 1000)
    for step in range(1, 500):
        display.on_step(step, SCORES)
    assert len(display.stream.getvalue().splitlines()) == 2


def test_the_bar_ends_at_the_last_step() -> None:
    text = run_through(Bar(Terminal(), "Now"))
    assert "step 3 of 3" in text
    assert "100%" in text
    assert "generator 2.000" in text


@pytest.mark.parametrize("display", [Lines, Bar])
def test_only_the_main_process_speaks(display) -> None:
    assert run_through(display(io.StringIO(), "Now"), main=False) == ""


@pytest.mark.parametrize("display", [Lines, Bar])
def test_a_reader_that_went_away_does_not_stop_the_training(display) -> None:
    run_through(shown := display(Closed(), "Now"))
    assert shown._silent


def test_the_pace_is_that_of_the_last_seconds() -> None:
    moments = iter([0.0, 1.0, 100.0, 101.0, 102.0])
    pace = Pace(100, clock=lambda: next(moments))
    for step in (0, 1, 2, 12, 22):
        pace.update(step)
    assert pace.speed == pytest.approx(10)
    assert pace.remaining == pytest.approx(7.8)
    assert pace.words() == "10.0 steps/s, 0:08 left"


def test_nothing_is_said_of_an_unknown_pace() -> None:
    pace = Pace(10)
    pace.update(0)
    assert pace.speed is None
    assert pace.words() == ""
