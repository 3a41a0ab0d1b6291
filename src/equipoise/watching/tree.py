"""Tensors inside whatever a network is given or returns: tuples, lists, dicts, objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

Path = tuple[Any, ...]
_DEPTH = 6


def tensors(tree: Any, path: Path = (), depth: int = _DEPTH) -> Iterator[tuple[Path, Tensor]]:
    """All tensors of a nested structure with their paths, in order; other leaves are skipped.

    Example:
        >>> [path for path, _ in tensors({"a": (torch.zeros(1), 2), "b": torch.zeros(1)})]
        [('a', 0), ('b',)]
    """
    if isinstance(tree, Tensor):
        yield path, tree
    elif depth <= 0:
        return
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from tensors(value, (*path, key), depth - 1)
    elif isinstance(tree, (tuple, list)):
        for index, value in enumerate(tree):
            yield from tensors(value, (*path, index), depth - 1)
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        for field in dataclasses.fields(tree):
            yield from tensors(getattr(tree, field.name, None), (*path, field.name), depth - 1)


def floating_tensors(tree: Any) -> list[tuple[Path, Tensor]]:
    """The floating-point tensors with at least one element."""
    return [(path, value) for path, value in tensors(tree) if value.is_floating_point() and value.numel()]


def at_path(tree: Any, path: Path) -> Any:
    """What is at a path that `tensors` gave."""
    for key in path:
        tree = getattr(tree, key) if dataclasses.is_dataclass(tree) else tree[key]
    return tree


def map_tensors(tree: Any, function: Callable[[Path, Tensor], Any], path: Path = ()) -> Any:
    """A copy of the structure with every tensor replaced by what `function` gives; other leaves stay."""
    if isinstance(tree, Tensor):
        return function(path, tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tensors(value, function, (*path, i)) for i, value in enumerate(tree)))
    if isinstance(tree, (tuple, list)):
        return type(tree)(map_tensors(value, function, (*path, i)) for i, value in enumerate(tree))
    if type(tree) is dict:
        return {key: map_tensors(value, function, (*path, key)) for key, value in tree.items()}
    return tree


def cloned(tree: Any, rows: int | None = None) -> Any:
    """Detached copies of all tensors; with `rows`, only the first rows of what has a batch dimension."""

    def copy(_: Path, value: Tensor) -> Tensor:
        cut = value.detach()
        if rows is not None and cut.ndim and len(cut) > rows:
            cut = cut[:rows]
        return cut.clone()

    return map_tensors(tree, copy)


def float32(value: Tensor) -> Tensor:
    """Detached, in float32 (float64 stays)."""
    value = value.detach()
    return value if value.dtype in (torch.float32, torch.float64) else value.float()
