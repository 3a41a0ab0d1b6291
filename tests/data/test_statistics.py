from __future__ import annotations

import numpy as np
import pytest

from equipoise.data import statistics
from equipoise.data.statistics import channel_statistics, chunks_of, first_not_finite


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50, 3, 4, 5), (50, 7), (50, 2, 9)])
def test_statistics_equal_numpy_on_the_whole_array(
    kind: type, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small chunks, so that the sums cross chunk borders.
    monkeypatch.setattr(statistics, "CHUNK_BYTES", 100)
    samples = np.random.default_rng(0).integers(3, 250, size=shape).astype(kind)
    found = channel_statistics(samples)
    axes = (0, *range(2, samples.ndim))
    exact = samples.astype(np.float64)
    np.testing.assert_array_equal(found.minimum, exact.min(axis=axes))
    np.testing.assert_array_equal(found.maximum, exact.max(axis=axes))
    np.testing.assert_allclose(found.mean, exact.mean(axis=axes), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, exact.std(axis=axes), rtol=1e-12)


def test_spread_survives_a_large_offset() -> None:
    samples = 1e9 + np.array([[0.0], [1.0], [2.0]])
    np.testing.assert_allclose(channel_statistics(samples).deviation, np.sqrt(2 / 3), rtol=1e-6)


def test_a_constant_column_has_a_spread_of_exactly_zero() -> None:
    samples = np.full((7, 1), 0.1)
    assert channel_statistics(samples).deviation.tolist() == [0.0]


def test_chunks_cover_the_array_once_in_order() -> None:
    samples = np.arange(100).reshape(50, 2)
    parts = list(chunks_of(samples, chunk_bytes=100))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate(parts), samples)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_first_value_that_is_not_finite_is_located(bad: float) -> None:
    samples = np.zeros((20, 3, 4), dtype=np.float32)
    assert first_not_finite(samples) is None
    samples[17, 1, 2] = bad
    samples[18, 0, 0] = bad
    assert first_not_finite(samples) == (17, 1, 2)
    assert first_not_finite(np.zeros((2, 2), dtype=np.uint8)) is None
