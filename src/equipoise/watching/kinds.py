"""Which classes a conditional generator is asked for, of those that it could make."""

from __future__ import annotations

from typing import Any

from torch import nn

from equipoise.watching.conditions import classes_of
from equipoise.watching.inputs import class_counts
from equipoise.watching.passes import GeneratorCall
from equipoise.watching.tree import tensors

_MOST = 64  # beyond so many different classes nobody asks how many there were
_LEAST_ROWS = 4


class Kinds:
    """The different classes in the generator's recorded calls.

    Of several inputs that could be the class the one with most kinds counts: a flag beside it is none.
    """

    def __init__(self, generator: nn.Module) -> None:
        self._known = max(class_counts(generator), default=0)
        self._seen: dict[str, set[int]] = {}
        self._possible: dict[str, int] = {}
        self._rows = 0

    def call(self, call: GeneratorCall) -> None:
        """Read the classes of one call."""
        given = list(tensors((call.args, call.kwargs)))
        rows = max((len(value) for _, value in given if value.ndim), default=0)
        if rows < _LEAST_ROWS or len(given) < 2:
            return
        found = {str(path): (value, classes_of(value, rows)) for path, value in given}
        for path, (value, classes) in found.items():
            if classes is None or len(self._seen.get(path, ())) > _MOST:
                continue
            width = value.shape[1] if value.ndim == 2 and value.numel() > rows else self._known
            self._possible[path] = int(width)
            self._seen.setdefault(path, set()).update(classes.unique().tolist())
        self._rows += rows * any(classes is not None for _, classes in found.values())

    def facts(self) -> dict[str, Any]:
        """`generator.classes.asked` of `generator.classes`; nothing where no class was given."""
        if not self._seen:
            return {}
        path = max(self._seen, key=lambda one: len(self._seen[one]))
        return {
            "generator.classes": self._possible[path] or None,
            "generator.classes.asked": len(self._seen[path]),
            "generator.classes.samples": self._rows,
        }
