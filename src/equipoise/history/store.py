"""The history of a run in one SQLite file: crash-safe, readable while the run goes on, bounded.

A record is one row: the names it has (numbers in a names table) and its values as packed floats. When there
are too many records, every second one of the older half is dropped, so that the file and the time to open it
stay bounded however long the run is.
"""

from __future__ import annotations

import io
import json
import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.errors import EquipoiseError
from equipoise.history.catalogue import check_fact, check_probe, check_signal
from equipoise.history.observations import Observations, ProbeResult, Series

FILE_NAME = "history.sqlite"
LIMIT = 20_000
SNAPSHOTS = 12
_FLUSH_RECORDS = 64
_FLUSH_SECONDS = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS layouts (id INTEGER PRIMARY KEY, layout TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    step INTEGER PRIMARY KEY, generator INTEGER, discriminator INTEGER, layout INTEGER, data BLOB);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS probes (id INTEGER PRIMARY KEY, name TEXT, step INTEGER, data TEXT);
CREATE TABLE IF NOT EXISTS samples (step INTEGER, kind TEXT, data BLOB, PRIMARY KEY (step, kind));
"""


class History:
    """Where a watcher writes and a verdict reads.

    Args:
        path: the file, or a folder in which `history.sqlite` is made; None keeps it in memory.
        read_only: open an existing file without writing, also while another process writes.
        limit: the number of records above which older ones are thinned.

    Raises:
        EquipoiseError: the file cannot be opened or is not a history.

    Example:
        >>> history = History(None)
        >>> history.append(1, {"score.auc": 0.75}, {"generator": 1, "discriminator": 1})
        >>> history.observations().last("score.auc")
        0.75
    """

    def __init__(
        self, path: str | Path | None = None, *, read_only: bool = False, limit: int = LIMIT
    ) -> None:
        self.path = _file(path)
        self._limit = limit
        self._layouts: dict[str, int] = {}
        self._buffer: list[tuple[int, int, int, int, bytes]] = []
        self._flushed = time.monotonic()
        self._read_only = read_only
        if read_only and (self.path is None or not self.path.is_file()):
            raise EquipoiseError(
                f"`{path}` must be a run folder or a history file, but there is no {FILE_NAME} in it; "
                "watch the run with `equipoise.watch(..., history=folder)` first."
            )
        try:
            if self.path is not None and not read_only:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(self.path, read_only)
            if self.path is not None and not read_only:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=NORMAL")
            if not read_only:
                self._connection.executescript(_SCHEMA)
            self._count = self._connection.execute("SELECT COUNT(*) FROM records").fetchone()[0]
            for identity, layout in self._connection.execute("SELECT id, layout FROM layouts"):
                self._layouts[layout] = identity
        except (sqlite3.Error, OSError) as error:
            raise EquipoiseError(
                f"The history `{self.path}` cannot be opened ({error}); choose a writable folder, "
                "or another file if this one is not a history of equipoise."
            ) from error

    # ---- writing

    def append(self, step: int, values: Mapping[str, Any], updates: Mapping[str, int]) -> None:
        """Add the record of a step; a second one for the same step replaces the first."""
        self._check_writable()
        numbers: list[float] = []
        places = []
        for name in sorted(values):
            value = values[name]
            if isinstance(value, (float, int)):
                numbers.append(value)
                places.append(f"{name}:1")
            else:
                several = np.asarray(value, dtype=np.float64).ravel().tolist()
                numbers += several
                places.append(f"{name}:{len(several)}")
        layout = ",".join(places)
        if layout not in self._layouts:
            for name in values:
                check_signal(name)
        data = np.asarray(numbers, dtype="<f8").tobytes()
        row = (
            int(step),
            int(updates.get("generator", 0)),
            int(updates.get("discriminator", 0)),
            self._layout(layout),
            data,
        )
        self._buffer.append(row)
        now = time.monotonic()
        if len(self._buffer) >= _FLUSH_RECORDS or now - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def set_facts(self, facts: Mapping[str, Any]) -> None:
        """Set facts; the last value of each counts."""
        self._check_writable()
        rows = [(check_fact(name).name, json.dumps(_plain(value))) for name, value in facts.items()]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def add_probe(self, name: str, step: int, values: Mapping[str, float]) -> None:
        """Add the result of a probe."""
        self._check_writable()
        known = check_probe(name).numbers
        unknown = [number for number in values if number not in known]
        if unknown:
            raise EquipoiseError(
                f"The probe `{name}` has no number `{unknown[0]}`; it has {', '.join(known)}."
            )
        data = json.dumps({number: _plain(float(value)) for number, value in values.items()})
        with self._connection:
            self._connection.execute(
                "INSERT INTO probes (name, step, data) VALUES (?, ?, ?)", (name, int(step), data)
            )

    def add_samples(self, step: int, kind: str, array: NDArray[Any]) -> None:
        """Keep a small array of samples (`real` or `fake`) for the report; old snapshots are thinned."""
        self._check_writable()
        stream = io.BytesIO()
        np.savez_compressed(stream, samples=np.asarray(array)[:64].astype(np.float32))
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO samples VALUES (?, ?, ?)", (int(step), kind, stream.getvalue())
            )
            steps = [
                row[0] for row in self._connection.execute("SELECT DISTINCT step FROM samples ORDER BY step")
            ]
            if len(steps) > SNAPSHOTS:
                # Every second one goes, the first and the newest stay.
                drop = [(value,) for value in steps[1:-1:2]]
                self._connection.executemany("DELETE FROM samples WHERE step = ?", drop)

    def flush(self) -> None:
        """Write what is buffered."""
        if not self._buffer:
            return
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", self._buffer
            )
        self._count += len(self._buffer)
        self._buffer.clear()
        self._flushed = time.monotonic()
        if self._count > self._limit:
            self._thin()

    def truncate_after(self, step: int) -> None:
        """Forget everything after a step, for a run that is resumed from an earlier checkpoint."""
        self._check_writable()
        self.flush()
        with self._connection:
            for table in ("records", "probes", "samples"):
                self._connection.execute(f"DELETE FROM {table} WHERE step > ?", (int(step),))
        self._count = self._connection.execute("SELECT COUNT(*) FROM records").fetchone()[0]

    def close(self) -> None:
        """Write what is buffered and close the file."""
        self.flush()
        self._connection.close()

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- reading

    def observations(self, until: int | None = None) -> Observations:
        """Everything recorded, as checks see it; `until` leaves out what came after a step."""
        if self._buffer:
            self.flush()
        query = "SELECT step, generator, discriminator, layout, data FROM records"
        query += " ORDER BY step" if until is None else f" WHERE step <= {int(until)} ORDER BY step"
        layouts = dict(self._connection.execute("SELECT id, layout FROM layouts"))
        groups: dict[int, tuple[list[int], list[bytes]]] = {}
        step, updates = 0, {"generator": 0, "discriminator": 0}
        for step, generator, discriminator, layout, data in self._connection.execute(query):
            steps, blobs = groups.setdefault(layout, ([], []))
            steps.append(step)
            blobs.append(data)
            updates = {"generator": generator, "discriminator": discriminator}
        pieces: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
        for layout, (steps, blobs) in groups.items():
            _split(layouts[layout], steps, blobs, pieces)
        facts = {
            name: json.loads(value)
            for name, value in self._connection.execute("SELECT name, value FROM facts")
        }
        probes = [
            ProbeResult(name, at, {key: _number(value) for key, value in json.loads(data).items()})
            for name, at, data in self._connection.execute("SELECT name, step, data FROM probes ORDER BY id")
            if until is None or at <= until
        ]
        return Observations(
            signals={name: _series(parts) for name, parts in pieces.items()},
            facts=facts,
            probe_results=probes,
            step=step,
            updates=updates,
            source="history",
        )

    def samples(self) -> list[tuple[int, str, NDArray[np.float32]]]:
        """The kept snapshots as (step, kind, array), oldest first."""
        rows = self._connection.execute("SELECT step, kind, data FROM samples ORDER BY step, kind")
        return [(step, kind, np.load(io.BytesIO(data))["samples"]) for step, kind, data in rows]

    # ---- inside

    def _check_writable(self) -> None:
        if self._read_only:
            raise EquipoiseError(
                f"The history `{self.path}` must be open for writing, but it was opened to be read; "
                "open it with `History(path)`."
            )

    def _layout(self, layout: str) -> int:
        known = self._layouts.get(layout)
        if known is None:
            with self._connection:
                cursor = self._connection.execute("INSERT INTO layouts (layout) VALUES (?)", (layout,))
            known = self._layouts[layout] = int(cursor.lastrowid or 0)
        return known

    def _thin(self) -> None:
        steps = [row[0] for row in self._connection.execute("SELECT step FROM records ORDER BY step")]
        older = steps[1 : len(steps) // 2 : 2]
        with self._connection:
            self._connection.executemany("DELETE FROM records WHERE step = ?", [(value,) for value in older])
        self._count = len(steps) - len(older)


def open_history(path: str | Path) -> History:
    """An existing history, read-only; `path` is the file or the run's folder."""
    return History(path, read_only=True)


