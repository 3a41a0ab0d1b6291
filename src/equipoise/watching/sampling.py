"""Generator calls whose output no discriminator is given: grids and samples for the eye, also of an average.

Their latents should follow the law that the generator was trained with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.links import matching_rows
from equipoise.watching.recorder import latent_law
from equipoise.watching.tree import Path, floating_tensors

_FEWEST_VALUES = 64


class SamplingCalls:
    """Holds the last call without a graph until an update shows whether a discriminator was given it."""

    def __init__(self) -> None:
        self._latent: Tensor | None = None
        self._output: Tensor | None = None
        # The generator itself may also be called for a penalty or a path length; an average is not.
        self._where = "sampling"
        self._found: dict[str, Tensor] = {}
        # Latents of calls for a few samples each, until they are enough together.
        self._few: dict[str, list[Tensor]] = {}

    @property
    def waiting(self) -> bool:
        return self._output is not None

    def copy_called(
        self, averages: list[nn.Module], module: nn.Module, args: Any, kwargs: Any, output: Any
    ) -> None:
        """A call of a copy: of an average of the generator, whose samples are drawn instead of its own."""
        if any(one is module for one in averages):
            self.generator_called(args, kwargs, floating_tensors(output), "average")

    def generator_called(
        self, args: Any, kwargs: Any, outputs: list[tuple[Path, Tensor]], where: str = "sampling"
    ) -> None:
        """A call, of interest without a graph; one that still waits was not for a discriminator."""
        if not outputs or outputs[0][1].requires_grad:
            return
        output = outputs[0][1]
        self.updated()
        latents = [
            value.detach()
            for _, value in floating_tensors((args, kwargs))
            if value.ndim >= 2 and (value.ndim != output.ndim or value.shape[2:].numel() <= 1)
        ]
        if latents:
            self._latent, self._output, self._where = latents[0], output.detach(), where

    def discriminator_called(self, given: list[tuple[Path, Tensor]]) -> None:
        """Drop the waiting call if its output is what the discriminator is given."""
        output = self._output
        if output is None:
            return
        for _, value in given:
            same = value.untyped_storage()._cdata == output.untyped_storage()._cdata
            if same or matching_rows(value, output) is not None:
                self._latent = self._output = None
                return

    def updated(self) -> None:
        """An update came: what still waits was a sampling call."""
        latent, self._latent, self._output = self._latent, None, None
        if latent is not None and (enough := self._gathered(latent)) is not None:
            self._found |= latent_law(enough, self._where)

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
        return found
