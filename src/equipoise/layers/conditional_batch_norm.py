"""Batch normalisation whose scale and shift depend on the class."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.label_embedding import check_labels
from equipoise.validation import Interval, validated


@LAYERS.register("conditional-batch-norm")
class ConditionalBatchNorm(Layer):
    """``gain(y) * (x - mean) / sqrt(variance + 1e-5) + shift(y)`` with the statistics of the whole batch.

    Gains start at 1 and shifts at 0, so that at first all classes are treated alike. In evaluation the
    running statistics are used. Statistics are those of one process, as in `torch.nn.BatchNorm2d`;
    `torch.nn.SyncBatchNorm.convert_sync_batchnorm` reaches the inner layer.

    Args:
        features: the number of channels (or features of a vector).
        classes: the number of classes.

    Shapes: (N, C), (N, C, T) or (N, C, H, W) with labels (N,); the output has the input's shape.

    Source: de Vries et al. 2017 (1707.00683), section 3; for generators Miyato and Koyama 2018 (1802.05637).

    Example:
        >>> layer = ConditionalBatchNorm(3, classes=2)
        >>> layer(torch.randn(4, 3, 5, 5), torch.tensor([0, 1, 1, 0])).shape
        torch.Size([4, 3, 5, 5])
    """

    name = "conditional-batch-norm"
    facts: ClassVar = LayerFacts(
        across_batch=True, needs_labels=True, wraps_network=False, source="1707.00683, section 3"
    )

    @validated(features=Interval(int, 1), classes=Interval(int, 1))
    def __init__(self, features: int, classes: int, dimensions: int = 2) -> None:
        super().__init__()
        kinds: dict[int, type[nn.Module]] = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
        self.classes = classes
        self.normalisation = kinds[dimensions](features, affine=False)
        self.gain = nn.Embedding(classes, features)
        self.shift = nn.Embedding(classes, features)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(shape[0], dimensions=len(shape) - 1, **options)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        check_labels(labels, features.shape[0], self.classes)
        tail = [1] * (features.dim() - 2)
        gain = self.gain(labels).reshape(*features.shape[:2], *tail)
        shift = self.shift(labels).reshape(*features.shape[:2], *tail)
        return torch.addcmul(shift, gain, self.normalisation(features))