def _connect(path: Path | None, read_only: bool) -> sqlite3.Connection:
    if path is None or not read_only:
        return sqlite3.connect(path or ":memory:", timeout=10.0, check_same_thread=False)
    place = path.resolve().as_uri()
    connection = sqlite3.connect(f"{place}?mode=ro", uri=True, timeout=10.0, check_same_thread=False)
    try:
        connection.execute("SELECT COUNT(*) FROM layouts")
    except sqlite3.OperationalError:
        # In a folder that cannot be written SQLite cannot share the file; no writer can be there either.
        connection.close()
        query = f"{place}?mode=ro&immutable=1"
        connection = sqlite3.connect(query, uri=True, timeout=10.0, check_same_thread=False)
    return connection


def _file(path: str | Path | None) -> Path | None:
    if path is None:
        return None
    path = Path(path)
    return path if path.suffix in (".sqlite", ".db", ".sqlite3") else path / FILE_NAME


def _split(
    layout: str,
    steps: Sequence[int],
    blobs: Sequence[bytes],
    pieces: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]],
) -> None:
    table = np.frombuffer(b"".join(blobs), dtype="<f8").reshape(len(steps), -1)
    when = np.asarray(steps, dtype=np.float64)
    start = 0
    for entry in layout.split(",") if layout else []:
        name, length = entry.rsplit(":", 1)
        stop = start + int(length)
        values = table[:, start] if stop == start + 1 else table[:, start:stop]
        pieces.setdefault(name, []).append((when, values))
        start = stop


def _series(parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Series:
    if len(parts) == 1:
        return Series(*parts[0])
    width = max(1 if values.ndim == 1 else values.shape[1] for _, values in parts)
    if width > 1:
        # A vector that changed its length: only rows of the common length are kept.
        parts = [(when, values) for when, values in parts if values.ndim == 2 and values.shape[1] == width]
    steps = np.concatenate([when for when, _ in parts])
    values = np.concatenate([values for _, values in parts])
    order = np.argsort(steps, kind="stable")
    return Series(steps[order], values[order])


def _plain(value: Any) -> Any:
    # JSON has no NaN; null reads back as NaN where a number is expected.
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
