"""Hub ids, folders and files that Hugging Face `datasets` reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from equipoise.data.labels import encode_labels
from equipoise.data.raw import RawData, ReadOptions
from equipoise.data.readers.images import decode_images
from equipoise.data.readers.tables import LABEL_NAMES, from_table
from equipoise.errors import EquipoiseError, unknown_name

BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".jsonl": "json", ".json": "json"}
IMAGE_NAMES = ("image", "img", "images")


def read_local(path: Path, options: ReadOptions, work_directory: Path) -> RawData:
    """A folder of parquet, arrow, CSV or JSON files, one such file, or what `save_to_disk` wrote.

    The intermediate copy that `datasets` makes goes into `work_directory` and is the caller's to remove.
    """
    import datasets

    def load() -> Any:
        if path.is_dir() and ((path / "state.json").exists() or (path / "dataset_dict.json").exists()):
            saved = datasets.load_from_disk(str(path))
            if isinstance(saved, datasets.DatasetDict):
                if options.split not in saved:
                    raise unknown_name(f"split in `{path}`", options.split, map(str, saved))
                return saved[options.split]
            return saved
        chosen = {"split": options.split, "cache_dir": str(work_directory)}
        if path.is_file():
            return datasets.load_dataset(BUILDERS[path.suffix.lower()], data_files=str(path), **chosen)
        return datasets.load_dataset(str(path), options.configuration, **chosen)

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        table = _asked(load, str(path), options)
    finally:
        if shown:
            datasets.enable_progress_bars()
    return from_dataset(table, options, str(path))


def open_hub(identifier: str, options: ReadOptions) -> Any:
    """The `datasets.Dataset` of a Hub id, downloaded or from Hugging Face's own cache.

    Raises:
        EquipoiseError: without network, for an id or split that does not exist or is not open to the user.
    """
    import datasets

    return _asked(
        lambda: datasets.load_dataset(identifier, options.configuration, split=options.split),
        identifier,
        options,
    )


def fingerprint_of(table: Any) -> str:
    """What identifies the content of a `datasets.Dataset`."""
    return str(table._fingerprint)


def from_dataset(table: Any, options: ReadOptions, name: str) -> RawData:
    """Images where there is an image column, else a numeric table."""
    import datasets

    if len(table) == 0:
        raise EquipoiseError(f"`{name}` has no samples in its split `{options.split}`; choose another split.")
    names = list(table.column_names)
    wanted = [options.column] if isinstance(options.column, str) else list(options.column or ())
    for asked in [*wanted, options.label_column]:
        if asked is not None and asked not in names:
            raise unknown_name(f"column in `{name}`", asked, names)
    column = _image_column(table, wanted)
    label_column = options.label_column or _label_column(table)
    label_names: tuple[str, ...] | None = None
    if label_column is not None and isinstance(table.features[label_column], datasets.ClassLabel):
        label_names = tuple(table.features[label_column].names) or None
    if column is None:
        frame = table.with_format(None).to_pandas()
        chosen = ReadOptions(**{**vars(options), "label_column": label_column})
        return from_table(frame, chosen, name, label_names)
    labels = classes = None
    if label_column is not None:
        # As one arrow table: row by row, reading the labels costs as much as decoding small images.
        values = table.select_columns([label_column]).with_format("arrow")[:].column(0).to_pandas()
        labels, classes, label_names = encode_labels(values.to_numpy(), len(table), label_column, label_names)
    rows = options.rows(len(table))
    if rows is not None:
        table = table.select(rows)
        labels = None if labels is None else labels[rows]
    if isinstance(table.features[column], datasets.Image):
        table = table.cast_column(column, datasets.Image(decode=False))
    shape, chunks = decode_images(
        _encoded(table.select_columns([column]), column, name, rows), options.image_size, options.channels
    )
    return RawData(
        kind="image",
        shape=shape,
        dtype=np.dtype(np.uint8),
        count=len(table),
        chunks=chunks,
        labels=labels,
        classes=classes,
        class_names=label_names if classes is not None else None,
    )


def _encoded(
    table: Any, column: str, name: str, rows: np.ndarray | None
) -> Iterator[tuple[str, bytes | Path]]:
    row = 0
    for batch in table.with_format("arrow").iter(batch_size=1024):
        for value in batch.column(column).to_pylist():
            where = f"{name}, row {row if rows is None else rows[row]}"
            content = value.get("bytes") if isinstance(value, dict) else value
            if content is None and isinstance(value, dict) and value.get("path"):
                content = Path(value["path"])
            if content is None:
                raise EquipoiseError(f"The image `{where}` is missing; take the row out of the data.")
            yield where, content
            row += 1


def _image_column(table: Any, wanted: list[str]) -> str | None:
    """The column of encoded images, or None."""
    import datasets

    def encoded(column: str) -> bool:
        feature = table.features[column]
        if isinstance(feature, datasets.Image):
            return True
        if isinstance(feature, dict):
            return "bytes" in feature
        return isinstance(feature, datasets.Value) and feature.dtype in ("binary", "large_binary")

    found = [column for column in (wanted or table.column_names) if encoded(column)]
    return next((column for column in IMAGE_NAMES if column in found), found[0] if found else None)


def _label_column(table: Any) -> str | None:
    """`label` or `labels`, else the first column declared as classes, else None."""
    import datasets

    for known in LABEL_NAMES:
        if known in table.column_names:
            return known
    declared = [name for name in table.column_names if isinstance(table.features[name], datasets.ClassLabel)]
    return declared[0] if declared else None


def _asked(load: Any, name: str, options: ReadOptions) -> Any:
    """Run the loading and turn each way it can fail into one sentence."""
    import datasets
    import pyarrow
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return load()
    except datasets.exceptions.DatasetNotFoundError as error:
        raise EquipoiseError(
            f"There is no data set `{name}` on the Hugging Face Hub that you may read; check the spelling, "
            "and log in with `hf auth login` where it is private or gated."
        ) from error
    except (HfHubHTTPError, ConnectionError, TimeoutError) as error:
        raise EquipoiseError(
            f"The Hugging Face Hub cannot be reached for `{name}`, and it is not in the local Hugging Face "
            "cache; check the network, or give the path of a downloaded copy."
        ) from error
    except (
        ValueError,
        KeyError,
        OSError,
        RuntimeError,
        pyarrow.ArrowException,
        datasets.exceptions.DatasetsError,
        datasets.exceptions.DatasetGenerationError,
    ) as error:
        reason = _reason(error)
        if reason.startswith(("Unknown split", "Bad split")):
            raise EquipoiseError(f"`{name}` has no split `{options.split}`: {reason}.") from error
        raise EquipoiseError(f"`{name}` cannot be read as a data set ({reason}); check it.") from error


def _reason(error: BaseException) -> str:
    # `datasets` wraps the cause in "an error occurred while generating": the cause says more.
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().split("\n")[0].rstrip(".")[:200] or type(error).__name__
