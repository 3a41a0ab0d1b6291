"""The projection discriminator's last layer: realness plus fit to the label."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import Tensor, nn

from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.label_embedding import LabelEmbedding
from equipoise.validation import Interval, validated


@LAYERS.register("projection")
class ProjectionHead(Layer):
    """``logit(x, y) = w . f(x) + b + e(y) . f(x)`` for penultimate features f and a learned e per class.

    The vectors e start with variance 1 / D, so that for features of unit scale the label's share of the
    logit starts at unit scale too; started near 0, the labels are ignored for a long time.

    Args:
        features: the length D of f.
        classes: the number of classes.
        positions: how many labels one sample has; more than one in packs only.

    Shapes: features (N, D) and labels (N,) give logits (N,).

    Source: Miyato and Koyama 2018, "cGANs with Projection Discriminator" (1802.05637), section 3.

    Example:
        >>> import torch
        >>> ProjectionHead(8, classes=3)(torch.zeros(4, 8), torch.tensor([0, 1, 2, 0])).shape
        torch.Size([4])
    """

    name = "projection"
    facts: ClassVar = LayerFacts(
        across_batch=False, needs_labels=True, wraps_network=False, source="1802.05637, section 3"
    )

    @validated(features=Interval(int, 1))
    def __init__(self, features: int, classes: int, positions: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embedding = LabelEmbedding(classes, features, positions)
        nn.init.normal_(self.embedding.embedding.weight, 0.0, features**-0.5)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(shape[0], **options)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        return self.linear(features).squeeze(1) + (self.embedding(labels) * features).sum(dim=1)
