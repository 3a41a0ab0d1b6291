"""From the units of the data to what networks see, and exactly back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from equipoise.data.specification import SampleKind
from equipoise.data.statistics import channel_statistics
from equipoise.errors import EquipoiseError, parameter_error

if TYPE_CHECKING:
    from torch import Tensor

Method = Literal["bytes", "range", "standardise", "constant"]


@dataclass(frozen=True)
class Normalisation:
    """An affine map per channel or feature: ``normalised = (x - shift) / scale``.

    Attributes:
        method: `bytes` (uint8 0..255 to [-1, 1]: x / 127.5 - 1), `range` (a stated range per channel to
            [-1, 1]), `standardise` (mean 0, standard deviation 1 per feature) or `constant` (divided by a
            stated constant).
        shift: one number for all channels, or one a channel (images, sequences) or feature (vectors).
        scale: as `shift`; never zero.
        dtype: the data's type, which `invert` returns: `uint8`, `float32` or `float64`.

    `invert(apply(x))` is x bit for bit for uint8 and for a scale that is a power of two with shift 0, and
    within the rounding of float32 (about 1e-7 of the scale) otherwise.

    Example:
        >>> images = np.array([[[[0, 51, 255]]]], dtype=np.uint8)
        >>> Normalisation.of_bytes().apply(images).round(3).reshape(-1)
        array([-1. , -0.6,  1. ], dtype=float32)
        >>> Normalisation.of_bytes().invert(Normalisation.of_bytes().apply(images)).tolist()
        [[[[0, 51, 255]]]]
    """

    method: Method
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    dtype: str

    def __post_init__(self) -> None:
        if self.method not in ("bytes", "range", "standardise", "constant"):
            raise parameter_error("method", "bytes, range, standardise or constant", self.method)
        if self.dtype not in ("uint8", "float32", "float64"):
            raise parameter_error("dtype", "uint8, float32 or float64", self.dtype)
        if not self.shift or len(self.shift) != len(self.scale):
            raise parameter_error("scale", f"as many numbers as `shift` ({len(self.shift)})", self.scale)
        if not np.isfinite(self.shift).all():
            raise parameter_error("shift", "finite", self.shift)
        if not np.isfinite(self.scale).all() or min(self.scale) <= 0:
            raise parameter_error("scale", "positive and finite", self.scale)

    @classmethod
    def of_bytes(cls) -> Normalisation:
        """uint8 images, 0..255, to [-1, 1]: x / 127.5 - 1."""
        return cls("bytes", (127.5,), (127.5,), "uint8")

    @classmethod
    def of_range(cls, low: np.ndarray, high: np.ndarray, dtype: str = "float32") -> Normalisation:
        """low..high (one pair for all channels, or one a channel) to [-1, 1]."""
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        return cls("range", tuple(((low + high) / 2).tolist()), tuple(((high - low) / 2).tolist()), dtype)

    @classmethod
    def standardising(cls, mean: np.ndarray, deviation: np.ndarray, dtype: str) -> Normalisation:
        """Mean 0 and standard deviation 1 per feature."""
        return cls("standardise", tuple(mean.tolist()), tuple(deviation.tolist()), dtype)

    @classmethod
    def divided_by(cls, constant: float, dtype: str = "float32") -> Normalisation:
        """The data's own coordinates, divided by one constant."""
        return cls("constant", (0.0,), (float(constant),), dtype)

    @overload
    def apply(self, samples: np.ndarray) -> np.ndarray: ...
    @overload
    def apply(self, samples: Tensor) -> Tensor: ...
    def apply(self, samples: Any) -> Any:
        """Normalise a batch (N, channels, ...), array or tensor, to float32 of the same family."""
        if isinstance(samples, np.ndarray):
            work = np.float64 if self.dtype == "float64" else np.float32
            shift, scale = self._arrays(samples, work)
            return ((samples.astype(work) - shift) / scale).astype(np.float32, copy=False)
        import torch

        precision = torch.float64 if self._doubles(samples) else torch.float32
        shift, scale = self._tensors(samples, precision)
        return samples.to(precision).sub(shift).div_(scale).to(torch.float32)

    @overload
    def invert(self, samples: np.ndarray) -> np.ndarray: ...
    @overload
    def invert(self, samples: Tensor) -> Tensor: ...
    def invert(self, samples: Any) -> Any:
        """Back to the data's units and type; uint8 is rounded and clipped to 0..255."""
        if isinstance(samples, np.ndarray):
            work = np.float64 if self.dtype == "float64" else np.float32
            shift, scale = self._arrays(samples, work)
            values = samples.astype(work) * scale + shift
            if self.dtype == "uint8":
                return np.clip(np.rint(values), 0, 255).astype(np.uint8)
            return values
        import torch

        precision = torch.float64 if self._doubles(samples) else torch.float32
        shift, scale = self._tensors(samples, precision)
        values = samples.to(precision) * scale + shift
        if self.dtype == "uint8":
            return values.round().clamp(0, 255).to(torch.uint8)
        return values

    @property
    def words(self) -> str:
        """What is done, for a person."""
        if self.method == "bytes":
            return "whole numbers 0..255 to [-1, 1]: x / 127.5 - 1"
        if self.method == "standardise":
            return "each feature to mean 0 and standard deviation 1"
        if self.method == "constant":
            if self.scale[0] == 1:
                return "none: networks see the data's own values"
            return f"original coordinates divided by {self.scale[0]:g}"
        low, high = np.subtract(self.shift, self.scale), np.add(self.shift, self.scale)
        if len(low) == 1:
            return f"values {low[0]:g}..{high[0]:g} to [-1, 1]"
        return f"each of {len(low)} channels from its own smallest and largest value to [-1, 1]"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives an equal normalisation, bit for bit."""
        return {
            "method": self.method,
            "shift": list(self.shift),
            "scale": list(self.scale),
            "dtype": self.dtype,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Normalisation:
        """The inverse of `to_json`; refuses what is not a normalisation."""
        try:
            return cls(
                method=values["method"],
                shift=tuple(float(value) for value in values["shift"]),
                scale=tuple(float(value) for value in values["scale"]),
                dtype=values["dtype"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EquipoiseError(
                f"The saved normalisation cannot be read ({type(error).__name__}: {error}); "
                "save it again with `to_json`."
            ) from error

    def _doubles(self, samples: Tensor) -> bool:
        # Apple's devices have no float64; there the map is as exact as float32 is.
        return self.dtype == "float64" and samples.device.type != "mps"

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(self.shift) > 1 and (len(shape) < 2 or shape[1] != len(self.shift)):
            raise parameter_error("samples", f"of shape (N, {len(self.shift)}, ...)", tuple(shape))

    def _arrays(self, samples: np.ndarray, dtype: Any) -> tuple[Any, Any]:
        self._check(samples.shape)
        if len(self.shift) == 1:
            return dtype(self.shift[0]), dtype(self.scale[0])
        view = (1, -1, *[1] * (samples.ndim - 2))
        return np.asarray(self.shift, dtype).reshape(view), np.asarray(self.scale, dtype).reshape(view)

    def _tensors(self, samples: Tensor, dtype: Any) -> tuple[Any, Any]:
        self._check(tuple(samples.shape))
        if len(self.shift) == 1:
            return self.shift[0], self.scale[0]
        import torch

        view = (1, -1, *[1] * (samples.ndim - 2))
        shift = torch.tensor(self.shift, dtype=dtype, device=samples.device).view(view)
        return shift, torch.tensor(self.scale, dtype=dtype, device=samples.device).view(view)


def fit_normalisation(
    kind: SampleKind,
    samples: np.ndarray,
    column_names: tuple[str, ...] | None = None,
    constant: str = "refuse",
) -> Normalisation:
    """The normalisation that suits the kind of sample.

    - uint8 images: 0..255 to [-1, 1].
    - float images: the range is detected: inside 0..1 it is 0..1, inside -1..1 it is -1..1, inside 0..255 it
      is 0..255, otherwise the smallest to the largest value of the data.
    - vectors: standardised per feature.
    - sequences: the smallest to the largest value of each channel to [-1, 1].

    Args:
        kind: of the samples.
        samples: (N, channels, ...), finite.
        column_names: names of a vector's features, for the error.
        constant: a constant feature or channel has no scale: `refuse` raises, `keep` gives it scale 1, so
            that it is 0 after normalisation and exact after inversion.

    Raises:
        EquipoiseError: for a constant column, named, unless it is to be kept.

    Example:
        >>> fit_normalisation("vector", np.array([[1.0, 2.0], [1.0, 4.0]]))
        Traceback (most recent call last):
        equipoise.errors.EquipoiseError: The column `0` has the same value in every sample (1); \
