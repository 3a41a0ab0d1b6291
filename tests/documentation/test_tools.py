"""The examples in the generator's own docstrings."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["docstring", "settings", "theory", "verdict"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_generator_run(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"tools.documentation.{name}"))
    assert done.attempted > 0
    assert done.failed == 0
