"""A folder of images; subfolders are classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equipoise.data.raw import RawData, ReadOptions
from equipoise.data.readers.images import decode_images
from equipoise.errors import EquipoiseError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


def list_images(folder: Path) -> list[Path]:
    """All image files below the folder, sorted by path; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read_image_folder(folder: Path, options: ReadOptions) -> RawData:
    """Images directly in the folder (unlabelled), or in one subfolder a class (sorted names are the classes).

    Where all the folder holds is subfolders such as `train` and `test`, `split` chooses one. A single
    subfolder is no class: its images are unlabelled.
    """
    folder = _split_folder(folder, options.split)
    paths = list_images(folder)
    if not paths:
        raise EquipoiseError(
            f"The folder `{folder}` holds no images; put {', '.join(IMAGE_SUFFIXES[:4])} files into it or "
            "into one subfolder a class."
        )
    parents = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
    names = sorted(set(parents))
    labels = class_names = None
    if len(names) > 1:
        if "" in names:
            loose = next(path for path, parent in zip(paths, parents, strict=True) if not parent)
            raise EquipoiseError(
                f"The folder `{folder}` holds images both directly (`{loose.name}`) and in subfolders; move "
                "them all into subfolders, one a class, or all out of them."
            )
        numbers = {name: index for index, name in enumerate(names)}
        labels = np.array([numbers[parent] for parent in parents], dtype=np.int64)
        class_names = tuple(names)
    rows = options.rows(len(paths))
    if rows is not None:
        paths = [paths[row] for row in rows]
        labels = None if labels is None else labels[rows]
    shape, chunks = decode_images(((str(path), path) for path in paths), options.image_size, options.channels)
    return RawData(
        kind="image",
        shape=shape,
        dtype=np.dtype(np.uint8),
        count=len(paths),
        chunks=chunks,
        labels=labels,
        classes=None if class_names is None else len(class_names),
        class_names=class_names,
    )


def _split_folder(folder: Path, split: str) -> Path:
    children = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    kinds = {SPLITS.get(path.name.lower()): path for path in children}
    loose = any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
    if children and None not in kinds and not loose:
        wanted = SPLITS.get(split.lower(), split)
        if wanted not in kinds:
            found = ", ".join(sorted(path.name for path in children))
            raise EquipoiseError(f"The folder `{folder}` has no split `{split}`; it has: {found}.")
        return kinds[wanted]
    if split != "train":
        raise EquipoiseError(
            f"The folder `{folder}` has no split `{split}`, as it has no subfolder of that name; leave "
            "`split` out and hold samples out with `dataset.split`."
        )
    return folder
