"""Decoded samples on disk: written whole or not at all, read back memory-mapped."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equipoise.data.normalisation import Normalisation
from equipoise.data.raw import RawData
from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError, parameter_error

FORMAT = 1
# Below this the samples are read into memory; above it they stay on disk and the system pages them in.
MAPPED_BYTES = 16 * 2**20
STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Entry:
    """One decoded data set as it lies in the cache."""

    samples: np.ndarray
    labels: np.ndarray | None
    specification: SampleSpecification
    column_names: tuple[str, ...] | None
    normalisation: Normalisation


def find_cache_directory(given: str | Path | None = None) -> Path:
    """The directory given, else `$EQUIPOISE_CACHE`, else `~/.cache/equipoise`."""
    if given is not None:
        return Path(given).expanduser()
    named = os.environ.get("EQUIPOISE_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "equipoise"


def work_directory(cache: Path) -> tempfile.TemporaryDirectory[str]:
    """A directory inside the cache for what is on the way; left-overs of killed runs go after a day."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob(".partial-*"):
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        return tempfile.TemporaryDirectory(prefix=".partial-", dir=cache, ignore_cleanup_errors=True)
    except OSError as error:
        raise parameter_error(
            "cache_directory",
            f"a folder that can be written ({error.strerror})",
            str(cache),
            "pass cache_directory or set EQUIPOISE_CACHE",
        ) from error


def read_entry(cache: Path, key: str) -> Entry | None:
    """The entry of that key, or None when there is none or it is damaged (it is then written again)."""
    folder = cache / key
    try:
        facts = json.loads((folder / "facts.json").read_text())
        if facts["format"] != FORMAT:
            return None
        size = (folder / "samples.npy").stat().st_size
        samples = np.load(folder / "samples.npy", mmap_mode="r" if size > MAPPED_BYTES else None)
        labels = np.load(folder / "labels.npy") if facts["labels"] else None
        specification = SampleSpecification.from_json(facts["specification"])
        names = facts["column_names"]
        normalisation = Normalisation.from_json(facts["normalisation"])
    except (OSError, ValueError, KeyError, EOFError, EquipoiseError):
        return None
    count = facts["count"]
    if samples.shape != (count, *specification.shape) or (labels is not None and len(labels) != count):
        return None
    return Entry(samples, labels, specification, None if names is None else tuple(names), normalisation)


def write_entry(cache: Path, key: str, raw: RawData, work: Path, fit: Any) -> Entry:
    """Decode into `work`, then move the finished folder to its place in one step.

    Args:
        cache: the cache directory.
        key: of the entry.
        raw: what to store; its chunks are consumed.
        work: a directory on the same file system as the cache.
        fit: called with the stored samples, checks them and returns their normalisation.

    Raises:
        EquipoiseError: when the disk is full or not writable; nothing is left behind.
    """
    partial = work / "entry"
    try:
        partial.mkdir()
        _write_samples(partial / "samples.npy", raw)
        if raw.labels is not None:
            _write_array(partial / "labels.npy", raw.labels)
        stored = np.load(partial / "samples.npy", mmap_mode="r")
        normalisation: Normalisation = fit(stored)
        del stored
        facts = {
            "format": FORMAT,
            "count": raw.count,
            "labels": raw.labels is not None,
            "specification": raw.specification.to_json(),
            "column_names": raw.column_names,
            "normalisation": normalisation.to_json(),
        }
        with open(partial / "facts.json", "w") as file:
            json.dump(facts, file)
            _sync(file)
        _move(partial, cache / key, lambda: read_entry(cache, key) is not None)
    except OSError as error:
        raise EquipoiseError(
            f"The decoded samples cannot be written to `{cache}` ({error.strerror or error}); free space "
            "there, or pass cache_directory or set EQUIPOISE_CACHE."
        ) from error
    entry = read_entry(cache, key)
    if entry is None:
        raise EquipoiseError(f"The cache entry `{cache / key}` cannot be read back; check the disk.")
    return entry


def _write_samples(path: Path, raw: RawData) -> None:
    # Plain writes, not a writable memory map: on a full disk a map kills the process instead of raising.
    header = {
        "descr": np.lib.format.dtype_to_descr(raw.dtype),
        "fortran_order": False,
        "shape": (raw.count, *raw.shape),
    }
    written = 0
    with open(path, "wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        for chunk in raw.chunks:
            file.write(np.ascontiguousarray(chunk, dtype=raw.dtype).data)
            written += len(chunk)
        _sync(file)
    if written != raw.count:
        raise EquipoiseError(
            f"The source gave {written} samples where it announced {raw.count}; read it again."
        )


def _write_array(path: Path, array: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, array)
        _sync(file)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _move(partial: Path, final: Path, is_valid: Any) -> None:
    try:
        os.replace(partial, final)
    except OSError:
        if not final.exists():
            raise
        # Another process was first, or a damaged entry lies there.
        if not is_valid():
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(final)
            os.replace(partial, final)
