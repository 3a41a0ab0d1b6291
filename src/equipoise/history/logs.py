"""What a plain log of a training supports: CSV files and TensorBoard event files as observations."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.errors import EquipoiseError
from equipoise.history.log_columns import counts_epochs, signal_of, step_column
from equipoise.history.observations import WARM_UP_STEPS, Observations, Series

Column = tuple[NDArray[np.float64], NDArray[np.float64]]
_EVENTS = "events.out.tfevents*"
_DELIMITERS = ",;\t|"
# What each of these would show, for a person who has only a log.
_MISSING = {
    "score.auc": "how well the discriminator's scores part real from fake (scores of single samples)",
    "gradient.samples": "where the generator's gradient dies (gradients at scores, samples and layers)",
    "sample.distance.ratio": "diversity, range and repetition of samples (the samples themselves)",
    "update.generator": "whether both networks move (parameter updates)",
    "penalty.gradient": "whether a gradient penalty does what it should (norms at its points)",
}
_STRUCTURE = "structure, optimizers and the family of the loss (the networks themselves)"


def observations_from_log(path: str | Path) -> Observations:
    """What a CSV file, or a TensorBoard event file or folder, says of a training.

    Columns are recognised by their names (`d_loss`, `loss_D`, `errD`, `D(x)`, `D(G(z))`, `gp`, `fid`, `step`,
    `epoch`, ...). Which were understood stands in the fact `log.columns`, what cannot be judged without
    watching in `log.missing`. Scores in a log are taken as they stand: often they are probabilities, not
    logits.

    Raises:
        EquipoiseError: the file cannot be read, is of another kind, or holds no column that is understood.
    """
    path = Path(path)
    if not path.exists():
        raise EquipoiseError(
            f"`{path}` must be a CSV file or a TensorBoard log, but it does not exist; check the path."
        )
    notes: list[str] = []
    if path.is_dir() or "tfevents" in path.name:
        columns, epochs = _event_columns(path), False
    else:
        columns, epochs = _csv_columns(path, notes)
    signals, names = _signals(path, columns)
    last = max((int(series.steps[-1]) for series in signals.values()), default=0)
    missing = [words for signal, words in _MISSING.items() if signal not in signals]
    return Observations(
        signals=signals,
        facts={"log.columns": names, "log.missing": [*notes, *missing, _STRUCTURE]},
        step=last,
        source="log",
        warm_up=1 if epochs else WARM_UP_STEPS,
    )


def _signals(path: Path, columns: dict[str, Column]) -> tuple[dict[str, Series], dict[str, str]]:
    signals: dict[str, Series] = {}
    names: dict[str, str] = {}
    for column, (steps, values) in columns.items():
        signal = signal_of(column) or signal_of(column.rsplit("/", 1)[-1])
        keep = ~np.isnan(values)
        if signal is None or signal in signals or not keep.any():
            continue
        order = np.argsort(steps[keep], kind="stable")
        signals[signal] = Series(steps[keep][order], values[keep][order])
        names[signal] = column
    if not signals:
        shown = ", ".join(list(columns)[:12]) or "none"
        raise EquipoiseError(
            f"`{path}` must hold columns of a GAN's training such as d_loss, g_loss, D(x), D(G(z)) or fid, "
            f"but it has {shown}; rename the columns, or watch the run with `equipoise.watch`."
        )
    return signals, names


# ---- CSV


def _csv_columns(path: Path, notes: list[str]) -> tuple[dict[str, Column], bool]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header_line = stream.readline()
            delimiter = max(_DELIMITERS, key=header_line.count)
            stream.seek(0)
            rows = list(csv.reader(stream, delimiter=delimiter, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EquipoiseError(
            f"`{path}` must be a CSV file or a TensorBoard log, but it cannot be read as text ({error}); "
            "export the log as CSV with one row a step."
        ) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise EquipoiseError(
            f"`{path}` must hold a header and at least one row, but it has {len(rows)} rows; export the "
            "log as CSV with one row a step."
        )
    names = [name.strip() for name in rows[0]]
    if all(_number(name) == _number(name) for name in names):
        raise EquipoiseError(
            f"`{path}` must begin with the names of its columns, but its first row is numbers; add a row "
            "such as step,d_loss,g_loss."
        )
    table = np.full((len(rows) - 1, len(names)), np.nan)
    for place, row in enumerate(rows[1:]):
        for index, cell in enumerate(row[: len(names)]):
            table[place, index] = _number(cell)
    counter = step_column(names)
    steps, epochs = _steps(table, names, counter, notes)
    return {name: (steps, table[:, index]) for index, name in enumerate(names) if name != counter}, epochs


def _steps(
    table: NDArray[np.float64], names: list[str], counter: str | None, notes: list[str]
) -> tuple[NDArray[np.float64], bool]:
    rows = np.arange(len(table), dtype=np.float64)
    if counter is None:
        notes.append("the number of steps (no step column: rows are counted)")
        return rows, False
    steps = table[:, names.index(counter)]
    known = ~np.isnan(steps)
    if not known.all():
        # Loggers that write a row for each call leave gaps.
        if not known.any():
            notes.append("the number of steps (the step column is empty: rows are counted)")
            return rows, False
        steps = np.interp(rows, rows[known], steps[known])
    if np.any(np.diff(steps) < 0):
        notes.append(f"the number of steps (`{counter}` starts again: rows are counted)")
        return rows, False
    if counts_epochs(counter):
        notes.append("the number of steps (only epochs are counted)")
        return steps, True
    return steps, False


def _number(cell: str) -> float:
    try:
        return float(cell.strip().rstrip("%"))
    except ValueError:
        return math.nan


# ---- TensorBoard


def _event_columns(path: Path) -> dict[str, Column]:
    folders = sorted({file.parent for file in path.rglob(_EVENTS)}) if path.is_dir() else [path]
    if not folders:
        raise EquipoiseError(
            f"`{path}` must be a run folder, a CSV file or a TensorBoard log, but the folder holds neither a "
            "history nor event files; name the folder that was given to the logger."
        )
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError as error:
        raise EquipoiseError(
            f"`{path}` is a TensorBoard log, but the package tensorboard is not installed; install "
            '`pip install "equipoise[tensorboard]"`.'
        ) from error
    columns: dict[str, Column] = {}
    owners: dict[str, Path] = {}
    for folder in folders:
        reader = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        reader.Reload()
        for tag, column in _tags(reader).items():
            place = "" if folder == path or not path.is_dir() else str(folder.relative_to(path))
            # A logger that writes several curves into one chart makes a folder for each, named by the curve.
            name = tag if signal_of(tag) or not place else f"{place}/{tag}"
            if name in columns:
                raise EquipoiseError(
                    f"`{path}` must be the log of one run, but `{owners[name].name}` and `{folder.name}` "
                    f"in it both hold `{tag}`; name the folder of one run."
                )
            columns[name], owners[name] = column, folder
    return columns


def _tags(reader: Any) -> dict[str, Column]:
    known = reader.Tags()
    found: dict[str, Column] = {}
    for tag in known.get("scalars", ()):
        events = reader.Scalars(tag)
        found[tag] = (
            np.array([event.step for event in events], dtype=np.float64),
            np.array([event.value for event in events], dtype=np.float64),
        )
    for tag in known.get("tensors", ()):
        from tensorboard.util import tensor_util

        events = [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors(tag)]
        scalars = [(step, value) for step, value in events if value.size == 1 and value.dtype.kind in "fiu"]
        if scalars:
            found[tag] = (
                np.array([step for step, _ in scalars], dtype=np.float64),
                np.array([float(value.reshape(())) for _, value in scalars], dtype=np.float64),
            )
    return found
