"""Generator calls whose output no discriminator is given: grids and samples for the eye, also of an average.

Their latents should follow the law that the generator was trained with.
"""

from __future__ import annotations

from typing import Any

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
        # A law cannot be told from a handful of values.
        if self._latent is None or self._latent.numel() < _FEWEST_VALUES:
            self._latent = self._output = None
            return
        self._found |= latent_law(self._latent, self._where)
        self._latent = self._output = None

    def take(self) -> dict[str, Tensor]:
        """The laws of the latest sampling calls since the last record."""
        found, self._found = self._found, {}
        return found
