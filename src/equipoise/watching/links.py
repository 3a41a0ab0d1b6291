"""How a sample is recognised as the generator's: by its live storage, its values or parts, its ancestry.

Addresses lie: the allocator hands the address of a freed fake to the next real batch. A weak reference to
the storage keeps its identity reserved until the reference is dropped, so a match cannot be a coincidence.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from equipoise.watching.completed import completed_rows
from equipoise.watching.tree import Path

if TYPE_CHECKING:
    from equipoise.watching.passes import GeneratorCall, Link, Made

_MARK = "equipoise.generator"
_RECENT = 256
_NODES = 400


class StorageSet:
    """Storages that were noted and still live."""

    def __init__(self, limit: int = _RECENT) -> None:
        self._references: OrderedDict[int, StorageWeakRef] = OrderedDict()
        self._limit = limit

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        identity = storage._cdata
        if identity not in self._references:
            self._references[identity] = StorageWeakRef(storage)
            if len(self._references) > self._limit:
                self._drop()

    def _drop(self) -> None:
        for identity in [key for key, reference in self._references.items() if reference.expired()]:
            del self._references[identity]
        while len(self._references) > self._limit:
            self._references.popitem(last=False)

    def discard(self, tensor: Tensor) -> None:
        self._references.pop(tensor.untyped_storage()._cdata, None)

    def __contains__(self, tensor: Tensor) -> bool:
        reference = self._references.get(tensor.untyped_storage()._cdata)
        return reference is not None and not reference.expired()


def mark_ancestry(output: Tensor, owner: int | str) -> None:
    """Leave a note at the autograd node of a generator's output; it lives and dies with the user's graph."""
    if output.grad_fn is not None:
        notes: dict[Any, Any] = output.grad_fn.metadata  # type: ignore[assignment]
        notes.setdefault(_MARK, set()).add(owner)


def descends(tensor: Tensor, owner: int | str, limit: int = _NODES) -> bool:
    """Whether the tensor was computed, with a graph, from a marked output."""
    if tensor.grad_fn is None:
        return False
    seen: set[Any] = set()
    frontier: list[Any] = [tensor.grad_fn]
    while frontier and len(seen) < limit:
        following = []
        for node in frontier:
            if node in seen:
                continue
            seen.add(node)
            if owner in node.metadata.get(_MARK, ()):
                return True
            following += [parent for parent, _ in node.next_functions if parent is not None]
        frontier = following
    return False


def made_before(inputs: Sequence[tuple[Path, Tensor]], owner: int) -> Made:
    """Whether inputs of a call were made with a graph: by the owner itself, or by another network."""
    if any(descends(value, owner) for _, value in inputs):
        return "owner"
    return "other" if any(value.grad_fn is not None for _, value in inputs) else None


def matching_rows(samples: Tensor, output: Tensor) -> tuple[slice, slice | None] | None:
    """Where a generator's output stands inside a batch given to the discriminator, value for value.

    Returns:
        (rows, channels): the rows of `samples` that are the output's rows, and the channels they fill (None
        for all), or None when the output is not in it. Concatenation along the batch or along the channels,
        before or after the other part, is recognised; anything else (augmentation, shuffling) is not.
    """
    if samples.ndim != output.ndim or samples.ndim < 2 or not len(samples) or not len(output):
        return None
    if samples.dtype != output.dtype or samples.device != output.device:
        return None
    width, own = samples.shape[1], output.shape[1]
    if samples.shape[2:] != output.shape[2:] or own > width or len(output) > len(samples):
        return None
    channels = [None] if own == width else [slice(width - own, width), slice(0, own)]
    rows = [slice(0, len(output))]
    if len(output) < len(samples):
        rows.append(slice(len(samples) - len(output), len(samples)))
    for place in rows:
        for part in channels:
            view = samples[place] if part is None else samples[place, part]
            # The first row decides cheaply in nearly every case.
            if bool((view[0] == output[0]).all()) and bool((view == output).all()):
                return place, part
    return None


def recognised(
    value: Tensor,
    outputs: Sequence[tuple[weakref.ref[Tensor], GeneratorCall, Path]],
    calls: Sequence[GeneratorCall],
    storages: StorageSet,
) -> tuple[Link | None, GeneratorCall | None, Path | None, slice | None, slice | None]:
    """Why a tensor is known to be the generator's: (link, its call, the output's path, rows, channels).

    Args:
        outputs: the live outputs seen, with their calls.
        calls: the calls seen, the newest last.
        storages: every storage that an output was in.
    """
    for reference, call, path in reversed(outputs):
        if reference() is value:
            return "storage", call, path, None, None
    in_storage = value in storages
    for call in reversed(calls):
        for path, output in call.outputs:
            if in_storage and output.untyped_storage()._cdata == value.untyped_storage()._cdata:
                return "storage", call, path, None, None
            place = matching_rows(value, output)
            if place is not None:
                rows = place[0] if len(output) < len(value) else None
                return "values", call, path, rows, place[1]
    for call in reversed(calls):
        for path, output in call.outputs:
            place = completed_rows(value, output, call.given())
            if place is not None:
                return "parts", call, path, place[0] if len(output) < len(value) else None, place[1]
    return ("storage" if in_storage else None), None, None, None, None


def entrances(outputs: list[Tensor], inner: Tensor, limit: int = 4000) -> list[tuple[Any, int]]:
    """Where a graph takes in a tensor: (node, index of its input) for each use on the way to the outputs.

    What flows back over these edges is the gradient through this graph alone, whatever else uses the tensor.
    """
    target = inner.grad_fn
    if target is None:
        return []
    seen: set[Any] = set()
    frontier = [output.grad_fn for output in outputs if output.grad_fn is not None]
    found: list[tuple[Any, int]] = []
    while frontier and len(seen) < limit:
        node = frontier.pop()
        if node in seen or node is target:
            continue
        seen.add(node)
        for index, (parent, _) in enumerate(node.next_functions):
            if parent is target:
                found.append((node, index))
            elif parent is not None:
                frontier.append(parent)
    return found
