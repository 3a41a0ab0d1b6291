from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from equipoise.data import cache as cache_module
from equipoise.data import load_data
from equipoise.data.cache import find_cache_directory, read_entry, work_directory, write_entry
from equipoise.data.normalisation import Normalisation
from equipoise.data.raw import RawData
from equipoise.errors import EquipoiseError


def raw_of(samples: np.ndarray, chunks: Iterator[np.ndarray] | None = None) -> RawData:
    labels = np.arange(len(samples)) % 2
    raw = RawData.of_array("image", samples, labels, 2, ("a", "b"))
    return RawData(**{**vars(raw), "chunks": chunks if chunks is not None else raw.chunks})


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(10, 1, 4, 4), dtype=np.uint8)


def store(folder: Path, raw: RawData, key: str = "key") -> cache_module.Entry:
    with work_directory(folder) as work:
        return write_entry(folder, key, raw, Path(work), lambda stored: Normalisation.of_bytes())


def test_what_is_written_is_read(cache: Path, samples: np.ndarray) -> None:
    assert read_entry(cache, "key") is None
    store(cache, raw_of(samples, iter([samples[:3], samples[3:]])))
    entry = read_entry(cache, "key")
    assert entry is not None
    np.testing.assert_array_equal(entry.samples, samples)
    assert entry.labels is not None
    assert entry.labels.tolist() == [0, 1] * 5
    assert entry.specification.class_names == ("a", "b")
    assert entry.normalisation == Normalisation.of_bytes()
    assert sorted(path.name for path in cache.iterdir()) == ["key"]


def test_large_samples_are_mapped_and_small_ones_read(
    cache: Path, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not isinstance(store(cache, raw_of(samples)).samples, np.memmap)
    monkeypatch.setattr(cache_module, "MAPPED_BYTES", 100)
    entry = read_entry(cache, "key")
    assert entry is not None
    assert isinstance(entry.samples, np.memmap)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, EquipoiseError])
def test_nothing_is_left_of_a_write_that_stopped(
    cache: Path, samples: np.ndarray, failure: type[BaseException]
) -> None:
    def stops() -> Iterator[np.ndarray]:
        yield samples[:5]
        raise failure("stop")

    with pytest.raises(failure):
        store(cache, raw_of(samples, stops()))
    assert list(cache.iterdir()) == []
    np.testing.assert_array_equal(store(cache, raw_of(samples)).samples, samples)


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from equipoise.data.cache import work_directory, write_entry
from equipoise.data.raw import RawData

def chunks():
    yield np.zeros((5, 1, 4, 4), np.uint8)
    os.kill(os.getpid(), signal.SIGKILL)

raw = RawData("image", (1, 4, 4), np.dtype(np.uint8), 10, chunks())
with work_directory(Path(sys.argv[1])) as work:
    write_entry(Path(sys.argv[1]), "key", raw, Path(work), None)
"""


def test_a_killed_write_is_never_seen_and_goes_after_a_day(cache: Path, samples: np.ndarray) -> None:
    result = subprocess.run([sys.executable, "-c", KILLED, str(cache)], check=False)
    assert result.returncode == -9
    (partial,) = cache.iterdir()
    assert partial.name.startswith(".partial-")
    assert read_entry(cache, "key") is None
    store(cache, raw_of(samples))
    assert partial.exists()
    day_ago = time.time() - 25 * 3600
    os.utime(partial, (day_ago, day_ago))
    store(cache, raw_of(samples), "other")
    assert sorted(path.name for path in cache.iterdir()) == ["key", "other"]


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from equipoise.data.cache import work_directory, write_entry
from equipoise.data.normalisation import Normalisation
from equipoise.data.raw import RawData
from equipoise.errors import EquipoiseError

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
raw = RawData.of_array("image", np.zeros((100, 1, 32, 32), np.uint8))
try:
    with work_directory(Path(sys.argv[1])) as work:
        write_entry(Path(sys.argv[1]), "key", raw, Path(work), lambda stored: Normalisation.of_bytes())
except EquipoiseError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are of POSIX systems")
def test_a_disk_that_takes_no_more_ends_in_one_sentence(cache: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(cache)], check=True, capture_output=True, text=True
    )
    assert "cannot be written" in result.stdout
    assert "EQUIPOISE_CACHE" in result.stdout
    assert list(cache.iterdir()) == []


def test_the_second_of_two_writers_changes_nothing(cache: Path, samples: np.ndarray) -> None:
    first = store(cache, raw_of(samples))
    written = (cache / "key" / "samples.npy").stat().st_ino
    second = store(cache, raw_of(samples))
    assert (cache / "key" / "samples.npy").stat().st_ino == written
    np.testing.assert_array_equal(first.samples, second.samples)


@pytest.mark.parametrize("damage", ["truncated", "no facts", "bad facts", "other format", "no labels"])
def test_a_damaged_entry_is_written_again(cache: Path, samples: np.ndarray, damage: str) -> None:
    store(cache, raw_of(samples))
    folder = cache / "key"
    if damage == "truncated":
        content = (folder / "samples.npy").read_bytes()
        (folder / "samples.npy").write_bytes(content[:-7])
    elif damage == "no facts":
        (folder / "facts.json").unlink()
    elif damage == "bad facts":
        (folder / "facts.json").write_text("{")
    elif damage == "other format":
        facts = json.loads((folder / "facts.json").read_text())
        (folder / "facts.json").write_text(json.dumps({**facts, "format": 0}))
    else:
        (folder / "labels.npy").unlink()
    assert read_entry(cache, "key") is None
    np.testing.assert_array_equal(store(cache, raw_of(samples)).samples, samples)


def test_a_reader_that_gives_too_few_samples_is_noticed(cache: Path, samples: np.ndarray) -> None:
    with pytest.raises(EquipoiseError, match="gave 3 samples where it announced 10"):
        store(cache, raw_of(samples, iter([samples[:3]])))


def test_where_the_cache_is(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_cache_directory() == cache
    assert find_cache_directory(tmp_path / "mine") == tmp_path / "mine"
    monkeypatch.delenv("EQUIPOISE_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_cache_directory() == tmp_path / ".cache" / "equipoise"


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, write_image: Callable[..., np.ndarray]
) -> None:
    write_image(tmp_path / "images" / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(EquipoiseError, match="`cache_directory` must be a folder that can be written"):
        load_data(tmp_path / "images", cache_directory=tmp_path / "file" / "below")


def test_images_are_decoded_once(
    tmp_path: Path, write_image: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    folder = tmp_path / "images"
    for seed in range(3):
        write_image(folder / f"{seed}.png", seed=seed)
    first = load_data(folder)

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as context:
        context.setattr(Image, "open", refuse)
        np.testing.assert_array_equal(load_data(folder).samples, first.samples)
        assert load_data(folder).normalisation == first.normalisation
        # Other options or a changed file are another entry.
        with pytest.raises(AssertionError, match="decoded again"):
            load_data(folder, image_size=4)
    changed = write_image(folder / "1.png", seed=9)
    np.testing.assert_array_equal(load_data(folder).samples[1, 0], changed)
