"""Class indices as vectors, and the one place where labels are checked."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.validation import Interval, check_parameter, validated


def check_labels(labels: Tensor, samples: int, classes: int, positions: int = 1) -> None:
    """Refuse labels that are not one class index per sample (and per position of a pack).

    The values are looked at on the CPU only, where that needs no synchronisation.

    Raises:
        EquipoiseError: for a wrong shape, a kind of number that is no index, or an index out of range.

    Example:
        >>> check_labels(torch.tensor([0, 3]), samples=2, classes=3)
        Traceback (most recent call last):
        equipoise.errors.EquipoiseError: `labels` must be between 0 and 2, but it is 3.
    """
    expected = (samples,) if positions == 1 else (samples, positions)
    if tuple(labels.shape) != expected:
        raise parameter_error("labels", f"of shape {expected}, one class index each", tuple(labels.shape))
    if labels.dtype not in (torch.int64, torch.int32):
        raise parameter_error("labels", "of kind int64", labels.dtype, "call labels.long()")
    if labels.device.type == "cpu" and labels.numel() and not torch.compiler.is_compiling():
        low, high = (int(value) for value in torch.aminmax(labels))
        if low < 0 or high >= classes:
            raise parameter_error("labels", f"between 0 and {classes - 1}", low if low < 0 else high)


@LAYERS.register("label-embedding")
class LabelEmbedding(Layer):
    """A learned vector for each class.

    With several positions (the members of a pack) each position has vectors of its own and the result is
    their sum: the same as one linear map of all the one-hot labels side by side.

    Args:
        classes: the number of classes.
        features: the length of the vectors.
        positions: how many labels one sample has; more than one in packs only.

    Raises:
        EquipoiseError: for labels of another shape or out of range.

    Source: conditioning by an embedding as in Mirza and Osindero 2014 (1411.1784).

    Example:
        >>> LabelEmbedding(classes=10, features=4)(torch.tensor([3, 3])).shape
        torch.Size([2, 4])
    """

    name = "label-embedding"
    facts: ClassVar = LayerFacts(
        across_batch=False, needs_labels=True, wraps_network=False, source="1411.1784"
    )

    @validated(classes=Interval(int, 1), features=Interval(int, 1), positions=Interval(int, 1))
    def __init__(self, classes: int, features: int, positions: int = 1) -> None:
        super().__init__()
        self.classes = classes
        self.features = features
        self.positions = positions
        self.embedding = nn.Embedding(classes * positions, features)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        if "classes" not in options:
            raise EquipoiseError("A label embedding must be told how many classes there are; set `classes`.")
        return cls(features=shape[0], **options)

    def forward(self, labels: Tensor) -> Tensor:
        check_labels(labels, labels.shape[0] if labels.dim() else 0, self.classes, self.positions)
        if self.positions == 1:
            return self.embedding(labels)
        offsets = torch.arange(self.positions, device=labels.device) * self.classes
        return self.embedding(labels + offsets).sum(dim=1)


@LAYERS.register("label-plane")
class LabelPlane(Layer):
    """Appends one learned plane per class to the samples: (N, C, H, W) becomes (N, C + 1, H, W).

    Vectors (N, D) become (N, 2 D) by a learned vector of their own length, sequences (N, C, T) become
    (N, C + 1, T).

    Args:
        shape: the shape of one sample, without the batch dimension.
        classes: the number of classes.
        positions: how many labels one sample has; more than one in packs only.

    Source: the conditional discriminator of Mirza and Osindero 2014 (1411.1784), with the label shaped to
    a plane as convolutions need it.

    Example:
        >>> LabelPlane((3, 8, 8), classes=10)(torch.zeros(2, 3, 8, 8), torch.tensor([1, 2])).shape
        torch.Size([2, 4, 8, 8])
    """

    name = "label-plane"
    facts: ClassVar = LayerFacts(
        across_batch=False, needs_labels=True, wraps_network=False, source="1411.1784"
    )

    def __init__(self, shape: tuple[int, ...], classes: int, positions: int = 1) -> None:
        super().__init__()
        check_parameter("classes", classes, Interval(int, 1))
        self.plane = shape[:1] if len(shape) == 1 else (1, *shape[1:])
        size = 1
        for length in self.plane:
            size *= length
        self.embedding = LabelEmbedding(classes, size, positions)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(shape, **options)

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        plane = self.embedding(labels).reshape(-1, *self.plane)
        return torch.cat([samples, plane.to(samples.dtype)], dim=1)
