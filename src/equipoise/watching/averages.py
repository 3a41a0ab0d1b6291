"""Copies of the generator that were seen, and how they follow it: moving averages."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from equipoise.watching.attachment import Hook
from equipoise.watching.isolation import is_isolated

# An average moves towards the generator; the movement of a network that learns on its own is at right angles
# to that direction, give or take.
_TOWARDS = 0.5
_SLOW = 0.3  # of the way between two looks
_SEARCH_AGAIN = 100


class Averages:
    """Watches copies of the generator by comparing a few of their values with the generator's.

    A deep copy made while the generator is watched tells of itself when it is called; others (made before, or
    built anew and loaded) are looked for among the living modules of the generator's class, ever more rarely,
    and listened to from then on.

    A copy that still has the generator's first weights while the generator has left them was never updated.

    A moving average follows a' = d * a + (1 - d) * g; from two looks at both, d follows. Buffers that do not
    move while the generator's do were forgotten by whoever averages.
    """

    def __init__(self, hook: Hook | None = None) -> None:
        # Put on copies that were found; it tells `seen` of their calls.
        self._hook = hook
        self._handles: list[RemovableHandle] = []
        self._copies: list[tuple[weakref.ref[nn.Module], dict[str, Any]]] = []
        self._next_search = 0
        # A few of the generator's values at its first call: what a copy made at the start has.
        self._first: Tensor | None = None

    def begin(self, generator: nn.Module) -> None:
        """The generator is called; only the first call counts, before it was updated."""
        if self._first is None:
            self._first = _probe(generator.parameters())

    def seen(self, module: nn.Module) -> None:
        """A copy was called."""
        self._known(module)["calls"] += 1

    def _known(self, module: nn.Module) -> dict[str, Any]:
        for reference, known in self._copies:
            if reference() is module:
                return known
        self._copies.append((weakref.ref(module), {"decay": None, "buffers_copied": None, "calls": 0}))
        return self._copies[-1][1]

    def _search(self, generator: nn.Module, update: int) -> None:
        if update < self._next_search:
            return
        self._next_search = max(2 * update, update + _SEARCH_AGAIN)
        shapes = [parameter.shape for parameter in generator.parameters()]
        own = {id(parameter) for parameter in generator.parameters()}
        for one in gc.get_objects():
            if type(one) is not type(generator) or one is generator or is_isolated(one):
                continue
            parameters = list(one.parameters())
            if [parameter.shape for parameter in parameters] != shapes:
                continue
            # A part of the generator that holds all its weights, or a wrapper around it, is the generator;
            # what has a gradient is trained by itself.
            if all(id(parameter) not in own and parameter.grad is None for parameter in parameters):
                self._listen(one)

    def _listen(self, module: nn.Module) -> None:
        """Follow a copy that was found; one that tells of its calls already is not told twice."""
        self._known(module)
        if self._hook is not None and not self._hook.is_on(module):
            self._handles.append(module.register_forward_hook(self._hook, with_kwargs=True))

    def remove(self) -> None:
        """Listen to no copy any more."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def modules(self) -> list[nn.Module]:
        """The copies that were seen to follow the generator, and still live."""
        found = [reference() for reference, known in self._copies if known["decay"] is not None]
        return [module for module in found if module is not None]

    def look(self, generator: nn.Module, update: int) -> None:
        """Compare all copies with the generator."""
        self._search(generator, update)
        self._copies = [(reference, known) for reference, known in self._copies if reference() is not None]
        for reference, known in self._copies:
            module = reference()
            if module is None or module is generator:
                continue
            own, other = _probe(generator.parameters()), _probe(module.parameters())
            if own is None or other is None or own.shape != other.shape:
                continue
            known["left"] = self._left_behind(own, other)
            behind = other - own
            before = known.get("behind")
            if before is not None and update > known["update"]:
                size = float(before.square().sum())
                # What is left of the old distance, after taking out the generator's own movement.
                step, lead = other - known["other"], own - known["other"]
                kept, ahead = float((step * lead).sum()), float(lead.square().sum())
                if ahead > 0 and size > 0:
                    towards = kept > _TOWARDS * float(step.norm()) * ahead**0.5
                    moved = min(kept / ahead, 1.0) if towards else 0.0
                    steps = update - known["update"]
                    known["decay"] = (1 - moved) ** (1 / steps) if moved > 0 else None
                    if 0 < moved < _SLOW:
                        known["decay"] = 1 - _rate(step, before, behind) / steps
                known["buffers_copied"] = _buffers_follow(generator, module)
            known["behind"], known["other"], known["update"] = behind, other, update

    def _left_behind(self, own: Tensor, other: Tensor) -> float | None:
        """How far the generator is from its start, relative to it, if the copy is still there; else None."""
        first = self._first
        if first is None or first.device != other.device or not torch.equal(first, other):
            return None
        return float((own - first).norm() / first.norm().clamp(min=1e-12))

    def untouched(self) -> list[dict[str, Any]]:
        """One entry a copy that still has the generator's first weights, though the generator has moved.

        Beside a copy that does follow, another one is kept on purpose, and is left out.
        """
        living = [known for reference, known in self._copies if reference() is not None]
        if any(known["decay"] is not None for known in living):
            return []
        return [
            {"calls": known["calls"], "updates": known["update"], "moved": known["left"]}
            for known in living
            if known.get("left")
        ]

    def facts(self) -> list[dict[str, Any]]:
        """One entry a copy that moved."""
        return [
            {"decay": known["decay"], "buffers_copied": known["buffers_copied"]}
            for reference, known in self._copies
            if reference() is not None and known["decay"] is not None
        ]


def _rate(step: Tensor, before: Tensor, behind: Tensor) -> float:
    """(1 - decay) times the updates, for a copy that moved little of the way: step = rate * mean lag.

    The lag grows within the interval, from zero in a young run, and is taken as the mean of its two ends.
    """
    lag = -0.5 * (before + behind)
    square = float(lag.square().sum())
    return min(max(float((step * lag).sum()) / square, 0.0), 1.0) if square > 0 else 0.0


def _probe(parameters: Any) -> Tensor | None:
    values = [parameter.detach().reshape(-1)[:256].float() for parameter in parameters]
    return torch.cat(values) if values else None


def _buffers_follow(generator: nn.Module, module: nn.Module) -> bool | None:
    pairs = [
        (own, other)
        for (_, own), (_, other) in zip(generator.named_buffers(), module.named_buffers())
        if own.is_floating_point() and own.shape == other.shape and own.ndim
    ]
    if not pairs:
        return None
    # Untouched running statistics are still exactly 0 or 1.
    untouched = all(bool(((other == 0) | (other == 1)).all()) for _, other in pairs)
    return not (untouched and any(bool((own != other).any()) for own, other in pairs))
