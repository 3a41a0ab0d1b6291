from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from equipoise.data import Dataset, Normalisation, SampleSpecification, load_data
from equipoise.errors import EquipoiseError


@pytest.fixture
def images() -> Dataset:
    samples = np.random.default_rng(0).integers(0, 256, size=(40, 3, 4, 5), dtype=np.uint8)
    return load_data(samples, labels=np.arange(40) % 4)


@pytest.mark.parametrize("as_what", [np.asarray, torch.tensor, list])
def test_batch_is_the_normalised_rows(images: Dataset, as_what: type) -> None:
    rows = [7, 3, 3, 39]
    samples, labels = images.batch(as_what(rows))
    assert samples.dtype == torch.float32
    assert labels is not None
    assert labels.dtype == torch.int64
    np.testing.assert_allclose(samples.numpy(), images.samples[rows] / 127.5 - 1, atol=1e-6)
    assert labels.tolist() == [3, 3, 3, 3]
    assert torch.equal(images.normalisation.invert(samples), torch.from_numpy(images.samples[rows]))


def test_unlabelled_data_has_no_labels() -> None:
    data = load_data(np.random.default_rng(0).normal(size=(10, 3)))
    assert data.batch(np.array([1]))[1] is None
    assert data.specification.classes is None


def test_a_batch_is_the_callers_own(images: Dataset) -> None:
    before = images.samples.copy()
    samples, labels = images.batch([0, 1])
    samples.zero_()
    assert labels is not None
    labels.zero_()
    np.testing.assert_array_equal(images.samples, before)
    assert images.labels is not None
    assert images.labels[1] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([40], "between 0 and 39, but it is 40"),
        ([0, -1], "between 0 and 39, but it is -1"),
        ([0.5], "whole numbers"),
        ([[1]], "whole numbers"),
        ([True], "whole numbers"),
    ],
)
def test_bad_indices_are_refused(images: Dataset, rows: list, message: str) -> None:
    with pytest.raises(EquipoiseError, match=f"`indices` must be {message}"):
        images.batch(rows)


def test_split_is_a_partition_with_the_same_normalisation(images: Dataset) -> None:
    rest, held = images.split(0.25, seed=1)
    assert (len(rest), len(held)) == (30, 10)
    together = np.concatenate([rest.samples, held.samples]).reshape(40, -1)
    np.testing.assert_array_equal(
        np.unique(together, axis=0), np.unique(images.samples.reshape(40, -1), axis=0)
    )
    assert rest.normalisation == held.normalisation == images.normalisation
    assert held.labels is not None
    for row in range(10):
        matches = (images.samples == held.samples[row]).all(axis=(1, 2, 3))
        assert images.labels is not None
        assert images.labels[matches].tolist() == [held.labels[row]]
    np.testing.assert_array_equal(images.split(0.25, seed=1)[1].samples, held.samples)
    assert not np.array_equal(images.split(0.25, seed=2)[1].samples, held.samples)


def test_a_part_of_a_part_is_right(images: Dataset) -> None:
    part = images.take([10, 20, 30]).take(np.array([2, 0]))
    np.testing.assert_array_equal(part.samples, images.samples[[30, 10]])
    np.testing.assert_array_equal(part.raw([1]), images.samples[[10]])
    batch, labels = part.batch([1])
    np.testing.assert_array_equal(part.normalisation.invert(batch).numpy(), images.samples[[10]])
    assert labels is not None
    assert labels.tolist() == [2]
    with pytest.raises(EquipoiseError, match="between 0 and 1"):
        part.batch([2])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 0.001, 0.999])
def test_a_split_with_an_empty_part_is_refused(images: Dataset, fraction: float) -> None:
    with pytest.raises(EquipoiseError, match="`fraction`"):
        images.split(fraction)


def test_arrays_that_do_not_fit_the_specification_are_refused() -> None:
    specification = SampleSpecification("vector", (2,))
    normalisation = Normalisation.divided_by(1)
    with pytest.raises(EquipoiseError, match="`samples`"):
        Dataset(np.zeros((3, 4), np.float32), None, specification, normalisation)
    with pytest.raises(EquipoiseError, match="`labels`"):
        Dataset(np.zeros((3, 2), np.float32), np.zeros(4, np.int64), specification, normalisation)


def test_importing_and_loading_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import equipoise.data as data\n"
        "heavy = {'torch', 'datasets', 'pandas', 'PIL', 'sklearn', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "data.load_data('ring').describe()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
