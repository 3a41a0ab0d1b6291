from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from equipoise.data.resolve import resolve_source
from equipoise.errors import EquipoiseError


def test_built_in_names_come_before_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_image: Callable[..., np.ndarray]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(Path("digits") / "a.png")
    assert resolve_source("digits").form == "builtin"
    assert resolve_source("./digits").form == "images"
    assert resolve_source(Path("digits")).form == "images"


def test_paths_come_before_hub_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_image: Callable[..., np.ndarray]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_source("owner/name").form == "hub"
    write_image(Path("owner") / "name" / "a.png")
    assert resolve_source("owner/name").form == "images"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.npy", "arrays"),
        ("a.npz", "arrays"),
        ("a.csv", "csv"),
        ("a.CSV", "csv"),
        ("a.tsv.gz", "csv"),
        ("a.parquet", "hugging-face"),
        ("a.jsonl", "hugging-face"),
    ],
)
def test_files_by_their_ending(tmp_path: Path, name: str, form: str) -> None:
    (tmp_path / name).write_text("")
    found = resolve_source(str(tmp_path / name))
    assert (found.form, found.name) == (form, "a")


def test_a_folder_of_parquet_files(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_text("")
    assert resolve_source(tmp_path).form == "hugging-face"


@pytest.mark.parametrize(
    "name", ["digit", "no-such-thing", "", "owner/name/more", "./owner/name", "owner/name.csv"]
)
def test_an_unknown_name_says_what_was_tried(name: str) -> None:
    with pytest.raises(EquipoiseError) as caught:
        resolve_source(name)
    message = str(caught.value)
    assert f"`{name}`" in message
    for part in (
        "built-in sets (digits, grid, ring, stacked-digits)",
        "no such file or folder",
        "owner/name",
    ):
        assert part in message
    assert ("did you mean `digits`?" in message) == (name == "digit")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.png", "pass the folder that holds the images"), ("a.txt", "convert it"), ("README", "convert it")],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(EquipoiseError, match=message):
        resolve_source(tmp_path / name)


def test_folders_without_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="holds no data that can be read"):
        resolve_source(tmp_path)
    (tmp_path / "a.npy").write_text("")
    with pytest.raises(EquipoiseError, match=r"one \.npy or \.npz file rather than the folder"):
        resolve_source(tmp_path)
