"""The history survives crashes, is read while it is written, stays bounded, refuses unknown names."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from equipoise.errors import EquipoiseError
from equipoise.history.store import FILE_NAME, SNAPSHOTS, History, open_history

BOTH = {"generator": 1, "discriminator": 1}


def fill(history: History, steps: range) -> None:
    for step in steps:
        history.append(step, {"score.auc": step / 1000}, {"generator": step, "discriminator": 2 * step})


def test_what_was_written_is_read_back_exactly(tmp_path: Path) -> None:
    layers = np.array([0.1, 1e-12, 3.0])
    with History(tmp_path) as history:
        history.append(3, {"score.auc": 0.1 + 0.2, "gradient.generator.layers": layers}, BOTH)
        history.append(5, {"score.auc": 1 / 3}, {"generator": 4, "discriminator": 5})
        history.set_facts({"score.orientation": -1, "optimizers": [{"type": "Adam", "betas": (0.5, 0.9)}]})
        history.add_probe("duality-gap", 5, {"gap": 0.25, "steps": 10})
    with open_history(tmp_path) as history:
        observed = history.observations()
    assert observed.series("score.auc").steps.tolist() == [3, 5]
    assert observed.series("score.auc").values.tolist() == [0.1 + 0.2, 1 / 3]
    np.testing.assert_array_equal(observed.series("gradient.generator.layers").values, layers[None])
    assert observed.step == 5
    assert observed.updates == {"generator": 4, "discriminator": 5}
    assert observed.fact("score.orientation") == -1
    assert observed.fact("optimizers")[0]["betas"] == [0.5, 0.9]
    probe = observed.probe("duality-gap")
    assert probe is not None
    assert probe["gap"] == 0.25
    assert math.isnan(probe["generator.gain"])


def test_not_a_number_and_infinity_come_back_as_such(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append(1, {"score.auc": math.nan, "score.gap": math.inf}, BOTH)
        history.add_probe("diversity", 1, {"support.high": math.inf, "coverage": math.nan})
        history.set_facts({"objective.composite": math.nan})
    with open_history(tmp_path / FILE_NAME) as history:
        observed = history.observations()
    assert math.isnan(observed.series("score.auc").values[0])
    assert observed.series("score.gap").values[0] == math.inf
    probe = observed.probe("diversity")
    assert probe is not None
    assert probe["support.high"] == math.inf
    assert math.isnan(probe["coverage"])
    assert observed.fact("objective.composite") is None


def test_a_record_without_values_is_a_step_all_the_same() -> None:
    history = History(None)
    history.append(7, {}, BOTH)
    assert history.observations().step == 7


def test_a_second_record_of_a_step_replaces_the_first() -> None:
    history = History(None)
    history.append(1, {"score.auc": 0.5}, BOTH)
    history.append(1, {"score.auc": 0.75}, BOTH)
    assert history.observations().series("score.auc").values.tolist() == [0.75]


def test_signals_that_come_and_go_keep_their_own_steps() -> None:
    history = History(None)
    for step in range(6):
        values = {"score.auc": float(step)} | ({"score.gap": -float(step)} if step % 2 else {})
        history.append(step, values, BOTH)
    observed = history.observations()
    assert observed.series("score.auc").steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert observed.series("score.gap").steps.tolist() == [1, 3, 5]
    assert observed.series("score.gap").values.tolist() == [-1, -3, -5]


def test_a_vector_that_changes_its_length_keeps_the_rows_of_the_longest() -> None:
    history = History(None)
    history.append(1, {"gradient.generator.layers": [1.0, 2.0]}, BOTH)
    history.append(2, {"gradient.generator.layers": [1.0, 2.0, 3.0]}, BOTH)
    history.append(3, {"gradient.generator.layers": [4.0, 5.0, 6.0]}, BOTH)
    series = history.observations().series("gradient.generator.layers")
    assert series.steps.tolist() == [2, 3]
    assert series.values.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (lambda history: history.append(1, {"score.acu": 0.5}, BOTH), "score.auc"),
        (lambda history: history.set_facts({"ojective.family": "hinge"}), "objective.family"),
        (lambda history: history.add_probe("diversty", 1, {}), "diversity"),
        (lambda history: history.add_probe("diversity", 1, {"covrage": 1.0}), "coverage"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(write: object, named: str) -> None:
    history = History(None)
    with pytest.raises(EquipoiseError, match=named):
        write(history)  # type: ignore[operator]
    assert history.observations().signals == {}


def test_old_records_are_thinned_and_the_newest_half_stays_whole(tmp_path: Path) -> None:
    with History(tmp_path, limit=400) as history:
        fill(history, range(1, 5001))
    with open_history(tmp_path) as history:
        series = history.observations().series("score.auc")
    assert len(series) <= 400
    assert series.steps[0] == 1
    assert series.steps[-1] == 5000
    # The newest hundred steps lack nothing, and old ones only get rarer.
    assert series.steps[-100:].tolist() == list(range(4901, 5001))
    np.testing.assert_allclose(series.values, series.steps / 1000, rtol=0, atol=0)
    gaps = np.diff(series.steps)
    assert gaps[: len(gaps) // 4].mean() > 4 * gaps[-len(gaps) // 4 :].mean()


def test_the_file_stays_bounded(tmp_path: Path) -> None:
    sizes = []
    for steps in (range(1, 1001), range(1001, 11001)):
        with History(tmp_path, limit=400) as history:
            fill(history, steps)
        sizes.append((tmp_path / FILE_NAME).stat().st_size)
    assert sizes[1] <= 1.5 * sizes[0]


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        fill(history, range(1, 101))
        history.add_probe("duality-gap", 90, {"gap": 1.0})
        history.add_samples(90, "fake", np.zeros((2, 2)))
    with History(tmp_path) as history:
        history.truncate_after(50)
        fill(history, range(51, 61))
        observed = history.observations()
        assert history.samples() == []
    assert observed.series("score.auc").steps.tolist() == list(range(1, 61))
    assert observed.probe("duality-gap") is None


def test_what_was_known_at_an_earlier_step(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        fill(history, range(1, 101))
        history.add_probe("duality-gap", 30, {"gap": 1.0})
        history.add_probe("duality-gap", 80, {"gap": 2.0})
        observed = history.observations(until=50)
    assert observed.step == 50
    assert observed.updates == {"generator": 50, "discriminator": 100}
    assert [result["gap"] for result in observed.probes("duality-gap")] == [1.0]


def test_snapshots_are_bounded_and_keep_the_first_and_the_newest() -> None:
    history = History(None)
    for step in range(100):
        history.add_samples(step, "fake", np.full((100, 3), float(step)))
        history.add_samples(step, "real", np.full((1, 3), -float(step)))
    kept = history.samples()
    steps = sorted({step for step, _, _ in kept})
    assert len(steps) <= SNAPSHOTS
    assert steps[0] == 0
    assert steps[-1] == 99
    for step, kind, array in kept:
        np.testing.assert_array_equal(array, float(step) if kind == "fake" else -float(step))
        assert len(array) <= 64


WRITER = """
import sys, time
from equipoise.history.store import History
history = History(sys.argv[1])
for step in range(1, 10**9):
    history.append(step, {"score.auc": step / 7, "score.gap": float(step)}, {"generator": step})
    if step == 500:
        print("ready", flush=True)
    if step > 500:
        time.sleep(0.0005)
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "ready"
    return writer


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_writer_leaves_a_whole_history_that_goes_on(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    with open_history(tmp_path) as history:
        series = history.observations().series("score.auc")
    # At most one buffer is lost, nothing in between, and every value is the one that was written.
    assert series.last >= (500 - 64) / 7
    assert series.steps.tolist() == list(range(1, len(series) + 1))
    np.testing.assert_array_equal(series.values, series.steps / 7)
    with History(tmp_path) as history:
        history.append(10**6, {"score.auc": 0.5}, BOTH)
    with open_history(tmp_path) as history:
        assert history.observations().step == 10**6


def test_a_history_is_read_while_another_process_writes(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    try:
        seen = []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(set(seen)) < 3:
            with open_history(tmp_path) as history:
                observed = history.observations()
            series = observed.series("score.gap")
            np.testing.assert_array_equal(series.values, series.steps)
            seen.append(observed.step)
            time.sleep(0.02)
    finally:
        writer.kill()
        writer.wait()
    assert len(set(seen)) >= 3
    assert seen == sorted(seen)


def test_reading_changes_nothing_and_refuses_to_write(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        fill(history, range(1, 10))
    before = (tmp_path / FILE_NAME).read_bytes()
    with open_history(tmp_path) as history:
        history.observations()
        with pytest.raises(EquipoiseError, match="opened to be read"):
            history.append(11, {"score.auc": 0.5}, BOTH)
        with pytest.raises(EquipoiseError, match="opened to be read"):
            history.truncate_after(3)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_no_history_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match=r"watch the run with `equipoise\.watch"):
        open_history(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_not_a_history(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("this is no database, but it is longer than the header of one would have to be" * 20)
    for read_only in (True, False):
        with pytest.raises(EquipoiseError, match="is not a history of equipoise"):
            History(path, read_only=read_only)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE records (name TEXT)")
    connection.close()
    with pytest.raises(EquipoiseError, match="is not a history of equipoise"):
        open_history(other)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(EquipoiseError, match="choose a writable folder"):
            History(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_the_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(EquipoiseError, match="choose a writable folder"):
        History(tmp_path / "run" / "inner")
