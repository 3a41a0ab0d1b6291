"""What a reader hands over: decoded samples in the order of the data, not yet stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from equipoise.data.normalisation import Normalisation
from equipoise.data.specification import SampleKind, SampleSpecification


@dataclass(frozen=True)
class Mixture:
    """The true distribution of a synthetic set: equal-weight Gaussians, isotropic.

    Attributes:
        means: (modes, features) in the data's own coordinates; mode k is label k.
        deviation: the standard deviation of each mode along each axis.
    """

    means: np.ndarray
    deviation: float


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may be asked for; the meanings are those of `load_data`."""

    split: str = "train"
    image_size: int | None = None
    channels: int | None = None
    limit: int | None = None
    column: str | tuple[str, ...] | None = None
    label_column: str | None = None
    configuration: str | None = None
    kind: SampleKind | None = None
    layout: str | None = None

    def rows(self, count: int) -> np.ndarray | None:
        """Which of `count` samples the limit keeps: a fixed random subset in order, or None for all."""
        if self.limit is None or self.limit >= count:
            return None
        draw = np.random.Philox(key=[0, count]).random_raw(count)
        return np.sort(np.argsort(draw, kind="stable")[: self.limit])


@dataclass(frozen=True)
class RawData:
    """Samples as chunks (n, *shape) of one type, which may be decoded while they are asked for.

    `normalisation` is given only where the source knows better than the data; else it is fitted.
    """

    kind: SampleKind
    shape: tuple[int, ...]
    dtype: np.dtype
    count: int
    chunks: Iterable[np.ndarray]
    labels: np.ndarray | None = None
    classes: int | None = None
    class_names: tuple[str, ...] | None = None
    column_names: tuple[str, ...] | None = None
    normalisation: Normalisation | None = None
    mixture: Mixture | None = None

    @property
    def specification(self) -> SampleSpecification:
        return SampleSpecification(self.kind, self.shape, self.classes, self.class_names)

    @classmethod
    def of_array(
        cls,
        kind: SampleKind,
        samples: np.ndarray,
        labels: np.ndarray | None = None,
        classes: int | None = None,
        class_names: tuple[str, ...] | None = None,
        column_names: tuple[str, ...] | None = None,
        normalisation: Normalisation | None = None,
        mixture: Mixture | None = None,
    ) -> RawData:
        """Samples that are one array already."""
        return cls(
            kind=kind,
            shape=tuple(samples.shape[1:]),
            dtype=samples.dtype,
            count=len(samples),
            chunks=(samples,),
            labels=labels,
            classes=classes,
            class_names=class_names,
            column_names=column_names,
            normalisation=normalisation,
            mixture=mixture,
        )
