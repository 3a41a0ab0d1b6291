"""Weights that a network uses and does not list: modules or parameters in plain lists and dictionaries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

_DEPTH = 3
_GRAPH = 200_000  # nodes of a graph that are looked at before the search is given up
# What every module has of its own: registered things, and hooks.
_OWN = frozenset(vars(nn.Module()))


class Hidden:
    """The unregistered weights of one network, and which of them its output was seen to come from.

    `parameters()` lists what is registered only. Blocks in a Python list are therefore in no optimizer that
    was built from it, in no checkpoint, and on no other device. A list may also merely refer to another
    network (the discriminator, an averaged copy, a loss network): only weights that the network's own output
    descends from are its own, and the graph of the output shows that exactly.

    Args:
        others: networks whose weights are no secret: the other player.
    """

    def __init__(self, network: nn.Module, *others: nn.Module) -> None:
        listed = {id(parameter) for one in (network, *others) for parameter in one.parameters()}
        # Numbered in a fixed order, so that a copy's are found again in the original.
        every = enumerate(_unlisted(network, set()))
        self._found = {
            id(parameter): (number, place, parameter)
            for number, (place, parameter) in every
            if id(parameter) not in listed and parameter.requires_grad
        }
        self._seen = False
        self.used: frozenset[int] = frozenset()

    def output(self, value: Tensor) -> None:
        """The network's own output with its graph; the first one is looked at."""
        if self._found and not self._seen and value.grad_fn is not None:
            self._seen = True
            self.used = frozenset(self._found[one][0] for one in leaves(value) if one in self._found)

    def entry(self, held: Collection[int], used: Collection[int] | None = None) -> dict[str, Any] | None:
        """The fact `...unregistered`: where the weights are and how many; None if there are none.

        Args:
            held: identities of the parameters that optimizers hold.
            used: what the output of a copy was seen to come from; by default of the network itself.
        """
        used = self.used if used is None else used
        missing = [
            (place, parameter)
            for number, place, parameter in self._found.values()
            if number in used and id(parameter) not in held
        ]
        if not missing:
            return None
        places = list(dict.fromkeys(place for place, _ in missing))
        return {"places": places, "parameters": sum(parameter.numel() for _, parameter in missing)}


def _unlisted(network: nn.Module, visited: set[int]) -> Iterator[tuple[str, nn.Parameter]]:
    """Parameters inside lists, tuples and dictionaries that are attributes of the network's modules."""
    for name, module in network.named_modules():
        if id(module) in visited:
            continue
        visited.add(id(module))
        for attribute, value in vars(module).items():
            if attribute not in _OWN and isinstance(value, (list, tuple, Mapping)):
                place = f"{name}.{attribute}" if name else attribute
                for parameter in _inside(value, _DEPTH, visited):
                    yield place, parameter


def _inside(value: Any, depth: int, visited: set[int]) -> Iterator[nn.Parameter]:
    if isinstance(value, nn.Parameter):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()
        # Blocks may keep blocks of their own in lists.
        for _, parameter in _unlisted(value, visited):
            yield parameter
    elif depth > 0 and isinstance(value, (list, tuple, Mapping)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _inside(one, depth - 1, visited)


def leaves(value: Tensor) -> Iterator[int]:
    """Identities of the leaves of a tensor's graph."""
    waiting: list[Any] = [value.grad_fn]
    seen: set[Any] = {value.grad_fn}
    while waiting and len(seen) < _GRAPH:
        node = waiting.pop()
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            yield id(leaf)
        for parent, _ in getattr(node, "next_functions", ()):
            if parent is not None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
