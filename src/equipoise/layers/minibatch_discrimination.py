"""Minibatch discrimination: each sample is given with its closeness to the others of the batch."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from equipoise.errors import parameter_error
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.closeness import sum_of_closeness
from equipoise.layers.gather import gather_with_gradient, own_slice
from equipoise.validation import Interval, OneOf, Optional, check_parameter, validated


@LAYERS.register("minibatch-discrimination")
class MinibatchDiscrimination(Layer):
    """Appends to each sample how close it is to the rest of its batch, so that clones can be told.

    With features f of a sample (a map is flattened), M = f T of shape (kernels, kernel_dimensions), and per
    kernel b: ``o(x_i)_b = sum over j != i of exp(-||M_ib - M_jb||_1)``: N - 1 for a batch of clones, near 0
    for samples far apart. A sample's distance to itself is left out. The batch is the one of all processes.

    Vectors (N, D) become (N, D + kernels); maps (N, C, H, W) or (N, C, T) become (N, C + kernels, ...) with
    the values as constant channels. Computed in float32 at least, also under autocast: distances of similar
    samples do not survive half precision.

    T starts normal with standard deviation sqrt(pi) / (2 C sqrt(A)), for A input features of unit scale and
    C kernel dimensions: two independent samples are then at an expected distance of 1, where exp(-d) still
    answers to changes. With a standard deviation of 1 the output and its gradient are exactly 0.

    Args:
        in_features: the number of input features after pooling and flattening.
        kernels: how many closeness values are appended (B in the paper).
        kernel_dimensions: the dimensions in which each distance is taken (C in the paper).
        pooled_size: maps are first averaged down to this side length; None keeps them whole.
        reduction: "sum" as in the paper, or "mean": divided by N - 1, so that the value lies in [0, 1]
            whatever the batch size.
        feature_scale: the expected scale of the input features, for the initialisation.

    Raises:
        EquipoiseError: for an argument out of range, features of another size, or a batch of one sample.

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs" (1606.03498), section 3.2.

    Example:
        >>> layer = MinibatchDiscrimination(8, kernels=3)
        >>> layer(torch.ones(5, 8))[:, 8:].unique().tolist()
        [4.0]
    """

    name = "minibatch-discrimination"
    facts: ClassVar = LayerFacts(
        across_batch=True, needs_labels=False, wraps_network=False, source="1606.03498, section 3.2"
    )

    @validated(
        in_features=Interval(int, 1),
        kernels=Interval(int, 1),
        kernel_dimensions=Interval(int, 1),
        pooled_size=Optional(Interval(int, 1)),
        reduction=OneOf(("sum", "mean")),
        feature_scale=Interval(float, 0, low_open=True),
    )
    def __init__(
        self,
        in_features: int,
        kernels: int = 128,
        kernel_dimensions: int = 16,
        *,
        pooled_size: int | None = None,
        reduction: str = "sum",
        feature_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.appended = kernels
        self.kernel_dimensions = kernel_dimensions
        self.pooled_size = pooled_size
        self.reduction = reduction
        scale = math.sqrt(math.pi) / (2 * kernel_dimensions * math.sqrt(in_features) * feature_scale)
        self.projection = nn.Parameter(torch.randn(in_features, kernels * kernel_dimensions) * scale)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        pooled_size = options.get("pooled_size")
        check_parameter("pooled_size", pooled_size, Optional(Interval(int, 1)))
        spatial = math.prod(shape[1:]) if pooled_size is None else pooled_size ** len(shape[1:])
        return cls(shape[0] * spatial, **options)

    def closeness(self, features: Tensor) -> Tensor:
        """The appended values alone: shape (N, kernels)."""
        flat = self._flat(features)
        with torch.autocast(flat.device.type, enabled=False):
            kind = torch.float64 if flat.dtype == torch.float64 else torch.float32
            points = flat.to(kind) @ self.projection.to(kind)
            points = gather_with_gradient(points).unflatten(1, (self.appended, self.kernel_dimensions))
            total = points.shape[0]
            if total < 2:
                raise parameter_error("batch size", "at least 2 for minibatch discrimination", total)
            sums = sum_of_closeness(points.transpose(0, 1)).t()[own_slice(flat.shape[0])]
            if self.reduction == "mean":
                sums = sums / (total - 1)
        return sums.to(features.dtype)

    def forward(self, features: Tensor) -> Tensor:
        values = self.closeness(features)
        if features.dim() > 2:
            values = values.reshape(*values.shape, *[1] * (features.dim() - 2))
            values = values.expand(-1, -1, *features.shape[2:])
        return torch.cat([features, values], dim=1)

    def _flat(self, features: Tensor) -> Tensor:
        if self.pooled_size is not None and features.dim() > 2:
            pool = functional.adaptive_avg_pool1d if features.dim() == 3 else functional.adaptive_avg_pool2d
            features = pool(features, self.pooled_size)
        flat = features.flatten(1) if features.dim() > 1 else features.unsqueeze(1)
        if flat.shape[1] != self.in_features:
            raise parameter_error("in_features", f"{flat.shape[1]} for these features", self.in_features)
        return flat

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, kernels={self.appended}, dimensions={self.kernel_dimensions}"
