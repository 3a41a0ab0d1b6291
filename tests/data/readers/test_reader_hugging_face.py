from __future__ import annotations

import io
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from equipoise.data import load_data
from equipoise.errors import EquipoiseError


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def table(count: int, seed: int, names: list[str] | None = None) -> tuple[datasets.Dataset, np.ndarray]:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(count, 6, 5), dtype=np.uint8)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names or ["cat", "dog", "elk"])}
    )
    rows = {
        "image": [{"bytes": png(image), "path": None} for image in pixels],
        "label": [index % 2 for index in range(count)],
    }
    return datasets.Dataset.from_dict(rows, features=features), pixels


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    path = tmp_path / "pets"
    path.mkdir()
    train, train_pixels = table(2500, 0)
    test, test_pixels = table(7, 1)
    train.to_parquet(path / "train-00000-of-00001.parquet")
    test.to_parquet(path / "test-00000-of-00001.parquet")
    return path, train_pixels, test_pixels


def test_parquet_folder(folder: tuple[Path, np.ndarray, np.ndarray], cache: Path) -> None:
    path, train, test = folder
    data = load_data(path)
    np.testing.assert_array_equal(data.samples[:, 0], train)
    assert data.labels is not None
    np.testing.assert_array_equal(data.labels, np.arange(2500) % 2)
    # The declared classes count, also one that does not occur.
    assert data.specification.class_names == ("cat", "dog", "elk")
    np.testing.assert_array_equal(load_data(str(path), split="test").samples[:, 0], test)
    # What `datasets` writes on the way is gone: two entries, nothing else.
    assert len(list((cache / "data").iterdir())) == 2


def test_the_second_call_reads_no_parquet(
    folder: tuple[Path, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, train, _ = folder
    load_data(path)

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    np.testing.assert_array_equal(load_data(path).samples[:, 0], train)


def test_limit_chooses_before_decoding(folder: tuple[Path, np.ndarray, np.ndarray]) -> None:
    path, train, _ = folder
    data = load_data(path, limit=20)
    rows = [int(np.flatnonzero((train == image).all(axis=(1, 2)))[0]) for image in data.samples[:, 0]]
    assert (np.diff(rows) > 0).all()
    assert data.labels is not None
    assert data.labels.tolist() == [row % 2 for row in rows]


def test_unknown_split_and_columns_are_refused(folder: tuple[Path, np.ndarray, np.ndarray]) -> None:
    path, _, _ = folder
    with pytest.raises(EquipoiseError, match=r"pets` has no split `validation`.*train.*test"):
        load_data(path, split="validation")
    with pytest.raises(EquipoiseError, match="named `labels`; did you mean `label`"):
        load_data(path, label_column="labels")
    with pytest.raises(EquipoiseError, match="named `images`; did you mean `image`"):
        load_data(path, column="images")


def test_a_single_file_and_a_saved_dataset(tmp_path: Path) -> None:
    made, pixels = table(9, 2)
    made.to_parquet(tmp_path / "pets.parquet")
    made.save_to_disk(tmp_path / "saved")
    datasets.DatasetDict({"train": made}).save_to_disk(tmp_path / "splits")
    for name in ("pets.parquet", "saved", "splits"):
        np.testing.assert_array_equal(load_data(tmp_path / name).samples[:, 0], pixels)
    with pytest.raises(EquipoiseError, match=r"no split in `.*splits` named `test`"):
        load_data(tmp_path / "splits", split="test")


def test_plain_bytes_are_images_too(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(5, 4, 4), dtype=np.uint8)
    datasets.Dataset.from_dict({"picture": [png(image) for image in pixels]}).to_parquet(
        tmp_path / "a.parquet"
    )
    data = load_data(tmp_path / "a.parquet")
    np.testing.assert_array_equal(data.samples[:, 0], pixels)
    assert data.labels is None


@pytest.mark.parametrize("content", [b"not a picture", None])
def test_a_corrupt_row_is_named(tmp_path: Path, content: bytes | None) -> None:
    good = png(np.zeros((4, 4), np.uint8))
    rows = {"image": [value and {"bytes": value, "path": None} for value in (good, content, good)]}
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(EquipoiseError, match=r"The image `.*a\.parquet, row 1` (cannot be read|is missing)"):
        load_data(tmp_path / "a.parquet")


def test_labels_outside_the_classes_are_refused(tmp_path: Path) -> None:
    made, _ = table(4, 0)
    unlabelled = made.map(lambda row: {"label": -1}, features=made.features)
    unlabelled.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(EquipoiseError, match=r"`label` must be 0 or more .*-1"):
        load_data(tmp_path / "a.parquet")


def test_unreadable_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not parquet")
    with pytest.raises(EquipoiseError, match=r"a\.parquet` cannot be read as a data set") as caught:
        load_data(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (ConnectionError("no route"), "The Hugging Face Hub cannot be reached for `owner/name`"),
        (
            datasets.exceptions.DatasetNotFoundError("x"),
            "There is no data set `owner/name` on the Hugging Face Hub",
        ),
        (ValueError("Unknown split \"train\". Should be one of ['a']."), "`owner/name` has no split `train`"),
        (
            ValueError("Config name is missing."),
            "`owner/name` cannot be read as a data set .Config name is missing",
        ),
    ],
)
def test_what_can_go_wrong_with_the_hub(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, message: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(EquipoiseError, match=message):
        load_data("owner/name")


def test_a_hub_id_is_loaded_with_its_split_and_cached(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    made, pixels = table(9, 3)
    asked = []

    def load(name: str, configuration: str | None, *, split: str) -> datasets.Dataset:
        asked.append((name, configuration, split))
        return made

    monkeypatch.setattr(datasets, "load_dataset", load)
    for _ in range(2):
        data = load_data("owner/name", split="test", configuration="small")
        np.testing.assert_array_equal(data.samples[:, 0], pixels)
        assert data.name == "owner/name"
    assert asked == [("owner/name", "small", "test")] * 2
    assert len(list((cache / "data").iterdir())) == 1
