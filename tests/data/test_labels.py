from __future__ import annotations

import numpy as np
import pytest

from equipoise.data.labels import encode_labels
from equipoise.errors import EquipoiseError


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 2, 1], dtype=np.uint8),
        np.array([0.0, 2.0, 1.0]),
        np.array([[0], [2], [1]]),
        np.array([0, 2, 1], dtype=object),
    ],
)
def test_whole_numbers_are_class_numbers(values: np.ndarray) -> None:
    numbers, classes, names = encode_labels(values, 3)
    assert numbers.dtype == np.int64
    assert (numbers.tolist(), classes, names) == ([0, 2, 1], 3, None)


def test_text_is_numbered_in_sorted_order() -> None:
    numbers, classes, names = encode_labels(np.array(["b", "a", "b"], dtype=object), 3)
    assert (numbers.tolist(), classes, names) == ([1, 0, 1], 2, ("a", "b"))


def test_declared_names_set_the_number_of_classes() -> None:
    assert encode_labels(np.array([0, 1]), 2, class_names=("a", "b", "c"))[1:] == (3, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0, 1]), "as many as there are samples"),
        (np.zeros((3, 2)), "one label a sample"),
        (np.array([0, -1, 1]), "0 or more .see sample 1"),
        (np.array([0, 0.5, 1]), "whole number in every sample .see sample 1"),
        (np.array([0, np.nan, 1]), "whole number"),
        (np.array(["a", None, "b"], dtype=object), "no label for sample 1"),
        (np.array([0, 1, 100_000]), "class numbers from 0 on"),
        (np.array([1j, 0, 0]), "whole numbers or text"),
    ],
)
def test_bad_labels_are_refused_by_name(values: np.ndarray, message: str) -> None:
    with pytest.raises(EquipoiseError, match=f"`kinds`.*{message}"):
        encode_labels(values, 3, "kinds")


def test_labels_beyond_the_declared_classes_are_refused() -> None:
    with pytest.raises(EquipoiseError, match=r"below the 2 classes \(see sample 2\)"):
        encode_labels(np.array([0, 1, 2]), 3, class_names=("a", "b"))
