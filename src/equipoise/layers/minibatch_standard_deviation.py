"""Minibatch standard deviation: one number that says how much the samples of a group differ."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.gather import gather_with_gradient, own_slice, world_size
from equipoise.validation import Interval, Optional, validated


@LAYERS.register("minibatch-standard-deviation")
class MinibatchStandardDeviation(Layer):
    """Appends the standard deviation over a group of samples, averaged over all features and positions.

    ``s = mean over features of sqrt(variance over the group + 1e-8)``, the same number for every sample of
    the group and at every position: vectors (N, D) become (N, D + 1), maps (N, C, H, W) become
    (N, C + 1, H, W). Groups are consecutive samples. The variance divides by the group's size, so clones
    give 1e-4, the root of the constant that keeps the derivative finite.

    A batch smaller than the group is one group. Groups span processes only where the batch of one process
    does not hold whole groups; otherwise no communication is needed to give what one process would.

    Args:
        group_size: samples in a group; None takes the whole batch (of all processes) as one group.

    Raises:
        EquipoiseError: when the batch cannot be cut into groups; the sentence names both sizes.

    Source: Karras et al. 2018, "Progressive Growing of GANs" (1710.10196), section 3; groups of 4 from
    Karras et al. 2019 (1812.04948).

    Example:
        >>> layer = MinibatchStandardDeviation(group_size=2)
        >>> appended = layer(torch.tensor([[0.0], [2.0], [5.0], [5.0]]))[:, 1]
        >>> [round(value, 8) for value in appended.tolist()]
        [1.0, 1.0, 0.0001, 0.0001]
    """

    name = "minibatch-standard-deviation"
    facts: ClassVar = LayerFacts(
        across_batch=True, needs_labels=False, wraps_network=False, source="1710.10196, section 3"
    )
    appended = 1

    @validated(group_size=Optional(Interval(int, 2)))
    def __init__(self, group_size: int | None = 4) -> None:
        super().__init__()
        self.group_size = group_size

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(**options)

    def deviation(self, features: Tensor) -> Tensor:
        """The appended number of each sample: shape (N,)."""
        local = features.shape[0]
        total = local * world_size()
        group = total if self.group_size is None else min(self.group_size, total)
        if total % group:
            raise EquipoiseError(
                f"A batch of {total} samples cannot be cut into groups of {group} for the minibatch standard "
                f"deviation; choose a `group_size` that divides the batch size."
            )
        gathered = features if local % group == 0 else gather_with_gradient(features)
        with torch.autocast(features.device.type, enabled=False):
            values = gathered.double() if features.dtype == torch.float64 else gathered.float()
            groups = values.reshape(values.shape[0] // group, group, -1)
            deviation = (groups.var(dim=1, correction=0) + 1e-8).sqrt().mean(dim=1)
            deviation = deviation.repeat_interleave(group)
        if gathered is not features:
            deviation = deviation[own_slice(local)]
        return deviation.to(features.dtype)

    def forward(self, features: Tensor) -> Tensor:
        deviation = self.deviation(features).reshape(-1, 1, *[1] * (features.dim() - 2))
        return torch.cat([features, deviation.expand(-1, 1, *features.shape[2:])], dim=1)

    def extra_repr(self) -> str:
        return f"group_size={self.group_size}"
