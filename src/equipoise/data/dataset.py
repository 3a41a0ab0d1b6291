"""One decoded data set: samples, labels, what they are, and how networks see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from equipoise.data.normalisation import Normalisation
from equipoise.data.raw import Mixture
from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError, parameter_error
from equipoise.validation import Interval, validated

if TYPE_CHECKING:
    from torch import Tensor


class Dataset:
    """Samples in one array, labels, specification and normalisation.

    Attributes:
        labels: int64 (N,), or None.
        specification: kind and shape of a sample, and the classes.
        normalisation: how `batch` maps samples to what networks see, and back.
        name: for people.
        split_name: `train`, `test`, ...
        column_names: the features of a table, or None.
        mixture: the true distribution of a synthetic set (its modes), or None.

    Example:
        >>> from equipoise.data import load_data
        >>> samples, labels = load_data("digits").batch([0, 1, 2])
        >>> tuple(samples.shape), labels.tolist()
        ((3, 1, 8, 8), [0, 1, 2])
    """

    def __init__(
        self,
        samples: np.ndarray,
        labels: np.ndarray | None,
        specification: SampleSpecification,
        normalisation: Normalisation,
        *,
        name: str = "data",
        split_name: str = "train",
        column_names: tuple[str, ...] | None = None,
        mixture: Mixture | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        if samples.shape[1:] != specification.shape:
            raise parameter_error("samples", f"of shape (N, {specification.shape})", samples.shape)
        count = len(samples) if rows is None else len(rows)
        if labels is not None and labels.shape != (count,):
            raise parameter_error("labels", f"of shape ({count},), one a sample", labels.shape)
        self._stored = samples
        self._rows = rows
        # A memory map's own indexing costs more than the gather; the plain view reads the same pages.
        self._plain = samples.view(np.ndarray)
        self.labels = labels
        self.specification = specification
        self.normalisation = normalisation
        self.name = name
        self.split_name = split_name
        self.column_names = column_names
        self.mixture = mixture

    def __len__(self) -> int:
        return len(self._stored) if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {len(self)} × {self.specification.kind} {self.specification.shape})"

    @property
    def samples(self) -> np.ndarray:
        """All samples (N, *shape) in the data's own units and type.

        Memory-mapped where the data is large. After `split` the rows are gathered at each access: keep the
        result, or ask for `raw` rows.
        """
        return self._stored if self._rows is None else self._plain[self._rows]

    def raw(self, indices: Sequence[int] | np.ndarray | Tensor) -> np.ndarray:
        """The samples of these indices in the data's own units and type, as a copy."""
        return np.take(self._plain, self._positions(indices), axis=0)

    def batch(self, indices: Sequence[int] | np.ndarray | Tensor) -> tuple[Tensor, Tensor | None]:
        """Normalised samples, float32 (n, *shape), and labels, int64 (n,) or None, on the CPU.

        Raises:
            EquipoiseError: for an index outside 0..N-1.
        """
        import torch

        samples = self.normalisation.apply(torch.from_numpy(self.raw(indices)))
        if self.labels is None:
            return samples, None
        return samples, torch.from_numpy(np.take(self.labels, self._indices(indices)))

    def split(self, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """A random partition: the rest, and round(fraction * N) samples held out.

        Both keep the normalisation of the whole, so that their batches can be compared.

        Args:
            fraction: to hold out, between 0 and 1; both parts must get a sample.
            seed: of the partition.
        """
        return _split(self, fraction, seed)

    def take(self, indices: Sequence[int] | np.ndarray | Tensor) -> Dataset:
        """The data set of these samples only, without copying them."""
        chosen = self._indices(indices)
        return Dataset(
            self._stored,
            None if self.labels is None else self.labels[chosen],
            self.specification,
            self.normalisation,
            name=self.name,
            split_name=self.split_name,
            column_names=self.column_names,
            mixture=self.mixture,
            rows=self._positions(chosen),
        )

    def describe(self) -> dict[str, Any]:
        """What the data is, as plain JSON values; see `equipoise.data.description`."""
        from equipoise.data.description import describe

        return describe(self)

    def preview(self, path: str | Path) -> Path:
        """Write a PNG picture of the data; see `equipoise.data.picture`."""
        from equipoise.data.picture import draw_preview

        return draw_preview(self, Path(path))

    def _indices(self, indices: Any) -> np.ndarray:
        chosen = indices if isinstance(indices, np.ndarray) else np.asarray(indices)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise parameter_error("indices", "whole numbers of shape (n,)", f"{chosen.dtype} {chosen.shape}")
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(self)):
            worst = chosen.min() if chosen.min() < 0 else chosen.max()
            raise parameter_error("indices", f"between 0 and {len(self) - 1}", int(worst))
        return chosen

    def _positions(self, indices: Any) -> np.ndarray:
        chosen = self._indices(indices)
        return chosen if self._rows is None else self._rows[chosen]


@validated(fraction=Interval(float, 0, 1, low_open=True, high_open=True), seed=Interval(int, 0, 2**63))
def _split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    count = len(dataset)
    held = round(fraction * count)
    if not 0 < held < count:
        raise EquipoiseError(
            f"`fraction` = {fraction} of {count} samples leaves one part empty; choose another fraction."
        )
    order = np.argsort(
        np.random.Philox(key=np.array([seed, count], dtype=np.uint64)).random_raw(count), kind="stable"
    )
    return dataset.take(np.sort(order[held:])), dataset.take(np.sort(order[:held]))
