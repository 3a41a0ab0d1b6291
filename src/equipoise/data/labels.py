"""Labels of any kind to class numbers."""

from __future__ import annotations

import numpy as np

from equipoise.errors import EquipoiseError, parameter_error


def encode_labels(
    values: np.ndarray, count: int, name: str = "labels", class_names: tuple[str, ...] | None = None
) -> tuple[np.ndarray, int, tuple[str, ...] | None]:
    """Class numbers (int64), how many classes there are, and their names.

    Whole numbers are class numbers as they are: class k is label k, and there are max + 1 classes. Text is
    numbered in sorted order and gives the names.

    Args:
        values: shape (N,) or (N, 1): whole numbers, truth values or text.
        count: how many samples there are.
        name: the column or parameter, for errors.
        class_names: the names that the data set declares; labels beyond them are refused.

    Raises:
        EquipoiseError: for a wrong length or shape, fractions, missing or negative labels, and numbers that
            are no class numbers.

    Example:
        >>> encode_labels(np.array(["dog", "cat", "dog"]), 3)
        (array([1, 0, 1]), 2, ('cat', 'dog'))
    """
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise parameter_error(name, "one label a sample, of shape (N,)", values.shape)
    if len(values) != count:
        raise parameter_error(name, f"as many as there are samples ({count})", len(values))
    if values.dtype == object:
        missing = [index for index, value in enumerate(values) if value is None or value != value]
        if missing:
            raise EquipoiseError(
                f"`{name}` has no label for sample {missing[0]}; fill it in or leave it out."
            )
        values = (
            values.astype(str) if any(isinstance(value, str) for value in values) else values.astype(float)
        )
    if values.dtype.kind in "US":
        names, numbers = np.unique(values.astype(str), return_inverse=True)
        return numbers.astype(np.int64), len(names), tuple(names.tolist())
    if values.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
        if len(bad):
            raise parameter_error(
                name, f"a whole number in every sample (see sample {bad[0]})", float(values[bad[0]])
            )
    elif values.dtype.kind not in "iub":
        raise parameter_error(name, "whole numbers or text", str(values.dtype))
    numbers = values.astype(np.int64)
    lowest, highest = int(numbers.min()), int(numbers.max())
    if lowest < 0:
        row = int(np.argmin(numbers))
        raise parameter_error(
            name,
            f"0 or more (see sample {row})",
            lowest,
            "a label of -1 marks unlabelled samples; leave them out",
        )
    if class_names is not None:
        if highest >= len(class_names):
            row = int(np.argmax(numbers))
            raise parameter_error(name, f"below the {len(class_names)} classes (see sample {row})", highest)
        return numbers, len(class_names), class_names
    distinct = len(np.unique(numbers))
    if highest + 1 > 100 + 10 * distinct:
        raise parameter_error(
            name,
            f"class numbers from 0 on ({distinct} distinct values are far fewer than the largest)",
            highest,
            "number the classes 0, 1, 2, ... or give them as text",
        )
    return numbers, highest + 1, None
