"""Exact resume: a run that was killed at any moment ends bit for bit where an undisturbed one ends."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.trainer import Run, Trainer
from equipoise.training import checkpoint as checkpoint_room
from equipoise.training.callbacks import Callback
from equipoise.training.checkpoint import read_checkpoint
from equipoise.training.interruption import TrainingInterruptedError

TINY = {
    "recipe": "dcgan",
    "networks": {"architecture": "mlp", "latent_dim": 4, "base_channels": 8, "conditional": True,
                 "options": {"generator_normalisation": "batch"}},
    "penalties": {"gradient-penalty": {"weight": 1.0, "every": 3}, "instance-noise": {"sigma": 0.1},
                  "historical-averaging": {"weight": 0.01}},
    "training": {"steps": 100, "batch_size": 8, "checkpoint_every": 3, "log_every": 10},
    "optimizers": {"generator": {"schedule": "cosine"}},
}  # fmt: skip
# With every file and every rename of a checkpoint between two steps, a kill often hits one of them.
SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
import json
from equipoise.trainer import Trainer
Trainer(json.loads(sys.argv[2]), data="ring", out=sys.argv[1], resume=True, watch=False).fit()
"""


def final(folder: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    checkpoint = read_checkpoint(folder / "checkpoints" / "last")
    tensors = {
        f"{file}/{name}": value for file, group in checkpoint.tensors.items() for name, value in group.items()
    }
    return checkpoint.state, tensors


def assert_same_end(one: Path, other: Path) -> None:
    state, tensors = final(one)
    other_state, other_tensors = final(other)
    assert state == other_state, "step, random states, data order, optimizer settings"
    assert tensors.keys() == other_tensors.keys()
    assert any(name.startswith("ema/") for name in tensors)
    assert any(name.startswith("optimizers/") for name in tensors)
    assert any(name.startswith("penalties/") for name in tensors)
    different = [name for name in tensors if not torch.equal(tensors[name], other_tensors[name])]
    assert not different


def fit(folder: Path, settings: dict = TINY, data: str = "ring", resume: bool = False, **changes: int) -> Run:
    values = json.loads(json.dumps(settings))
    values["training"] |= changes
    return Trainer(values, data=data, out=folder, resume=resume, watch=False).fit()


def saved_step(folder: Path) -> int:
    try:
        return json.loads((folder / "checkpoints" / "last" / "state.json").read_text())["step"]
    except FileNotFoundError:
        return 0


def wait_for_progress(process: subprocess.Popen, folder: Path) -> bool:
    """Until the process has written a checkpoint of its own; whether it did so before its end."""
    begun = saved_step(folder)
    while saved_step(folder) <= begun:
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_killed_at_random_moments_the_run_ends_bit_for_bit_the_same(tmp_path: Path) -> None:
    fit(tmp_path / "whole")
    moments = random.Random(0)
    killed = 0
    while killed < 4:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path / "killed"), json.dumps(TINY)])
        if killed < 3:
            progressed = wait_for_progress(process, tmp_path / "killed")
            time.sleep(moments.uniform(0.0, 0.2))
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert progressed, "the run ended before it could be killed; this test must be adjusted"
        else:
            assert process.wait() == 0
        killed += 1
    assert_same_end(tmp_path / "whole", tmp_path / "killed")
    assert sorted(entry.name for entry in (tmp_path / "killed" / "checkpoints").iterdir()) == ["best", "last"]
    logged = [json.loads(line) for line in (tmp_path / "killed" / "log.jsonl").read_text().splitlines()]
    expected = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert logged == expected


