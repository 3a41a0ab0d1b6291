"""What a source string means: the one place where that is decided."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from equipoise.data.builtin import DATASETS
from equipoise.data.readers.image_folder import IMAGE_SUFFIXES, list_images
from equipoise.errors import EquipoiseError, parameter_error

Form = Literal["builtin", "arrays", "csv", "images", "hugging-face", "hub"]
HUB_PATTERN = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
TABLE_SUFFIXES = (".csv", ".tsv")
HUGGING_FACE_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".json")


@dataclass(frozen=True)
class Source:
    """A resolved source: which reader, the name to show, and the path where there is one."""

    form: Form
    name: str
    path: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files whose content the samples come from."""
        if self.path is None:
            return []
        if self.path.is_file():
            return [self.path]
        if self.form == "images":
            return list_images(self.path)
        return sorted(path for path in self.path.rglob("*") if path.is_file())


def resolve_source(source: str | Path) -> Source:
    """Decide what a source is, in this order.

    1. The name of a built-in set (`./digits`, or a `Path`, is the folder of that name).
    2. An existing file or folder, read by what it holds.
    3. A Hugging Face Hub id, `owner/name`.

    Raises:
        EquipoiseError: when it is none of them, with what was tried and the nearest built-in name.

    Example:
        >>> resolve_source("digits").form, resolve_source("owner/name").form
        ('builtin', 'hub')
    """
    text = str(source)
    if isinstance(source, str) and text in DATASETS:
        return Source("builtin", text)
    path = Path(text).expanduser()
    if text and path.exists():
        return _by_content(path)
    looks_like_path = isinstance(source, Path) or text.startswith((".", "~", "/")) or bool(path.suffix)
    if not looks_like_path and HUB_PATTERN.fullmatch(text):
        return Source("hub", text)
    near = difflib.get_close_matches(text, DATASETS.names(), n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise EquipoiseError(
        f"There is no data set `{text}`; {hint}It is none of the built-in sets ({', '.join(DATASETS)}), "
        "there is no such file or folder, and it is not a Hugging Face Hub id of the form owner/name."
    )


def fingerprint(parts: Iterable[object], files: Iterable[Path]) -> str:
    """A short hash of the options, and of each file's path, size and time of change."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode())
    for path in files:
        state = path.stat()
        digest.update(f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:20]


def _by_content(path: Path) -> Source:
    name = path.resolve().name
    if path.is_file():
        suffixes = [suffix.lower() for suffix in path.suffixes]
        last = suffixes[-1] if suffixes else ""
        if last in (".npy", ".npz"):
            return Source("arrays", path.stem, path)
        if any(suffix in TABLE_SUFFIXES for suffix in suffixes[-2:]):
            return Source("csv", name.split(".")[0], path)
        if last in HUGGING_FACE_SUFFIXES:
            return Source("hugging-face", path.stem, path)
        hint = "pass the folder that holds the images" if last in IMAGE_SUFFIXES else "convert it"
        raise parameter_error(
            "source",
            "a folder, or a .npy, .npz, .csv, .tsv, .parquet, .arrow or .jsonl file",
            str(path),
            hint,
        )
    found = {file.suffix.lower() for file in path.rglob("*") if file.is_file()}
    if found & {".parquet", ".arrow"}:
        return Source("hugging-face", name, path)
    if found & set(IMAGE_SUFFIXES):
        return Source("images", name, path)
    if found & {*TABLE_SUFFIXES, ".jsonl", ".json"}:
        return Source("hugging-face", name, path)
    if found & {".npy", ".npz"}:
        raise parameter_error(
            "source",
            "one .npy or .npz file rather than the folder that holds it",
            str(path),
            "give the file's path",
        )
    raise EquipoiseError(
        f"The folder `{path}` holds no data that can be read; put images (in one subfolder a class), or "
        "parquet, CSV or JSON-lines files into it."
    )
