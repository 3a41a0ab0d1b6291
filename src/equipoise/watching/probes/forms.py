"""Remembered calls of the discriminator, to be repeated with other samples in the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.tree import Path, at_path, map_tensors, tensors


@dataclass(frozen=True)
class Form:
    """How the discriminator was called once.

    Attributes:
        args, kwargs: everything it was given, on the CPU or wherever the loop had it.
        path: where among them the sample stands.
        channels: the channels of it that are the sample, where a condition is concatenated; None for all.
    """

    args: Any
    kwargs: Any
    path: Path
    channels: slice | None

    @property
    def tree(self) -> dict[str, Any]:
        return {"args": self.args, "kwargs": self.kwargs}

    @property
    def stored(self) -> Tensor:
        """The tensor at the sample's place, with the condition's channels."""
        value: Tensor = at_path(self.tree, self.path)
        return value

    @property
    def samples(self) -> Tensor:
        """The samples alone."""
        return self.stored if self.channels is None else self.stored[:, self.channels]

    @property
    def rows(self) -> int:
        return len(self.stored)

    def conditions(self) -> list[tuple[Path, Tensor]]:
        """Every other tensor with one entry a sample."""
        return [
            (path, value)
            for path, value in tensors(self.tree)
            if path != self.path and value.ndim and len(value) == self.rows
        ]

    @property
    def conditional(self) -> bool:
        """Whether the discriminator is given more than the sample."""
        return bool(self.conditions()) or (
            self.channels is not None and self.samples.shape[1] < self.stored.shape[1]
        )

    def first(self, rows: int) -> Form:
        """The same call with its first rows only."""
        count = self.rows

        def cut(_: Path, value: Tensor) -> Tensor:
            return value[:rows] if value.ndim and len(value) == count else value

        tree = map_tensors(self.tree, cut)
        return Form(tree["args"], tree["kwargs"], self.path, self.channels)

    def filled(
        self,
        samples: Tensor | None = None,
        index: Tensor | None = None,
        *,
        condition_index: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """The call with other samples, as (args, kwargs).

        Args:
            samples: put in the place of the samples; the stored ones if None.
            index: which stored rows (and their conditions) to take; by default as many as there are samples,
            from
                the first, over and over.
            condition_index: other rows for the conditions alone, to pair samples with conditions not theirs.
        """
        if index is None:
            index = torch.arange(self.rows if samples is None else len(samples)) % self.rows
        taken = index if condition_index is None else condition_index
        own = self.samples[index.to(self.stored.device)] if samples is None else samples
        if own.shape[1:] != self.samples.shape[1:]:
            own = own.reshape(len(own), *self.samples.shape[1:])
        count = self.rows

        def put(path: Path, value: Tensor) -> Tensor:
            if path == self.path:
                return self._joined(own, value[taken.to(value.device)])
            if value.ndim and len(value) == count:
                return value[taken.to(value.device)]
            return value

        tree = map_tensors(self.tree, put)
        return tree["args"], tree["kwargs"]

    def _joined(self, samples: Tensor, stored: Tensor) -> Tensor:
        samples = samples.to(stored.device, stored.dtype)
        if self.channels is None:
            return samples
        start, stop, _ = self.channels.indices(stored.shape[1])
        return torch.cat([stored[:, :start], samples, stored[:, stop:]], dim=1)


def fitted(tree: Any, network: nn.Module) -> Any:
    """The tree with floating tensors in the network's precision, for probes compute without autocast."""
    parameter = next(
        (one for one in (*network.parameters(), *network.buffers()) if one.is_floating_point()), None
    )
    if parameter is None:
        return tree
    device, dtype = parameter.device, parameter.dtype

    def cast(_: Path, value: Tensor) -> Tensor:
        return value.to(device, dtype) if value.is_floating_point() else value.to(device)

    return map_tensors(tree, cast)
