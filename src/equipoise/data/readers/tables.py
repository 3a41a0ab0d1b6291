"""Numeric tables: CSV files, and what parquet holds besides images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equipoise.data.raw import RawData, ReadOptions
from equipoise.data.readers.arrays import from_array
from equipoise.errors import EquipoiseError, unknown_name

LABEL_NAMES = ("label", "labels")


def read_csv(path: Path, options: ReadOptions) -> RawData:
    """A CSV or TSV file, also compressed; a first line of numbers is data, not names."""
    import pandas

    if options.split != "train":
        raise EquipoiseError(
            f"`{path}` has no split `{options.split}`; hold samples out with `dataset.split`."
        )
    separator = "\t" if ".tsv" in path.suffixes else ","
    try:
        frame = pandas.read_csv(path, sep=separator)
        if all(_is_number(name) for name in frame.columns):
            frame = pandas.read_csv(path, sep=separator, header=None)
            frame.columns = [f"column {index}" for index in range(frame.shape[1])]
    except (ValueError, OSError, EOFError) as error:
        line = str(error).strip().split("\n")[0].rstrip(".")
        raise EquipoiseError(f"`{path}` cannot be read as a table ({line}); check the file.") from error
    return from_table(frame, options, str(path))


def from_table(
    frame: Any, options: ReadOptions, name: str, class_names: tuple[str, ...] | None = None
) -> RawData:
    """One sample a row of a pandas table.

    The label column is the one asked for, else one called `label` or `labels`. All other columns, or those
    that `column` names, are the features and must be numeric; a single column of lists of equal length
    gives a vector (or, nested, a sequence or image) a row.

    Raises:
        EquipoiseError: for an unknown column (the nearest one is suggested), a column that is not numeric, a
            missing value, an empty table.
    """
    names = [str(column) for column in frame.columns]
    frame = frame.set_axis(names, axis=1)
    if len(frame) == 0:
        raise EquipoiseError(f"The table `{name}` has no rows; check the file.")
    label_name = options.label_column
    if label_name is None:
        label_name = next((known for known in LABEL_NAMES if known in names), None)
    elif label_name not in names:
        raise unknown_name(f"column in `{name}`", label_name, names)
    if options.column is None:
        chosen = [column for column in names if column != label_name]
    else:
        chosen = [options.column] if isinstance(options.column, str) else list(options.column)
        for column in chosen:
            if column not in names:
                raise unknown_name(f"column in `{name}`", column, names)
    if not chosen:
        raise EquipoiseError(
            f"The table `{name}` has no column besides the labels `{label_name}`; add features."
        )
    labels = None if label_name is None else frame[label_name].to_numpy()
    if len(chosen) == 1 and frame[chosen[0]].dtype == object and _is_list(frame[chosen[0]].iloc[0]):
        samples = _stacked_lists(frame[chosen[0]].to_numpy(), chosen[0], name)
    else:
        for column in chosen:
            _require_numeric(frame[column], column, name)
        samples = frame[chosen].to_numpy(dtype=np.float64)
    return from_array(samples, labels, options, name, tuple(chosen), class_names)


def _require_numeric(column: Any, column_name: str, name: str) -> None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not (is_numeric_dtype(column) or is_bool_dtype(column)) or np.issubdtype(
        column.to_numpy().dtype, np.complexfloating
    ):
        texts = [value for value in column if not _is_number(value)]
        example = f" (for instance {texts[0]!r})" if texts else ""
        raise EquipoiseError(
            f"The column `{column_name}` of `{name}` is not numeric{example}; pass it as label_column, "
            "choose other columns with column, or turn it into numbers."
        )
    missing = column.isna().to_numpy()
    if missing.any():
        raise EquipoiseError(
            f"The column `{column_name}` of `{name}` has no value in row {int(missing.argmax())} (rows count "
            "from 0); fill it in or drop the row."
        )


def _stacked_lists(values: np.ndarray, column: str, name: str) -> np.ndarray:
    try:
        return np.stack([_nested(value) for value in values]).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise EquipoiseError(
            f"The column `{column}` of `{name}` does not hold numeric lists of one length in every row; pad "
            "or cut them to one length."
        ) from error


def _nested(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype == object:
        return np.stack([_nested(part) for part in array])
    return array


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True