class Stop(Callback):
    """Presses Ctrl-C at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, step: int, scores: object) -> None:
        if step == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("recipe", "data"), [("dcgan", "digits"), ("r3gan", "digits"), ("sngan", "ring"), ("wgan", "ring")]
)
def test_control_c_saves_and_the_rest_is_exact(recipe: str, data: str, tmp_path: Path) -> None:
    """Also in channels-last, with batch norm, spectral vectors and RMSprop."""
    settings = {"recipe": recipe, "networks": {"base_channels": 8},
                "training": {"steps": 8, "batch_size": 8, "checkpoint_every": 100}}  # fmt: skip
    fit(tmp_path / "whole", settings, data)
    stopped = Trainer(settings, data=data, out=tmp_path / "stopped", callbacks=[Stop(3)], watch=False)
    with pytest.raises(TrainingInterruptedError, match=r"Stopped at step 3 of 8 and saved.*--resume"):
        stopped.fit()
    assert Run(tmp_path / "stopped").step == 3
    fit(tmp_path / "stopped", settings, data, resume=True)
    # Not the whole state: the run that was stopped measured its samples once more.
    (state, tensors), (other, others) = final(tmp_path / "whole"), final(tmp_path / "stopped")
    assert state["random"] == other["random"]
    assert state["sampler"] == other["sampler"]
    assert [name for name in tensors if not torch.equal(tensors[name], others[name])] == []


def test_resume_where_nothing_is_begins(tmp_path: Path) -> None:
    assert fit(tmp_path / "run", resume=True, steps=3).step == 3


def test_more_steps_are_allowed_and_other_changes_are_listed(tmp_path: Path) -> None:
    fit(tmp_path / "run", steps=3)
    assert fit(tmp_path / "run", resume=True, steps=5).step == 5
    with pytest.raises(EquipoiseError, match=r"`training.batch_size` was 8 and is 16"):
        fit(tmp_path / "run", resume=True, steps=9, batch_size=16)
    with pytest.raises(EquipoiseError, match="holds a run already"):
        fit(tmp_path / "run", steps=9)
    with pytest.raises(EquipoiseError, match=r"`data.source` was 'ring' and is 'grid'"):
        fit(tmp_path / "run", data="grid", resume=True, steps=9)


def test_a_full_disk_ends_the_run_with_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = checkpoint_room._write
    written = 0

    def full(path: Path, content: bytes) -> None:
        nonlocal written
        written += path.name == "state.json"
        if written > 1:
            raise OSError(28, "No space left on device")
        original(path, content)

    monkeypatch.setattr(checkpoint_room, "_write", full)
    with pytest.raises(EquipoiseError, match=r"No space left on device.*previous checkpoint is intact"):
        fit(tmp_path / "run", steps=9)
    monkeypatch.undo()
    assert Run(tmp_path / "run").step == 3
    fit(tmp_path / "run", resume=True, steps=9)
    fit(tmp_path / "whole", steps=9)
    assert_same_end(tmp_path / "whole", tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run_and_is_not_saved(tmp_path: Path) -> None:
    class Poison(Callback):
        def on_start(self, session, step: int, total_steps: int) -> None:
            self.session = session

        def on_step(self, step: int, scores: object) -> None:
            if step == 4:
                with torch.no_grad():
                    next(self.session.generator.parameters()).fill_(float("nan"))

    values = json.loads(json.dumps(TINY))
    trainer = Trainer(values, data="ring", out=tmp_path / "run", callbacks=[Poison()], watch=False)
    with pytest.raises(
        EquipoiseError, match="is nan at step 6, so the run was stopped; the checkpoint of step 3"
    ):
        trainer.fit()
    assert Run(tmp_path / "run").step == 3


def test_a_callbacks_state_survives(tmp_path: Path) -> None:
    class Counts(Callback):
        name = "counts"

        def __init__(self) -> None:
            self.steps = 0

        def on_step(self, step: int, scores: object) -> None:
            self.steps += 1

        def state_dict(self) -> dict:
            return {"steps": self.steps}

        def load_state_dict(self, state: dict) -> None:
            self.steps = state["steps"]

    for steps in (3, 7):
        counts = Counts()
        values = json.loads(json.dumps(TINY))
        values["training"]["steps"] = steps
        Trainer(values, data="ring", out=tmp_path / "run", resume=True, callbacks=[counts], watch=False).fit()
        assert counts.steps == steps
