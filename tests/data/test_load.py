from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from equipoise.data import DATASETS, load_data
from equipoise.data.load import CONSTRAINTS
from equipoise.errors import EquipoiseError


@pytest.mark.parametrize("parameter", sorted(CONSTRAINTS))
def test_every_constraint_is_enforced(parameter: str) -> None:
    with pytest.raises(EquipoiseError, match=f"^`{parameter}` must be"):
        load_data("digits", **{parameter: CONSTRAINTS[parameter].invalid_example()})


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_built_in_set_honours_the_contract(name: str, tmp_path: Path) -> None:
    data = load_data(name)
    assert data.name == name
    assert len(data) == len(data.samples)
    assert data.samples.flags["C_CONTIGUOUS"]
    assert data.samples.shape[1:] == data.specification.shape
    assert data.labels is not None
    assert data.labels.dtype == np.int64
    assert np.unique(data.labels).tolist() == list(range(data.specification.classes or 0))
    batch, labels = data.batch(np.arange(100))
    assert labels is not None
    assert 0.1 < batch.std().item() < 2
    # Built-in sets are inverted bit for bit.
    np.testing.assert_array_equal(data.normalisation.invert(batch).numpy(), data.samples[:100])
    np.testing.assert_array_equal(load_data(name).samples, data.samples)
    limited = load_data(name, limit=50)
    assert len(limited) == 50
    assert data.describe()["warnings"] == []
    assert data.preview(tmp_path / "preview.png").stat().st_size > 1000
    assert DATASETS.get(name).__doc__


def test_limit_is_a_fixed_random_subset() -> None:
    samples = np.arange(1000, dtype=np.float64)[:, None]
    kept = load_data(samples, labels=np.arange(1000) // 100, limit=100)
    np.testing.assert_array_equal(load_data(samples, limit=100).samples, kept.samples)
    rows = kept.samples[:, 0].astype(int)
    assert (np.diff(rows) > 0).all()
    assert kept.labels is not None
    np.testing.assert_array_equal(kept.labels, rows // 100)
    # Sorted data keeps all its parts: 10 classes of 100, about 10 of each.
    assert np.bincount(kept.labels, minlength=10).min() >= 2
    assert len(load_data(samples, limit=5000)) == 1000


def test_built_in_images_can_be_resized() -> None:
    data = load_data("digits", image_size=16, channels=3, limit=10)
    assert data.specification.shape == (3, 16, 16)
    np.testing.assert_array_equal(data.samples[:, 0], data.samples[:, 2])
    with pytest.raises(EquipoiseError, match="`ring` holds vectors"):
        load_data("ring", image_size=16)


def test_options_of_built_in_sets() -> None:
    assert load_data("ring", modes=12, count=500).specification.classes == 12
    with pytest.raises(EquipoiseError, match="no option of `ring` named `mods`; did you mean `modes`"):
        load_data("ring", mods=12)
    with pytest.raises(EquipoiseError, match="`modes` must be a whole number of at least 2"):
        load_data("ring", modes=1)
    with pytest.raises(EquipoiseError, match="`column` has no meaning for the built-in set `digits`"):
        load_data("digits", column="x")
    with pytest.raises(EquipoiseError, match="did you mean `image_size`"):
        load_data(np.zeros((2, 2)), image_sise=3)


@pytest.mark.parametrize("source", [None, 3, [[1.0, 2.0]]])
def test_a_source_of_another_type_is_refused(source: object) -> None:
    with pytest.raises(EquipoiseError, match="`source` must be"):
        load_data(source)  # type: ignore[arg-type]


def test_labels_go_with_arrays_only() -> None:
    with pytest.raises(EquipoiseError, match="`labels` goes with a source that is an array"):
        load_data("digits", labels=np.zeros(1797))
    with pytest.raises(EquipoiseError, match="as many as there are samples"):
        load_data(np.zeros((3, 2)), labels=np.zeros(2))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_located(bad: float, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(10, 3))
    vectors[6, 1] = bad
    with pytest.raises(EquipoiseError, match=f"`array` holds {bad} in column `1`, sample 6"):
        load_data(vectors)
    images = np.random.default_rng(0).random((10, 1, 8, 8)).astype(np.float32)
    images[4, 0, 3, 3] = bad
    np.savez(tmp_path / "images.npz", x=images)
    with pytest.raises(EquipoiseError, match=f"`images` holds {bad} in sample 4"):
        load_data(tmp_path / "images.npz")


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_normalisation_can_be_left_out(name: str) -> None:
    data = load_data(name, normalisation="none", limit=20)
    batch, _ = data.batch(np.arange(20))
    np.testing.assert_array_equal(batch.numpy(), data.samples.astype(np.float32))
    np.testing.assert_array_equal(data.normalisation.invert(batch).numpy(), data.samples)
    assert data.normalisation.words.startswith("none")


def test_normalisation_left_out_does_not_stay_in_the_cache(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 256, size=(5, 1, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=samples)
    methods = [
        load_data(tmp_path / "a.npz", normalisation=choice).normalisation.method
        for choice in ("none", "fit", "none")
    ]
    assert methods == ["constant", "bytes", "constant"]
