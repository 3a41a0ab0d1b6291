"""A checkpoint is replaced as a whole or not at all, whatever happens in between."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.training import checkpoint as room
from equipoise.training.checkpoint import (
    Checkpoint,
    copy_checkpoint,
    read_checkpoint,
    read_state,
    recover,
    write_checkpoint,
)


def make(step: int) -> Checkpoint:
    return Checkpoint(
        {"step": step}, {"generator": {"weight": torch.full((2, 3), float(step))}, "penalties": {}}
    )


def held(folder: Path, name: str = "last") -> int:
    found = read_checkpoint(folder / name)
    assert torch.equal(found.tensors["generator"]["weight"], torch.full((2, 3), float(found.state["step"])))
    return found.state["step"]


def test_write_and_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    write_checkpoint(tmp_path, "last", make(2))
    assert held(tmp_path) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last"]


def test_layouts_and_shared_memory_survive(tmp_path: Path) -> None:
    weight = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
    saved = Checkpoint({"step": 0}, {"generator": {"a": weight, "b": weight, "scalar": torch.tensor(3)}})
    found = read_checkpoint(write_checkpoint(tmp_path, "last", saved)).tensors["generator"]
    assert torch.equal(found["a"], weight)
    assert torch.equal(found["b"], weight)
    assert found["scalar"].item() == 3


class Killed(BaseException):
    """Stands for a SIGKILL: nothing after it runs, as no handler here catches it."""


CALLS = ["_write", "_flush_folder", "os.replace", "shutil.rmtree"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("count", range(1, 6))
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_one_whole_checkpoint_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, count: int, when: str
) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    module, name = (
        (room, call) if "." not in call else (getattr(room, call.split(".")[0]), call.split(".")[1])
    )
    original = getattr(module, name)
    calls = 0

    def dies(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            raise Killed
        result = original(*args, **kwargs)
        if calls == count:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with contextlib.suppress(Killed):
            write_checkpoint(tmp_path, "last", make(2))
    recover(tmp_path, "last")
    assert held(tmp_path) in (1, 2)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last"]
    write_checkpoint(tmp_path, "last", make(3))
    assert held(tmp_path) == 3


def test_a_half_written_file_is_never_taken_for_a_checkpoint(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    shutil.copytree(tmp_path / "last", tmp_path / "last.writing")
    (tmp_path / "last.writing" / "state.json").write_text('{"step": 2, "form')
    recover(tmp_path, "last")
    assert held(tmp_path) == 1
    assert not (tmp_path / "last.writing").exists()


@pytest.mark.parametrize("failing", ["generator.safetensors", "state.json"])
def test_a_full_disk_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    original = room._write

    def full(path: Path, content: bytes) -> None:
        if path.name == failing:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(path, content)

    monkeypatch.setattr(room, "_write", full)
    with pytest.raises(EquipoiseError, match=r"No space left on device.*the previous checkpoint is intact"):
        write_checkpoint(tmp_path, "last", make(2))
    assert held(tmp_path) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EquipoiseError, match="could not be written"):
        write_checkpoint(tmp_path / "file" / "checkpoints", "last", make(1))


def test_copy_is_a_checkpoint_of_its_own(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    copy_checkpoint(tmp_path, "last", "best")
    write_checkpoint(tmp_path, "last", make(2))
    assert (held(tmp_path, "best"), held(tmp_path, "last")) == (1, 2)
    copy_checkpoint(tmp_path, "last", "best")
    assert held(tmp_path, "best") == 2


def test_damaged_or_foreign_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "last", make(1))
    with pytest.raises(EquipoiseError, match="There is no checkpoint"):
        read_state(tmp_path / "nothing")
    (tmp_path / "last" / "generator.safetensors").write_bytes(b"\x80\x04 not a tensor file")
    with pytest.raises(EquipoiseError, match=r"generator\.safetensors.* cannot be read"):
        read_checkpoint(tmp_path / "last")
    (tmp_path / "last" / "state.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(EquipoiseError, match="must have format 1, but it has 99"):
        read_state(tmp_path / "last")
    (tmp_path / "last" / "state.json").write_text("{")
    with pytest.raises(EquipoiseError, match="cannot be read"):
        read_state(tmp_path / "last")
