from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equipoise.data import load_data
from equipoise.errors import EquipoiseError


def test_image_grid_shows_one_class_a_column(tmp_path: Path) -> None:
    # Class k is a plain image of level 50 k, 64 pixels wide, so that tiles are not enlarged.
    labels = np.array([2, 0, 1, 0])
    samples = np.broadcast_to((50 * labels).astype(np.uint8)[:, None, None, None], (4, 1, 64, 64)).copy()
    path = load_data(samples, labels=labels).preview(tmp_path / "new" / "grid.png")
    picture = np.asarray(Image.open(path))
    assert picture.shape == (2 * 66 + 2, 3 * 66 + 2, 3)
    for column in range(3):
        assert (picture[2:66, 2 + 66 * column : 66 + 66 * column] == 50 * column).all()
    # Only class 0 has a second image; the other tiles of that row stay white.
    assert (picture[68:132, 2:66] == 0).all()
    assert (picture[68:132, 68:] == 255).all()


def test_colours_and_enlargement(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 256, size=(3, 3, 8, 8), dtype=np.uint8)
    picture = np.asarray(Image.open(load_data(samples).preview(tmp_path / "grid.png")))
    np.testing.assert_array_equal(picture[2:66:8, 2:66:8], samples[0].transpose(1, 2, 0))
    np.testing.assert_array_equal(picture[2:66:8, 68:132:8], samples[1].transpose(1, 2, 0))


@pytest.mark.parametrize(
    "samples",
    [
        np.random.default_rng(0).normal(size=(100, 2)),
        np.random.default_rng(0).normal(size=(100, 7)),
        np.random.default_rng(0).normal(size=(100, 2, 30)),
    ],
    ids=["points", "table", "sequences"],
)
def test_other_kinds_are_drawn(tmp_path: Path, samples: np.ndarray) -> None:
    path = load_data(samples).preview(tmp_path / "picture.png")
    picture = np.asarray(Image.open(path).convert("RGB"))
    background = (picture == 255).all(axis=2)
    assert picture.shape[0] >= 200
    assert 0.005 < 1 - background.mean() < 0.9


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EquipoiseError, match=r"file/grid\.png` cannot be written"):
        load_data("digits").preview(tmp_path / "file" / "grid.png")
