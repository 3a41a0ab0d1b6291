"""`load_data`: from any source to a `Dataset`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from equipoise.data.builtin import DATASETS
from equipoise.data.cache import Entry, find_cache_directory, read_entry, work_directory, write_entry
from equipoise.data.dataset import Dataset
from equipoise.data.normalisation import Normalisation, fit_normalisation
from equipoise.data.raw import RawData, ReadOptions
from equipoise.data.readers import arrays, image_folder, tables
from equipoise.data.readers.images import resize_array
from equipoise.data.resolve import Source, fingerprint, resolve_source
from equipoise.data.specification import SampleKind
from equipoise.data.statistics import first_not_finite
from equipoise.errors import EquipoiseError, parameter_error, unknown_name
from equipoise.validation import Constraint, InstanceOf, Interval, OneOf, Optional, check_parameter

CONSTRAINTS: dict[str, Constraint] = {
    "split": InstanceOf(str, "the name of a split"),
    "image_size": Optional(Interval(int, 1, 4096)),
    "channels": Optional(OneOf((1, 3))),
    "limit": Optional(Interval(int, 1)),
    "column": Optional(InstanceOf((str, list, tuple), "a column name or a list of them")),
    "label_column": Optional(InstanceOf(str, "a column name")),
    "configuration": Optional(InstanceOf(str, "the name of a configuration")),
    "kind": Optional(OneOf(("image", "vector", "sequence"))),
    "layout": Optional(OneOf(("NCHW", "NHWC"))),
    "constant_columns": OneOf(("refuse", "keep")),
    "normalisation": OneOf(("fit", "none")),
}


def load_data(
    source: str | Path | np.ndarray,
    *,
    split: str = "train",
    image_size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    column: str | Sequence[str] | None = None,
    label_column: str | None = None,
    labels: np.ndarray | None = None,
    configuration: str | None = None,
    kind: SampleKind | None = None,
    layout: str | None = None,
    constant_columns: str = "refuse",
    normalisation: str = "fit",
    cache_directory: str | Path | None = None,
    **options: Any,
) -> Dataset:
    """Samples of any source as one `Dataset`.

    A string is a built-in name (`digits`, `ring`, `grid`, `stacked-digits`), else an existing path, else a
    Hugging Face Hub id `owner/name`; see `resolve_source`. Files are decoded once: later calls with the same
    files and options map the decoded array from the cache.

    Args:
        source: the name, path or id; or an array (see `readers.arrays.from_array` for accepted shapes).
        split: `train`, `test`, ... where the source has splits.
        image_size: scale the shorter side of images to this many pixels and cut the centre square.
        channels: 1 (grey) or 3 (colour); None keeps what the images have.
        limit: use only so many samples, a fixed random subset.
        column: the column of images or of vectors, the features of a table, or the key in an .npz file.
        label_column: the column or key of the labels; None takes one called `label` or declared as classes.
        labels: labels for a source that is an array.
        configuration: of a Hub data set that has several.
        kind: what an array of two or three dimensions holds, where the default is not meant.
        layout: `NCHW` or `NHWC` for arrays of images whose shape does not tell.
        constant_columns: a feature with one value throughout is refused, or kept (`keep`: it becomes 0).
        normalisation: `fit`, or `none` for networks to see the data's own values (a known way to make
        training
            fail; for experiments).
        cache_directory: where decoded samples are kept; default `$EQUIPOISE_CACHE`, else
        `~/.cache/equipoise`. **options: options of a built-in set (`load_data("ring", modes=12)`).

    Raises:
        EquipoiseError: one sentence that names the file, column or parameter, whatever is wrong.

    Example:
        >>> data = load_data("digits")
        >>> len(data), data.specification.shape, data.specification.classes
        (1797, (1, 8, 8), 10)
    """
    given = dict(locals())
    for parameter, constraint in CONSTRAINTS.items():
        check_parameter(parameter, given[parameter], constraint)
    asked = ReadOptions(
        split=split,
        image_size=image_size,
        channels=channels,
        limit=limit,
        column=column if column is None or isinstance(column, str) else tuple(column),
        label_column=label_column,
        configuration=configuration,
        kind=kind,
        layout=layout,
    )
    if isinstance(source, np.ndarray):
        _refuse_options(options, "an array")
        raw = arrays.from_array(source, labels, asked)
        return _as_asked(_in_memory(raw, "array", split, constant_columns), normalisation)
    if not isinstance(source, (str, Path)):
        raise parameter_error("source", "a built-in name, a path, a Hub id or a NumPy array", source)
    if labels is not None:
        raise EquipoiseError("`labels` goes with a source that is an array; for files pass label_column.")
    resolved = resolve_source(source)
    if resolved.form == "builtin":
        raw = _built_in(resolved.name, asked, options)
        return _as_asked(_in_memory(raw, resolved.name, split, constant_columns), normalisation)
    _refuse_options(options, f"`{source}`")
    cache = find_cache_directory(cache_directory) / "data"
    return _as_asked(_from_files(resolved, asked, constant_columns, cache), normalisation)


def _as_asked(dataset: Dataset, normalisation: str) -> Dataset:
    if normalisation == "none":
        dataset.normalisation = Normalisation.divided_by(1.0, dataset.normalisation.dtype)
    return dataset


def _from_files(source: Source, asked: ReadOptions, constant_columns: str, cache: Path) -> Dataset:
    table = None
    content: object = ""
    if source.path is not None and source.path.suffix.lower() == ".npy":
        # One decoded array already: a copy in the cache would only take space.
        raw = arrays.read_array_file(source.path, asked)
        return _in_memory(raw, source.name, asked.split, constant_columns)
    if source.form == "hub":
        from equipoise.data.readers import hugging_face

        table = hugging_face.open_hub(source.name, asked)
        content = hugging_face.fingerprint_of(table)
    parts = [source.form, source.name, content, constant_columns, *vars(asked).items()]
    try:
        key = f"{re.sub(r'[^A-Za-z0-9]+', '-', source.name)}-{fingerprint(parts, source.files)}"
    except OSError as error:
        raise EquipoiseError(
            f"`{error.filename}` cannot be read ({error.strerror}); check the file."
        ) from error
    entry = read_entry(cache, key)
    if entry is None:
        with work_directory(cache) as work:
            raw = _read(source, asked, Path(work), table)
            entry = write_entry(
                cache,
                key,
                raw,
                Path(work),
                lambda samples: _normalisation(raw, samples, constant_columns, source.name),
            )
    return _from_entry(entry, source.name, asked.split)


def _read(source: Source, asked: ReadOptions, work: Path, table: Any) -> RawData:
    if source.form == "hub":
        from equipoise.data.readers import hugging_face

        return hugging_face.from_dataset(table, asked, source.name)
    path = source.path or Path()
    if source.form == "images":
        return image_folder.read_image_folder(path, asked)
    if source.form == "arrays":
        return arrays.read_array_file(path, asked)
    if source.form == "csv":
        return tables.read_csv(path, asked)
    from equipoise.data.readers import hugging_face

    return hugging_face.read_local(path, asked, work)


def _built_in(name: str, asked: ReadOptions, options: dict[str, Any]) -> RawData:
    make = DATASETS.get(name)
    known = list(inspect.signature(make).parameters)
    for option in options:
        if option not in known:
            raise unknown_name(f"option of `{name}`", option, known)
    for parameter in ("column", "label_column", "configuration", "kind", "layout"):
        if getattr(asked, parameter) is not None:
            raise EquipoiseError(f"`{parameter}` has no meaning for the built-in set `{name}`; leave it out.")
    raw = make(split=asked.split, **options)
    samples = next(iter(raw.chunks))
    labels = raw.labels
    rows = asked.rows(raw.count)
    if rows is not None:
        samples, labels = samples[rows], None if labels is None else labels[rows]
    if asked.image_size is not None or asked.channels is not None:
        if raw.kind != "image":
            raise EquipoiseError(
                f"`image_size` and `channels` are for images, but `{name}` holds {raw.kind}s."
            )
        samples = resize_array(samples, asked.image_size, asked.channels)
    return RawData.of_array(
        raw.kind,
        samples,
        labels,
        raw.classes,
        raw.class_names,
        raw.column_names,
        raw.normalisation,
        raw.mixture,
    )


def _in_memory(raw: RawData, name: str, split: str, constant_columns: str) -> Dataset:
    samples = next(iter(raw.chunks))
    normalisation = _normalisation(raw, samples, constant_columns, name)
    return Dataset(
        samples,
        raw.labels,
        raw.specification,
        normalisation,
        name=name,
        split_name=split,
        column_names=raw.column_names,
        mixture=raw.mixture,
    )


def _from_entry(entry: Entry, name: str, split: str) -> Dataset:
    return Dataset(
        entry.samples,
        entry.labels,
        entry.specification,
        entry.normalisation,
        name=name,
        split_name=split,
        column_names=entry.column_names,
    )


def _normalisation(raw: RawData, samples: np.ndarray, constant_columns: str, name: str) -> Normalisation:
    """The source's own normalisation, else the fitted one; values that are not finite are refused."""
    bad = first_not_finite(samples)
    if bad is not None:
        where = f"sample {bad[0]}"
        if raw.kind == "vector":
            column = raw.column_names[bad[1]] if raw.column_names else str(bad[1])
            where = f"column `{column}`, {where}"
        raise EquipoiseError(
            f"`{name}` holds {samples[bad]} in {where} (counted from 0); every value must be finite, so "
            "repair it or leave the sample out."
        )
    if raw.normalisation is not None:
        return raw.normalisation
    return fit_normalisation(raw.kind, samples, raw.column_names, constant_columns)


def _refuse_options(options: dict[str, Any], source: str) -> None:
    if options:
        name = next(iter(options))
        known = [parameter for parameter in inspect.signature(load_data).parameters if parameter != "options"]
        raise unknown_name(f"option for {source}", name, known)
