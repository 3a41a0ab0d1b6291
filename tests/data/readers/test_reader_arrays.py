from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from equipoise.data import load_data
from equipoise.errors import EquipoiseError

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "type_", "options", "kind", "sample_shape", "kept_type"),
    [
        ((9, 5), np.float32, {}, "vector", (5,), np.float32),
        ((9, 5), np.float64, {}, "vector", (5,), np.float64),
        ((9, 5), np.int64, {}, "vector", (5,), np.float64),
        ((9, 5), np.uint8, {}, "vector", (5,), np.float32),
        ((9, 5), np.float32, {"kind": "sequence"}, "sequence", (1, 5), np.float32),
        ((9, 2, 5), np.float32, {}, "sequence", (2, 5), np.float32),
        ((9, 6, 5), np.uint8, {}, "image", (1, 6, 5), np.uint8),
        ((9, 6, 5), np.float64, {"kind": "image"}, "image", (1, 6, 5), np.float32),
        ((9, 6, 5), np.uint8, {"kind": "sequence"}, "sequence", (6, 5), np.float32),
        ((9, 3, 6, 5), np.uint8, {}, "image", (3, 6, 5), np.uint8),
        ((9, 6, 5, 3), np.uint8, {}, "image", (3, 6, 5), np.uint8),
        ((9, 6, 5, 3), np.int64, {}, "image", (3, 6, 5), np.uint8),
        ((9, 8, 6, 5), np.float32, {"layout": "NCHW"}, "image", (8, 6, 5), np.float32),
        ((9, 8, 6, 5), np.float32, {"layout": "NHWC"}, "image", (5, 8, 6), np.float32),
    ],
)
def test_layouts(
    shape: tuple[int, ...],
    type_: type,
    options: dict,
    kind: str,
    sample_shape: tuple[int, ...],
    kept_type: type,
) -> None:
    samples = RANDOM.integers(0, 256, size=shape).astype(type_)
    data = load_data(samples, **options)
    assert (data.specification.kind, data.specification.shape) == (kind, sample_shape)
    assert data.samples.dtype == kept_type
    last = len(shape) == 4 and sample_shape[0] == shape[3] and shape[1] not in (3, sample_shape[0])
    expected = samples.transpose(0, 3, 1, 2) if last else samples.reshape(9, *sample_shape)
    np.testing.assert_array_equal(data.samples, expected)


def test_npy_is_mapped_and_not_copied(tmp_path: Path, cache: Path) -> None:
    samples = RANDOM.integers(0, 256, size=(20, 3, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "images.npy", samples)
    data = load_data(tmp_path / "images.npy")
    np.testing.assert_array_equal(data.samples, samples)
    assert not data.samples.flags["OWNDATA"]
    assert data.name == "images"
    assert not cache.exists()
    np.testing.assert_array_equal(data.normalisation.invert(data.batch([3])[0]).numpy(), samples[[3]])


@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("samples", "labels"), ("images", "targets")])
def test_npz_keys(tmp_path: Path, x: str, y: str) -> None:
    samples = RANDOM.normal(size=(10, 4))
    np.savez(tmp_path / "a.npz", **{x: samples, y: np.arange(10) % 3})
    data = load_data(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.samples, samples)
    assert data.labels is not None
    assert data.labels.tolist() == (np.arange(10) % 3).tolist()


def test_npz_splits_and_chosen_keys(tmp_path: Path) -> None:
    train, test = RANDOM.normal(size=(10, 4)), RANDOM.normal(size=(5, 4))
    np.savez(
        tmp_path / "a.npz", x_train=train, x_test=test, y_train=np.arange(10), y_test=np.arange(5), other=test
    )
    np.testing.assert_array_equal(load_data(tmp_path / "a.npz").samples, train)
    held = load_data(tmp_path / "a.npz", split="test")
    np.testing.assert_array_equal(held.samples, test)
    assert held.specification.classes == 5
    chosen = load_data(tmp_path / "a.npz", column="other", label_column="y_test")
    np.testing.assert_array_equal(chosen.samples, test)
    with pytest.raises(EquipoiseError, match="samples for the split `validation`"):
        load_data(tmp_path / "a.npz", split="validation")
    with pytest.raises(EquipoiseError, match="named `y_tst`; did you mean `y_test`"):
        load_data(tmp_path / "a.npz", label_column="y_tst")


def test_npz_with_one_array_and_with_no_obvious_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", whatever=RANDOM.normal(size=(10, 4)))
    assert len(load_data(tmp_path / "one.npz")) == 10
    np.savez(tmp_path / "two.npz", a=np.zeros(2), b=np.zeros(2))
    with pytest.raises(EquipoiseError, match=r"which of its arrays holds the samples \(a, b\)"):
        load_data(tmp_path / "two.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken"])
def test_unreadable_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EquipoiseError, match=r"a\.np[yz]` cannot be read as a NumPy file") as caught:
        load_data(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(EquipoiseError, match="cannot be read as a NumPy file"):
        load_data(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(5), "an array of at least one sample"),
        (np.zeros((0, 5)), "an array of at least one sample"),
        (np.zeros((5, 0)), "an array of at least one sample"),
        (np.zeros((2, 2, 2, 2, 2)), "of 2 to 4 dimensions"),
        (np.array([["a", "b"]]), "an array of numbers"),
        (np.zeros((3, 2), dtype=complex), "an array of numbers"),
    ],
)
def test_wrong_shapes_and_types_are_refused(samples: np.ndarray, message: str) -> None:
    with pytest.raises(EquipoiseError, match=f"`samples` must be {message}"):
        load_data(samples)


@pytest.mark.parametrize("shape", [(4, 3, 32, 3), (4, 8, 16, 16)])
def test_an_ambiguous_layout_is_asked_for(shape: tuple[int, ...]) -> None:
    with pytest.raises(EquipoiseError, match="pass layout="):
        load_data(np.zeros(shape, dtype=np.uint8))


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="`kind` must be 'vector' or 'sequence'"):
        load_data(np.zeros((4, 3)), kind="image")
    with pytest.raises(EquipoiseError, match="are for images"):
        load_data(np.zeros((4, 3)), image_size=8)
    with pytest.raises(EquipoiseError, match="apply to uint8 images"):
        load_data(RANDOM.random((4, 3, 8, 8)), image_size=4)
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    with pytest.raises(EquipoiseError, match="no named columns"):
        load_data(tmp_path / "a.npy", column="x")
    with pytest.raises(EquipoiseError, match="no split `test`"):
        load_data(tmp_path / "a.npy", split="test")


def test_arrays_can_be_resized_and_recoloured() -> None:
    samples = np.full((3, 8, 8, 3), 100, dtype=np.uint8)
    data = load_data(samples, image_size=4, channels=1)
    assert data.specification.shape == (1, 4, 4)
    assert (data.samples == 100).all()
