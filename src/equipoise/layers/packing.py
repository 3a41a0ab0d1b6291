"""PacGAN packing: the discriminator judges several samples at once, so that it sees missing variety."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.label_embedding import check_labels
from equipoise.validation import Interval, check_parameter


def packed_specification(specification: SampleSpecification, pack: int) -> SampleSpecification:
    """What one pack is: the same kind of sample with `pack` times the channels (or features).

    Example:
        >>> packed_specification(SampleSpecification("image", (3, 8, 8)), 2).shape
        (6, 8, 8)
    """
    return replace(specification, shape=(specification.shape[0] * pack, *specification.shape[1:]))


@LAYERS.register("packing")
class Packed(Layer):
    """Any discriminator, given `pack` samples at a time, concatenated along the channels.

    Consecutive samples of the batch form a pack: samples (N, C, H, W) are judged as (N / pack, pack C, H, W)
    and give N / pack logits. Only the first layer of the network becomes wider. Packs must be drawn
    independently, which shuffled batches are.

    The members of a pack keep their own labels: labels (N,) reach the network as (N / pack, pack), and
    `LabelEmbedding(..., positions=pack)` gives each position vectors of its own, which equals
    concatenating the one-hot labels as the samples are concatenated.

    Args:
        factory: makes the discriminator for the specification of a pack.
        specification: what one sample is.
        pack: how many samples form a pack.

    Raises:
        EquipoiseError: when the batch size is not a multiple of `pack`; the sentence names both.

    Source: Lin et al. 2018, "PacGAN" (1712.04086), section 3.

    Example:
        >>> import torch
        >>> flat = lambda packed: nn.Sequential(nn.Linear(packed.size, 1), nn.Flatten(0))
        >>> network = Packed(flat, SampleSpecification("vector", (5,)), pack=2)
        >>> network(torch.zeros(8, 5)).shape
        torch.Size([4])
    """

    name = "packing"
    facts: ClassVar = LayerFacts(
        across_batch=True, needs_labels=False, wraps_network=True, source="1712.04086, section 3"
    )

    def __init__(
        self,
        factory: Callable[[SampleSpecification], nn.Module],
        specification: SampleSpecification,
        pack: int,
    ) -> None:
        super().__init__()
        check_parameter("pack", pack, Interval(int, 1))
        self.pack = pack
        self.specification = specification
        self.network = factory(packed_specification(specification, pack))
        self.classes: int | None = getattr(self.network, "classes", None)

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        kinds: dict[int, Any] = {1: "vector", 2: "sequence", 3: "image"}
        specification = SampleSpecification(kinds[len(shape)], shape)
        return cls(options.pop("factory"), specification, options.pop("pack", 2), **options)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.network(*self._packed(samples, labels))

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """The network's penultimate features, one row a pack."""
        features: Callable[..., Tensor] = self.network.features  # type: ignore[assignment]
        return features(*self._packed(samples, labels))

    def _packed(self, samples: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
        total, channels = samples.shape[0], samples.shape[1]
        if total % self.pack:
            raise EquipoiseError(
                f"A batch of {total} samples cannot be cut into packs of {self.pack}; choose a batch size "
                f"that is a multiple of `pack`."
            )
        packs = samples.reshape(total // self.pack, self.pack * channels, *samples.shape[2:])
        if labels is None:
            return (packs,)
        if self.classes is not None:
            check_labels(labels, total, self.classes)
        return packs, labels.reshape(-1, self.pack) if self.pack > 1 else labels

    def extra_repr(self) -> str:
        return f"pack={self.pack}"
