"""Generator calls whose output no discriminator is given: grids and samples for the eye.

Their latents should follow the law that the generator was trained with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from equipoise.watching.links import matching_rows
from equipoise.watching.recorder import latent_signals
from equipoise.watching.tree import Path, floating_tensors

_FEWEST_VALUES = 64


class SamplingCalls:
    """Holds the last call without a graph until an update shows whether a discriminator was given it."""

    def __init__(self) -> None:
        self._latent: Tensor | None = None
        self._output: Tensor | None = None
        self._found: dict[str, Tensor] = {}

    @property
    def waiting(self) -> bool:
        return self._output is not None

    def generator_called(self, args: Any, kwargs: Any, output: Tensor) -> None:
        """A call without a graph; one that still waits was not for a discriminator."""
        self.updated()
        latents = [
            value.detach()
            for _, value in floating_tensors((args, kwargs))
            if value.ndim >= 2 and (value.ndim != output.ndim or value.shape[2:].numel() <= 1)
        ]
        if latents:
            self._latent, self._output = latents[0], output.detach()

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
        law = latent_signals(self._latent)
        law["latent.count"] = torch.tensor(float(self._latent.numel()))
        self._found = {
            f"latent.sampling.{name}": law[f"latent.{name}"] for name in ("mean", "std", "kurtosis", "count")
        }
        self._latent = self._output = None

    def take(self) -> dict[str, Tensor]:
        """The law of the latest sampling call since the last record."""
        found, self._found = self._found, {}
        return found