leave it out, or pass constant_columns="keep".
    """
    dtype = str(samples.dtype)
    if dtype == "uint8":
        return Normalisation.of_bytes()
    found = channel_statistics(samples)
    if kind == "image":
        low, high = float(found.minimum.min()), float(found.maximum.max())
        for bottom, top in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
            if low >= bottom and high <= top:
                return Normalisation.of_range(np.array([bottom]), np.array([top]), dtype)
        if low == high:
            raise EquipoiseError(f"Every pixel of the images has the same value ({low:g}); check the data.")
        return Normalisation.of_range(np.array([low]), np.array([high]), dtype)
    flat = np.flatnonzero(found.minimum == found.maximum)
    if len(flat) and constant != "keep":
        names = [column_names[index] if column_names else str(index) for index in flat]
        more = f" and {len(flat) - 1} more columns (`{'`, `'.join(names[1:6])}`)" if len(flat) > 1 else ""
        verb = "have" if more else "has"
        noun = "column" if kind == "vector" else "channel"
        raise EquipoiseError(
            f"The {noun} `{names[0]}`{more} {verb} the same value in every sample "
            f'({found.minimum[flat[0]]:g}); leave it out, or pass constant_columns="keep".'
        )
    if kind == "vector":
        deviation = np.where(found.minimum == found.maximum, 1.0, found.deviation)
        mean = np.where(found.minimum == found.maximum, found.minimum, found.mean)
        return Normalisation.standardising(mean, deviation, dtype)
    flat_mask = found.minimum == found.maximum
    bottoms = np.where(flat_mask, found.minimum - 1.0, found.minimum)
    tops = np.where(flat_mask, found.maximum + 1.0, found.maximum)
    return Normalisation.of_range(bottoms, tops, dtype)
