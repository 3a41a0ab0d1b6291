"""What every metric has in common: named streams in, scores out, state that adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.registry import Registry

Better = Literal["lower", "higher", "zero", "one"]
BadCase = Literal["collapse", "shuffle", "copies", "wrong-labels", "none"]

#: What a metric may be fed, by the name of the argument of `Metric.update`.
STREAMS: dict[str, str] = {
    "fake": "features of generated samples, (N, d)",
    "real": "features of the real samples trained on, (N, d)",
    "held_out": "features of real samples never trained on, (N, d)",
    "fake_probabilities": "a classifier's probabilities of generated samples, (N, classes), rows sum to 1",
    "fake_labels": "the class or mode that a classifier gives to each generated sample, (N,)",
    "requested_labels": "the class that the generator was asked for, (N,), in the order of `fake`",
    "real_labels": "the true class of each row of `real`, (N,)",
    "real_samples": "real samples as the discriminator takes them, (N, ...)",
}
_LABELS = {"fake_labels", "requested_labels", "real_labels"}


@dataclass(frozen=True)
class Score:
    """One number of a metric.

    Attributes:
        name: what it is called; a metric of several numbers gives several scores.
        value: the number; may be infinite (a support estimate without a collision), never NaN by design.
        better: which way is better: `lower`, `higher`, towards `zero` or towards `one`.
        standard_error: its standard error, or None where none is known.
        note: what must be known to read the number (a criterion, a warning), or "".
    """

    name: str
    value: float
    better: Better
    standard_error: float | None = None
    note: str = ""


class Metric:
    """A metric that is fed batch by batch.

    A subclass declares `streams` (what it takes, out of `STREAMS`) and its state: `sum_state` are tensors
    that add up over batches and processes, `row_state` are rows that are kept and concatenated. `update`
    feeds, `compute` answers without changing the state, `merge` takes in what another accumulator has seen,
    `synchronise` does so over all processes, `reset` forgets.

    The bad case says which broken generator gives the other end of the scale: `collapse` (one held-out real
    repeated), `shuffle` (each feature permuted over the samples on its own), `copies` (the training samples),
    `wrong-labels` (labels permuted), `none`.
    """

    name: ClassVar[str]
    streams: ClassVar[tuple[str, ...]]
    optional_streams: ClassVar[tuple[str, ...]] = ()
    sum_state: ClassVar[tuple[str, ...]] = ()
    row_state: ClassVar[tuple[str, ...]] = ()
    bad_case: ClassVar[BadCase] = "collapse"

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._rows: dict[str, list[Tensor]] = {}

    @classmethod
    def example(cls) -> Self:
        """An instance for tests and documentation; overridden where the constructor needs arguments."""
        return cls()

    def update(self, **batch: Any) -> None:
        """Feed a batch: one array or tensor per stream, by name.

        Raises:
            EquipoiseError: a stream that the metric does not take, a wrong shape, a value that is not finite.
        """
        known = self.streams + self.optional_streams
        for stream in batch:
            if stream not in known:
                raise parameter_error(
                    stream, f"one of the streams of {self.name}: {', '.join(known)}", "not one of them"
                )
        self._update({stream: _checked_stream(stream, rows) for stream, rows in batch.items()})

    def compute(self) -> tuple[Score, ...]:
        """The scores of everything seen so far."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything seen."""
        self._sums, self._rows = {}, {}

    def merge(self, other: Metric) -> None:
        """Take in what another accumulator of the same kind has seen."""
        if type(other) is not type(self):
            raise parameter_error("other", f"a {type(self).__name__}", type(other).__name__)
        for key, value in other._sums.items():
            self._add(key, value)
        for key, rows in other._rows.items():
            self._rows.setdefault(key, []).extend(rows)

    def state(self) -> dict[str, Tensor]:
        """All state by name: the sums, and the rows concatenated."""
        return dict(self._sums) | {key: torch.cat(rows) for key, rows in self._rows.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Replace the state by what `state` gave."""
        unknown = sorted(set(state) - set(self.sum_state) - set(self.row_state))
        if unknown:
            raise parameter_error("state", f"a state of {self.name}", unknown)
        self._sums = {key: value for key, value in state.items() if key in self.sum_state}
        self._rows = {key: [value] for key, value in state.items() if key in self.row_state}

    def synchronise(self) -> None:
        """Give every process of `torch.distributed` the state of all; without processes, nothing happens."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        states: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(states, self.state())
        self.reset()
        for state in states:
            other = object.__new__(type(self))
            Metric.__init__(other)
            other.load_state(state)
            self.merge(other)

    def _update(self, batch: dict[str, Tensor]) -> None:
        for stream, rows in batch.items():
            self._append(stream, rows)

    def _add(self, key: str, value: Tensor) -> None:
        if key not in self._sums:
            self._sums[key] = value.clone()
        elif self._sums[key].shape != value.shape:
            raise parameter_error(
                key, f"of the shape seen before, {tuple(self._sums[key].shape)}", tuple(value.shape)
            )
        else:
            self._sums[key] += value.to(self._sums[key].device)

    def _append(self, key: str, rows: Tensor) -> None:
        seen = self._rows.setdefault(key, [])
        if seen and seen[0].shape[1:] != rows.shape[1:]:
            raise parameter_error(
                key, f"of {tuple(seen[0].shape[1:])} values a row as before", tuple(rows.shape[1:])
            )
        seen.append(rows)

    def _sum(self, key: str) -> Tensor:
        if key not in self._sums:
            raise self._empty(key)
        return self._sums[key]

    def _all_rows(self, key: str) -> Tensor:
        if key not in self._rows:
            raise self._empty(key)
        if len(self._rows[key]) > 1:
            self._rows[key] = [torch.cat(self._rows[key])]
        return self._rows[key][0]

    def _empty(self, key: str) -> EquipoiseError:
        return EquipoiseError(
            f"`{self.name}` must have seen {' and '.join(self.streams)} before `compute`, but it has seen "
            f"nothing of `{key}`; call `update` with all of them first."
        )


METRICS: Registry[type[Metric]] = Registry("metric", "equipoise.metrics")


def as_tensor(name: str, rows: object) -> Tensor:
    """An array, a tensor or a nested list as a detached tensor of 32- or 64-bit floating point numbers.

    Raises:
        EquipoiseError: not an array, empty, or with a value that is not finite.
    """
    if isinstance(rows, Tensor):
        tensor = rows.detach()
    else:
        try:
            tensor = torch.as_tensor(np.asarray(rows))
        except (TypeError, ValueError) as error:
            raise parameter_error(name, "an array or a tensor of numbers", type(rows).__name__) from error
    if tensor.is_complex():
        raise parameter_error(name, "real numbers", str(tensor.dtype))
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.to(torch.float32 if tensor.is_floating_point() else torch.float64)
    if tensor.numel() == 0:
        raise parameter_error(name, "of at least one row", f"empty, of shape {tuple(tensor.shape)}")
    bad = sum(_not_finite(part) for part in tensor.reshape(-1).split(1 << 24))
    if bad:
        raise parameter_error(
            name, "finite", f"not finite in {bad} values", "drop those samples and find out why they diverged"
        )
    return tensor


def _not_finite(values: Tensor) -> int:
    """How many; a finite sum, one pass without a temporary array, says that there are none."""
    return 0 if torch.isfinite(values.sum()) else int((~torch.isfinite(values)).sum())


def as_features(name: str, rows: object, minimum: int = 1) -> Tensor:
    """Checked features of shape (N, d) with at least `minimum` rows; see `as_tensor`.

    Example:
        >>> as_features("fake", [[0.0, 1.0], [2.0, 3.0]]).shape
        torch.Size([2, 2])
    """
    tensor = as_tensor(name, rows)
    if tensor.ndim != 2:
        raise parameter_error(
            name,
            "features of shape (samples, features)",
            tuple(tensor.shape),
            "flatten the samples or take features first",
        )
    if len(tensor) < minimum:
        raise parameter_error(name, f"of at least {minimum} rows", f"of {len(tensor)}")
    return tensor


def as_feature_pair(fake: object, real: object, minimum: int = 1) -> tuple[Tensor, Tensor]:
    """Two checked sets of features of one width, type and device."""
    fakes, reals = as_features("fake", fake, minimum), as_features("real", real, minimum)
    if fakes.shape[1] != reals.shape[1]:
        raise parameter_error(
            "fake",
            f"features as wide as those of `real` ({reals.shape[1]})",
            fakes.shape[1],
            "take both from the same feature extractor",
        )
    kind = torch.promote_types(fakes.dtype, reals.dtype)
    return fakes.to(kind), reals.to(device=fakes.device, dtype=kind)


def as_labels(name: str, labels: object, classes: int | None = None) -> Tensor:
    """Checked labels: whole numbers of shape (N,), from 0 up to below `classes` where that is given."""
    tensor = as_tensor(name, labels)
    if tensor.ndim != 1:
        raise parameter_error(name, "labels of shape (samples,)", tuple(tensor.shape))
    whole = tensor.long()
    if not torch.equal(whole.to(tensor.dtype), tensor) or int(whole.min()) < 0:
        raise parameter_error(name, "whole numbers of at least 0", tensor[:5].tolist())
    if classes is not None and int(whole.max()) >= classes:
        raise parameter_error(name, f"below the number of classes, {classes}", int(whole.max()))
    return whole


def as_probabilities(name: str, rows: object) -> Tensor:
    """Checked probabilities of shape (N, classes), float64, whose rows sum to 1 within 1e-3."""
    tensor = as_features(name, rows).double()
    if float(tensor.min()) < -1e-6 or float((tensor.sum(1) - 1).abs().max()) > 1e-3:
        raise parameter_error(
            name,
            "probabilities whose rows sum to 1",
            f"rows that sum to {tensor.sum(1)[:3].tolist()}",
            "apply a softmax to logits first",
        )
    return tensor.clamp_min(0)


def check_same_length(**rows: Tensor) -> None:
    """Raise unless all streams have the same number of rows."""
    lengths: Iterable[int] = {len(values) for values in rows.values()}
    if len(set(lengths)) > 1:
        shown = ", ".join(f"{name} {len(values)}" for name, values in rows.items())
        raise parameter_error(" and ".join(rows), "of the same number of rows", shown)


def _checked_stream(stream: str, rows: object) -> Tensor:
    if stream in _LABELS:
        return as_labels(stream, rows)
    if stream == "fake_probabilities":
        return as_probabilities(stream, rows)
    if stream == "real_samples":
        return as_tensor(stream, rows)
    return as_features(stream, rows)
