from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equipoise.data import load_data, statistics
from equipoise.data.readers import images as images_module
from equipoise.errors import EquipoiseError

Writer = Callable[..., np.ndarray]


def test_class_folders_are_labels(tmp_path: Path, write_image: Writer) -> None:
    folder = tmp_path / "animals"
    dog = write_image(folder / "dog" / "1.png", seed=1)
    cats = [write_image(folder / "cat" / f"{name}.png", seed=name) for name in (2, 3)]
    (folder / "cat" / "notes.txt").write_text("not an image")
    write_image(folder / ".hidden" / "x.png", seed=9)
    data = load_data(folder)
    assert data.name == "animals"
    assert data.specification.class_names == ("cat", "dog")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(data.samples[:, 0], np.stack([*cats, dog]))


def test_a_flat_folder_and_a_single_subfolder_are_unlabelled(tmp_path: Path, write_image: Writer) -> None:
    write_image(tmp_path / "flat" / "1.png")
    write_image(tmp_path / "nested" / "all" / "1.png")
    for name in ("flat", "nested"):
        data = load_data(tmp_path / name)
        assert data.labels is None
        assert data.specification.shape == (1, 6, 5)


def test_colour_is_channels_first(tmp_path: Path, write_image: Writer) -> None:
    pixels = write_image(tmp_path / "images" / "1.png", colour=True)
    np.testing.assert_array_equal(load_data(tmp_path / "images").samples[0], pixels.transpose(2, 0, 1))


def test_splits_are_subfolders(tmp_path: Path, write_image: Writer) -> None:
    folder = tmp_path / "set"
    for split, seed in (("train", 1), ("val", 2)):
        for name in ("a", "b"):
            write_image(folder / split / name / "1.png", seed=seed + 10 * ord(name))
    train, validation = load_data(folder), load_data(folder, split="validation")
    assert train.specification.class_names == validation.specification.class_names == ("a", "b")
    assert not np.array_equal(train.samples, validation.samples)
    with pytest.raises(EquipoiseError, match="no split `test`; it has: train, val"):
        load_data(folder, split="test")
    with pytest.raises(EquipoiseError, match="no split `test`"):
        load_data(folder / "train", split="test")


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGBA", 3), ("CMYK", 3)]
)
def test_modes_of_images(tmp_path: Path, mode: str, channels: int) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)).convert(
        mode
    )
    (tmp_path / "images").mkdir()
    image.save(tmp_path / "images" / ("a.tiff" if mode == "CMYK" else "a.png"))
    assert load_data(tmp_path / "images").specification.shape == (channels, 4, 4)
    assert load_data(tmp_path / "images", channels=1).specification.shape == (1, 4, 4)
    assert load_data(tmp_path / "images", channels=3).specification.shape == (3, 4, 4)


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), dtype=np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter: rotate clockwise
    (tmp_path / "images").mkdir()
    Image.fromarray(pixels).save(tmp_path / "images" / "a.jpg", exif=exif, quality=100)
    data = load_data(tmp_path / "images")
    assert data.specification.shape == (1, 16, 8)
    assert data.samples[0, 0, :7].mean() > 250
    assert data.samples[0, 0, 9:].mean() < 5


def test_image_size_scales_and_cuts_the_centre(tmp_path: Path) -> None:
    # Left and right quarters black, the centre square white: only the centre is left.
    pixels = np.zeros((20, 40), dtype=np.uint8)
    pixels[:, 10:30] = 255
    (tmp_path / "images").mkdir()
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    data = load_data(tmp_path / "images", image_size=10)
    assert data.specification.shape == (1, 10, 10)
    # Lanczos rings by a few levels at the edges; a wrong cut would leave black.
    assert (data.samples[0, 0, :, 1:-1] >= 245).all()


def test_mixed_sizes_are_refused_with_the_way_out(tmp_path: Path, write_image: Writer) -> None:
    write_image(tmp_path / "images" / "a.png", size=(6, 5))
    write_image(tmp_path / "images" / "b.png", size=(4, 7))
    with pytest.raises(EquipoiseError, match=r"b\.png` is 7×4 but `.*a\.png` is 5×6 .*image_size=4"):
        load_data(tmp_path / "images")
    assert load_data(tmp_path / "images", image_size=4).specification.shape == (1, 4, 4)


def test_mixed_colours_are_refused_with_the_way_out(tmp_path: Path, write_image: Writer) -> None:
    write_image(tmp_path / "images" / "a.png")
    write_image(tmp_path / "images" / "b.png", colour=True)
    with pytest.raises(EquipoiseError, match=r"b\.png` is colour but .*a\.png` is grey; pass channels"):
        load_data(tmp_path / "images")
    assert load_data(tmp_path / "images", channels=3).specification.shape == (3, 6, 5)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_corrupt_image_is_named(tmp_path: Path, write_image: Writer, damage: str) -> None:
    write_image(tmp_path / "images" / "good.png", size=(64, 64))
    bad = tmp_path / "images" / "ugly.png"
    write_image(bad, size=(64, 64))
    content = {"truncated": bad.read_bytes()[:2000], "text": b"hello", "empty": b""}[damage]
    bad.write_bytes(content)
    with pytest.raises(EquipoiseError, match=r"^The image `.*ugly\.png` cannot be read") as caught:
        load_data(tmp_path / "images")
    assert "\n" not in str(caught.value)


def test_deep_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    deep = np.full((4, 4), 1000, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "images" / "a.png")
    with pytest.raises(EquipoiseError, match=r"a\.png` has more than 8 bits"):
        load_data(tmp_path / "images")


def test_loose_images_beside_classes_are_refused(tmp_path: Path, write_image: Writer) -> None:
    write_image(tmp_path / "images" / "cat" / "a.png")
    write_image(tmp_path / "images" / "loose.png")
    with pytest.raises(EquipoiseError, match=r"directly \(`loose\.png`\) and in subfolders"):
        load_data(tmp_path / "images")


def test_many_chunks_keep_the_order(
    tmp_path: Path, write_image: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_module, "CHUNK_BYTES", 70)
    written = [write_image(tmp_path / "images" / f"{seed:02d}.png", seed=seed) for seed in range(11)]
    data = load_data(tmp_path / "images")
    np.testing.assert_array_equal(data.samples[:, 0], np.stack(written))
    assert statistics.CHUNK_BYTES > 70
    kept = load_data(tmp_path / "images", limit=4)
    assert len(kept) == 4
    assert all(any(np.array_equal(image, one) for one in written) for image in kept.samples[:, 0])
