from __future__ import annotations

import json

import pytest

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError


def test_json_round_trip_is_equal() -> None:
    before = SampleSpecification("image", (3, 4, 5), 2, ("cat", "dog"))
    assert SampleSpecification.from_json(json.loads(json.dumps(before.to_json()))) == before
    assert before.size == 60


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("picture", (1, 2, 3)), "kind"),
        (("image", (1, 2)), "shape"),
        (("vector", (0,)), "shape"),
        (("vector", (2,), 0), "classes"),
        (("vector", (2,), 3, ("a", "b")), "class_names"),
        (("vector", (2,), None, ("a",)), "class_names"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arguments: tuple, named: str) -> None:
    with pytest.raises(EquipoiseError, match=f"`{named}`"):
        SampleSpecification(*arguments)


@pytest.mark.parametrize("values", [{}, {"kind": "image", "shape": 3}, {"kind": "image", "shape": ["a"]}])
def test_unreadable_json_is_refused(values: dict) -> None:
    with pytest.raises(EquipoiseError, match="cannot be read"):
        SampleSpecification.from_json(values)
