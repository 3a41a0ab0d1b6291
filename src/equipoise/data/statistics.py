"""Range, mean and spread per channel or feature, in bounded memory; where a value is not finite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class ChannelStatistics:
    """Per channel (images, sequences) or per feature (vectors), float64 arrays of shape (channels,).

    `deviation` is the population standard deviation (divided by the count, not the count minus one).
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def chunks_of(samples: np.ndarray, chunk_bytes: int = CHUNK_BYTES) -> Iterator[np.ndarray]:
    """Successive slices along the first axis of about `chunk_bytes` each."""
    row = max(1, samples.dtype.itemsize * int(np.prod(samples.shape[1:])))
    step = max(1, chunk_bytes // row)
    for start in range(0, len(samples), step):
        yield np.asarray(samples[start : start + step])


def channel_statistics(samples: np.ndarray) -> ChannelStatistics:
    """Statistics over all axes but the second, in float64 and two passes (no cancellation).

    Args:
        samples: shape (N, channels, ...), N at least 1.

    Example:
        >>> found = channel_statistics(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> found.mean.tolist(), found.deviation.tolist()
        ([2.0, 5.0], [1.0, 0.0])
    """
    if samples.dtype == np.uint8:
        return _byte_statistics(samples)
    channels = samples.shape[1]
    axes = (0, *range(2, samples.ndim))
    minimum = np.full(channels, np.inf)
    maximum = np.full(channels, -np.inf)
    total = np.zeros(channels)
    for chunk in chunks_of(samples):
        minimum = np.minimum(minimum, chunk.min(axis=axes))
        maximum = np.maximum(maximum, chunk.max(axis=axes))
        total += chunk.sum(axis=axes, dtype=np.float64)
    values = samples.size // channels
    mean = total / values
    squares = np.zeros(channels)
    centre = mean.reshape(1, channels, *[1] * (samples.ndim - 2))
    for chunk in chunks_of(samples):
        squares += np.square(chunk - centre).sum(axis=axes)
    # Rounding of the mean must not turn a constant column into one with a tiny spread.
    deviation = np.where(minimum == maximum, 0.0, np.sqrt(squares / values))
    return ChannelStatistics(minimum, maximum, mean, deviation)


def _byte_statistics(samples: np.ndarray) -> ChannelStatistics:
    """Exact, from the histogram of the 256 values: several times as fast as float64 sums."""
    channels = samples.shape[1]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for chunk in chunks_of(samples):
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].reshape(-1), minlength=256)
    levels = np.arange(256, dtype=np.float64)
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    variance = (counts * np.square(levels - mean[:, None])).sum(axis=1) / total
    present = counts > 0
    return ChannelStatistics(
        minimum=present.argmax(axis=1).astype(np.float64),
        maximum=255.0 - present[:, ::-1].argmax(axis=1),
        mean=mean,
        deviation=np.sqrt(variance),
    )


def first_not_finite(samples: np.ndarray) -> tuple[int, ...] | None:
    """The index of the first NaN or infinity, or None."""
    if not np.issubdtype(samples.dtype, np.floating):
        return None
    start = 0
    for chunk in chunks_of(samples):
        finite = np.isfinite(chunk)
        if not finite.all():
            position = np.argwhere(~finite)[0]
            return (start + int(position[0]), *(int(value) for value in position[1:]))
        start += len(chunk)
    return None
