"""What every registered layer has in common: facts, and one way to be built for a sample shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import nn

from equipoise.registry import Registry


@dataclass(frozen=True)
class LayerFacts:
    """What is true of a layer, whatever network it is in.

    Attributes:
        across_batch: whether the output for one sample depends on the other samples of the batch.
        needs_labels: whether it is called with class indices.
        wraps_network: whether it is built around a network rather than placed inside one.
        source: where the layer comes from.
    """

    across_batch: bool
    needs_labels: bool
    wraps_network: bool
    source: str


class Layer(nn.Module):
    """A module with facts that can be built for the shape of one sample's features."""

    name: ClassVar[str]
    facts: ClassVar[LayerFacts]

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        """The layer for features of that shape, without the batch dimension: (D,) or (C, H, W)."""
        raise NotImplementedError


LAYERS: Registry[type[Layer]] = Registry("layer", "equipoise.layers")


def build_layer(name: str, shape: tuple[int, ...], **options: Any) -> Layer:
    """The layer of that name for features of that shape, with its options.

    Example:
        >>> layer = build_layer("minibatch-standard-deviation", (16,))
        >>> layer.appended
        1
    """
    return LAYERS.get(name).for_shape(shape, **options)
