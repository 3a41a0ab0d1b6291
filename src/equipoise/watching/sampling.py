"""Generator calls whose output no discriminator is given: grids and samples for the eye, also of an average.

Their latents should follow the law that the generator was trained with.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.links import descends, mark_ancestry, matching_rows
from equipoise.watching.recorder import latent_law
from equipoise.watching.tree import Path, floating_tensors

_FEWEST_VALUES = 64
_MOST_WITH_GRAPH = 4
# Between a batch and the samples in it are a concatenation and an augmentation at most.
_NODES_BEHIND = 40
_calls = itertools.count()


@dataclass(frozen=True)
class _WithGraph:
    """A call with a graph: no discriminator was given its output yet."""

    latent: Tensor
    output: Tensor
    mark: str


class SamplingCalls:
    """Holds the last call without a graph until an update shows whether a discriminator was given it."""

    def __init__(self) -> None:
        self._latent: Tensor | None = None
        self._output: Tensor | None = None
        # The generator itself may also be called for a penalty or a path length; an average is not.
        self._where = "sampling"
        # The loop detaches their samples only later.
        self._with_graph: deque[_WithGraph] = deque(maxlen=_MOST_WITH_GRAPH)
        self._found: dict[str, Tensor] = {}
        # Latents of calls for a few samples each, until they are enough together.
        self._few: dict[str, list[Tensor]] = {}

    @property
    def waiting(self) -> bool:
        return self._output is not None or bool(self._with_graph)

    def copy_called(
        self, averages: list[nn.Module], module: nn.Module, args: Any, kwargs: Any, output: Any
    ) -> None:
        """A call of a copy: of an average of the generator, whose samples are drawn instead of its own."""
        if any(one is module for one in averages):
            self.generator_called(args, kwargs, floating_tensors(output), "average")

    def generator_called(
        self, args: Any, kwargs: Any, outputs: list[tuple[Path, Tensor]], where: str = "sampling"
    ) -> None:
        """A call; one without a graph that still waits was not for a discriminator."""
        if not outputs:
            return
        output = outputs[0][1]
        graph = output.requires_grad
        if not graph:
            self._settle()
        latents = [
            value.detach()
            for _, value in floating_tensors((args, kwargs))
            if value.ndim >= 2
            and (value.ndim != output.ndim or value.shape[2:].numel() <= 1)
            # What another network made has no law to keep to.
            and not (graph and value.requires_grad)
        ]
        if not latents:
            return
        if graph:
            one = _WithGraph(latents[0], output.detach(), f"equipoise.call.{next(_calls)}")
            mark_ancestry(output, one.mark)
            self._with_graph.append(one)
        else:
            self._latent, self._output, self._where = latents[0], output.detach(), where

    def discriminator_called(self, given: list[tuple[Path, Tensor]]) -> None:
        """Drop the waiting calls whose output is what the discriminator is given."""
        if self._with_graph:
            self._drop_with_graph(given)
        output = self._output
        if output is None:
            return
        for _, value in given:
            same = value.untyped_storage()._cdata == output.untyped_storage()._cdata
            if same or matching_rows(value, output) is not None:
                self._latent = self._output = None
                return

    def _drop_with_graph(self, given: list[tuple[Path, Tensor]]) -> None:
        """A detached batch has a call's storage, another one leads back to it by its graph."""
        storages = {value.untyped_storage()._cdata for _, value in given}
        kept = [
            one
            for one in self._with_graph
            if one.output.untyped_storage()._cdata not in storages
            and not any(descends(value, one.mark, _NODES_BEHIND) for _, value in given)
        ]
        self._with_graph = deque(kept, maxlen=_MOST_WITH_GRAPH)

    def updated(self) -> None:
        """An update came: what still waits was a sampling call."""
        if self._latent is None and self._with_graph:
            self._latent, self._where = self._with_graph[-1].latent, "sampling"
        self._with_graph.clear()
        self._settle()

    def _settle(self) -> None:
        latent, self._latent, self._output = self._latent, None, None
        if latent is not None and (enough := self._gathered(latent)) is not None:
            self._found[self._where] = enough.clone()  # a loop may draw into one buffer

    def _gathered(self, latent: Tensor) -> Tensor | None:
        """Latents of as many values as tell a law: this call's, or with those of other calls before it."""
        if latent.numel() >= _FEWEST_VALUES:
            return latent
        few = self._few.setdefault(self._where, [])
        if few and few[0].shape[1:] != latent.shape[1:]:
            few.clear()
        # The same latents shown again and again are still a handful.
        if any(one.shape == latent.shape and torch.equal(one, latent) for one in few):
            return None
        few.append(latent.clone())  # a loop may draw into one buffer
        if sum(one.numel() for one in few) < _FEWEST_VALUES:
            return None
        gathered = torch.cat(few)
        few.clear()
        return gathered

    def take(self) -> dict[str, Tensor]:
        """The laws of the latest sampling calls since the last record."""
        found, self._found = self._found, {}
        laws = [latent_law(latent, where) for where, latent in found.items()]
        return {name: value for law in laws for name, value in law.items()}
