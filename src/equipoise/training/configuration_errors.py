"""Turns what pydantic says into the one sentence that equipoise says."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from equipoise.errors import EquipoiseError, parameter_error

_BOUNDS = {
    "greater_than": ("gt", "above {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "below {}"),
    "less_than_equal": ("le", "at most {}"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a section of keys and values",
    "model_type": "a section of keys and values",
    "model_attributes_type": "a section of keys and values",
    "missing": "a list of the right length",
    "too_short": "a list of the right length",
    "too_long": "a list of the right length",
    "finite_number": "a finite number",
}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings of a model.

    Example:
        >>> from equipoise.training.configuration import EmaSection
        >>> list(settings_of(EmaSection, "ema."))[0]
        'ema.enabled'
    """
    for name, information in model.model_fields.items():
        kind = information.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield prefix + name
            yield from settings_of(kind, prefix + name + ".")
        else:
            yield prefix + name


def unknown_setting(name: str, model: type[BaseModel]) -> EquipoiseError:
    """The error for a setting that does not exist, with the nearest one that does.

    A name that is right but stands in the wrong section finds its section.
    """
    known = list(settings_of(model))
    section, _, key = name.rpartition(".")
    siblings = [entry for entry in known if entry.rpartition(".")[0] == section]
    near = difflib.get_close_matches(name, siblings, n=1, cutoff=0.6)
    near = near or [entry for entry in known if entry.rpartition(".")[2] == key]
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    near_key = difflib.get_close_matches(key, [entry.rpartition(".")[2] for entry in known], n=1, cutoff=0.75)
    near = near or [entry for entry in known if near_key and entry.rpartition(".")[2] == near_key[0]]
    if near:
        return EquipoiseError(f"There is no setting named `{name}`; did you mean `{near[0]}`?")
    listed = ", ".join(entry.rpartition(".")[2] for entry in siblings) or ", ".join(model.model_fields)
    return EquipoiseError(f"There is no setting named `{name}`; known there: {listed}.")


def explain(error: ValidationError, model: type[BaseModel]) -> EquipoiseError:
    """The first thing that is wrong, as one sentence."""
    problem = error.errors()[0]
    location = [str(part) for part in problem["loc"]]
    name = ".".join(location)
    kind = problem["type"]
    got = problem["input"]
    context: dict[str, Any] = problem.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_setting(name, model)
    if kind == "literal_error":
        return _not_an_option(name, got, str(context["expected"]))
    if kind in _BOUNDS:
        key, phrase = _BOUNDS[kind]
        return parameter_error(name, phrase.format(f"{context[key]:g}"), got)
    if kind in _TYPES:
        return parameter_error(name, _TYPES[kind], got)
    return parameter_error(name, f"valid ({problem['msg'].lower()})", got)


def _not_an_option(name: str, got: object, expected: str) -> EquipoiseError:
    options = [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]
    near = difflib.get_close_matches(str(got), options, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}" if near else ""
    return parameter_error(name, "one of " + ", ".join(repr(option) for option in options), got, remedy)
