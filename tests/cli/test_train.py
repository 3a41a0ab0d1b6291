"""`equipoise train`: what it leaves, what it refuses, how it goes on."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from equipoise.cli.train import FILES
from equipoise.history.observations import WARM_UP_STEPS
from equipoise.history.store import open_history


def weights(run: Path) -> dict[str, bytes]:
    """Every tensor of the last checkpoint as bytes."""
    found = {}
    for path in sorted((run / "checkpoints" / "last").rglob("*.safetensors")):
        found |= {f"{path.name}/{name}": array.tobytes() for name, array in load_file(path).items()}
    assert found
    return found


def test_it_leaves_what_it_says(ring_run: Path) -> None:
    for name, place in FILES.items():
        assert (ring_run / place).exists(), name
    summary = json.loads((ring_run / "summary.json").read_text())
    assert (summary["steps"], summary["data"], summary["recipe"]) == (10, "ring", "gan")


def test_it_says_where_everything_is(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    result = equipoise("train", "ring", "--steps", 3, "--out", out, *tiny)
    assert result.exit_code == 0, result.stderr
    for place in ("samples.png", "curves.png", "checkpoints/last", "summary.md", "history.sqlite"):
        assert str(out / place) in result.stdout
    assert "3 steps are done" in result.stdout
    assert f"Training on ring with the recipe default, into {out}" in result.stderr
    assert "step 3 of 3, " in result.stderr
    assert "Nothing wrong was found after" in result.stdout.splitlines()[-1]


def test_the_json_is_all_of_standard_output(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    result = equipoise("train", "ring", "--steps", 3, "--seed", 5, "--out", out, "--json", *tiny)
    answer = json.loads(result.stdout)
    assert (answer["run"], answer["step"]) == (str(out), 3)
    assert answer["summary"]["steps"] == 3
    assert answer["diagnosis"]["findings"] == []
    assert all(Path(path).exists() for path in answer["files"].values())


def test_without_watching_there_is_no_verdict(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    result = equipoise("train", "ring", "--steps", 2, "--out", out, "--no-watch", *tiny)
    assert result.exit_code == 0
    assert not (out / "history.sqlite").exists()
    assert "ealthy" not in result.stdout


def test_a_run_is_never_overwritten(equipoise, ring_run: Path, tiny) -> None:
    before = weights(ring_run)
    result = equipoise("train", "ring", "--recipe", "gan", "--steps", 20, "--out", ring_run, *tiny)
    assert result.exit_code == 2
    assert "holds a run already" in result.stderr
    assert "--resume" in result.stderr
    assert weights(ring_run) == before


def test_resume_begins_where_there_is_nothing_and_goes_on_exactly(equipoise, tmp_path: Path, tiny) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    arguments = ["train", "ring", "--recipe", "gan", "--seed", 7, *tiny]
    assert equipoise(*arguments, "--steps", 12, "--out", whole).exit_code == 0
    first = equipoise(*arguments, "--steps", 6, "--out", parts, "--resume")
    assert first.exit_code == 0, first.stderr
    second = equipoise(*arguments, "--steps", 12, "--out", parts, "--resume")
    assert second.exit_code == 0, second.stderr
    assert "step 6 of 12" in second.stderr
    assert weights(whole) == weights(parts)
    again = equipoise(*arguments, "--steps", 12, "--out", parts, "--resume")
    assert again.exit_code == 0
    assert again.stdout.startswith("12 steps are done")
    assert weights(whole) == weights(parts)


def test_the_history_counts_on_over_a_resume(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    arguments = ["train", "ring", "--recipe", "wgan", "--out", out, "--resume", *tiny]
    assert equipoise(*arguments, "--steps", 4).exit_code == 0
    assert equipoise(*arguments, "--steps", 8).exit_code == 0
    with open_history(out) as history:
        observed = history.observations()
    steps = observed.series("score.auc").steps
    # Five updates of the critic for each of the generator: the first part ended at 20, the second at 40.
    assert steps.tolist() == sorted(set(steps.tolist()))
    assert steps.min() < 20 < steps.max() <= 40
    assert 20 < observed.updates["discriminator"] <= 40
    assert 4 < observed.updates["generator"] <= 8


def test_the_probes_run_before_the_end(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    steps = WARM_UP_STEPS + 5
    result = equipoise("train", "ring", "--recipe", "gan", "--steps", steps, "--out", out, *tiny)
    assert result.exit_code == 0, result.stderr
    with open_history(out) as history:
        probes = {probe.name for probe in history.observations().probe_results}
    assert {"batch-blindness", "diversity"} <= probes


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--recipe", "wgn"], "did you mean `wgan`?"),
        (["--recipe", "missing.yaml"], "There is no configuration file 'missing.yaml'"),
        (["--set", "training.batchsize=8"], "did you mean `training.batch_size`?"),
        (["--set", "training.batch_size"], "must look like `training.batch_size=128`"),
        (["--set", "objective.name=hing"], "did you mean `hinge`?"),
        (["--steps", "0"], "`training.steps` must be at least 1"),
        (["--resume"], "`resume` needs `out`"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(equipoise, tmp_path, monkeypatch, arguments, part) -> None:
    monkeypatch.chdir(tmp_path)
    result = equipoise("train", "ring", *arguments)
    assert result.exit_code == 2
    assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("checkpoints"))


def test_a_recipe_file_is_taken(equipoise, tmp_path: Path, tiny) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("recipe: gan\ntraining: {steps: 2}\n")
    result = equipoise("train", "ring", "--recipe", recipe, "--out", tmp_path / "run", *tiny)
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 2


def test_a_warning_is_a_sentence(equipoise, tmp_path: Path, tiny) -> None:
    risky = ("--recipe", "wgan", "--set", "optimizers.discriminator.name=adam")
    result = equipoise("train", "ring", "--steps", 1, "--out", tmp_path / "run", *risky, *tiny)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert any("momentum-under-weight-clipping" in line for line in lines)
    assert ".py:" not in result.stderr


def test_ctrl_c_saves_and_prints_the_command_that_goes_on(equipoise, tmp_path: Path, tiny) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "equipoise", "train", "ring", "--recipe", "gan", "--steps", "1000000"]
    process = subprocess.Popen(
        [*command, "--out", str(out), *tiny], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    # From its first checkpoint on a run is surely between two steps that Ctrl-C must not tear.
    deadline = time.monotonic() + 120
    while not (out / "checkpoints" / "last" / "state.json").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, rest = process.communicate(timeout=120)
    assert process.returncode == 130, rest
    assert stdout == ""
    assert "Traceback" not in rest
    words = shlex.split(rest.strip().splitlines()[-1])
    assert words[:3] == ["equipoise", "train", "ring"]
    reached = int(rest.split("Stopped at step ")[1].split()[0])
    place = words.index("--steps") + 1
    words[place] = str(reached + 2)
    result = equipoise(*words[1:])
    assert result.exit_code == 0, result.stderr
    assert f"step {reached:,} of {reached + 2:,}" in result.stderr
    assert json.loads((out / "summary.json").read_text())["steps"] == reached + 2
