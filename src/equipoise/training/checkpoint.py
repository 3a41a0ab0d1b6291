"""Checkpoints: safetensors and JSON in a folder that is replaced as a whole or not at all.

A folder cannot be exchanged in one system call, so it is done in an order that can be picked up anywhere:

1. `NAME.writing` is filled, and everything in it is forced to the disk;
2. it becomes `NAME.new`: from here on the new checkpoint is complete;
3. `NAME` steps aside as `NAME.old`, `NAME.new` becomes `NAME`, `NAME.old` is deleted.

`recover` finishes what a kill left unfinished. Reading executes no code.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from equipoise.errors import EquipoiseError

STATE_FILE = "state.json"
_FORMAT = 1


@dataclass
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        tensors: for each file (`generator`, `discriminator`, `ema`, `optimizers`, `penalties`) its tensors.
        state: what JSON can hold: step, random states, data order, configuration, specification, versions.
    """

    state: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]] = field(default_factory=dict)


def write_checkpoint(folder: Path, name: str, checkpoint: Checkpoint) -> Path:
    """Put a checkpoint in place of the one of that name; whatever happens, one of the two is there after.

    Args:
        folder: the run's `checkpoints` folder; created when missing.
        name: `last` or `best`.

    Raises:
        EquipoiseError: the disk is full or the folder cannot be written; the previous checkpoint is intact.
    """
    target = folder / name
    writing = folder / f"{name}.writing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        recover(folder, name)
        writing.mkdir()
        for file, tensors in checkpoint.tensors.items():
            if tensors:
                _write(writing / f"{file}.safetensors", safetensors.torch.save(_plain(tensors)))
        text = json.dumps(checkpoint.state | {"format": _FORMAT}, indent=1, sort_keys=True)
        _write(writing / STATE_FILE, text.encode("utf-8"))
        _flush_folder(writing)
        os.replace(writing, folder / f"{name}.new")
        _flush_folder(folder)
        _swap(folder, name)
    except OSError as error:
        shutil.rmtree(writing, ignore_errors=True)
        intact = "; the previous checkpoint is intact" if (target / STATE_FILE).exists() else ""
        raise EquipoiseError(
            f"The checkpoint {str(target)!r} could not be written ({error.strerror or error}){intact}; make "
            "room or the folder writable, then go on with --resume."
        ) from error
    return target


def copy_checkpoint(folder: Path, source: str, target: str) -> None:
    """Make the checkpoint `target` the same as `source`, as safely as `write_checkpoint`."""
    writing = folder / f"{target}.writing"
    try:
        recover(folder, target)
        writing.mkdir()
        for file in (folder / source).iterdir():
            try:
                # Files are never changed after they are written, so two folders may share them.
                os.link(file, writing / file.name)
            except OSError:
                _write(writing / file.name, file.read_bytes())
        _flush_folder(writing)
        os.replace(writing, folder / f"{target}.new")
        _flush_folder(folder)
        _swap(folder, target)
    except OSError as error:
        shutil.rmtree(writing, ignore_errors=True)
        raise EquipoiseError(
            f"The checkpoint {str(folder / target)!r} could not be written ({error.strerror or error}); make "
            "room or the folder writable, then go on with --resume."
        ) from error


def recover(folder: Path, name: str) -> None:
    """Finish or undo what an interrupted `write_checkpoint` left, and clear away the rest."""
    shutil.rmtree(folder / f"{name}.writing", ignore_errors=True)
    if (folder / f"{name}.new").exists():
        _swap(folder, name)
    old = folder / f"{name}.old"
    if old.exists():
        if (folder / name).exists():
            shutil.rmtree(old)
        else:
            os.replace(old, folder / name)


def read_state(path: Path) -> dict[str, Any]:
    """The JSON part of the checkpoint in a folder.

    Raises:
        EquipoiseError: there is none, it is damaged, or a later version of equipoise wrote it.
    """
    file = path / STATE_FILE
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EquipoiseError(
            f"There is no checkpoint in {str(path)!r} (it has no {STATE_FILE}); give a run's folder or one "
            "of its checkpoints."
        ) from None
    except (OSError, ValueError) as error:
        raise EquipoiseError(f"The checkpoint file {str(file)!r} cannot be read ({error}).") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        found = state.get("format") if isinstance(state, dict) else None
        raise EquipoiseError(
            f"The checkpoint {str(path)!r} must have format {_FORMAT}, but it has {found!r}; use the version "
            "of equipoise that wrote it."
        )
    return state


def read_tensors(path: Path, file: str) -> dict[str, Tensor]:
    """The tensors of one of the checkpoint's files; none when it was not written.

    Raises:
        EquipoiseError: the file is damaged.
    """
    place = path / f"{file}.safetensors"
    if not place.exists():
        return {}
    try:
        return safetensors.torch.load_file(place)
    except (OSError, SafetensorError) as error:
        raise EquipoiseError(f"The checkpoint file {str(place)!r} cannot be read ({error}).") from error


def read_checkpoint(path: Path) -> Checkpoint:
    """All of a checkpoint, on the CPU."""
    state = read_state(path)
    files = [file.stem for file in path.glob("*.safetensors")]
    return Checkpoint(state, {file: read_tensors(path, file) for file in files})


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous copies on the CPU that share no memory, which is what the format can hold."""
    seen: set[int] = set()
    plain = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        if value.data_ptr() in seen:
            value = value.clone()
        seen.add(value.data_ptr())
        plain[name] = value
    return plain


def _swap(folder: Path, name: str) -> None:
    current, new, old = folder / name, folder / f"{name}.new", folder / f"{name}.old"
    if old.exists() and current.exists():
        shutil.rmtree(old)
    if current.exists():
        os.replace(current, old)
    os.replace(new, current)
    _flush_folder(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
