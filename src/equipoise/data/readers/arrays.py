"""NumPy arrays in memory, .npy and .npz."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from equipoise.data.labels import encode_labels
from equipoise.data.raw import RawData, ReadOptions
from equipoise.data.readers.images import resize_array
from equipoise.data.specification import SampleKind
from equipoise.errors import EquipoiseError, parameter_error, unknown_name

SAMPLE_KEYS = ("x", "samples", "data", "images", "X")
LABEL_KEYS = ("y", "labels", "label", "targets")
FEW_CHANNELS = (1, 2, 3, 4)


def read_array_file(path: Path, options: ReadOptions) -> RawData:
    """A .npy file (memory-mapped, not copied where its layout allows), or the arrays of an .npz file.

    In an .npz file the samples are under `x`, `samples`, `data`, `images` or `X`, the labels under `y`,
    `labels`, `label` or `targets`, or under these names followed by `_train`, `_test` for the splits;
    `column` and `label_column` name other keys.
    """
    labels = None
    try:
        if path.suffix.lower() == ".npy":
            if options.column or options.label_column:
                raise EquipoiseError(
                    f"`{path}` holds one array and no named columns; leave `column` and `label_column` out, "
                    "or save samples and labels together as .npz."
                )
            if options.split != "train":
                raise EquipoiseError(
                    f"`{path}` has no split `{options.split}`; hold samples out with `dataset.split`."
                )
            samples = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with np.load(path, allow_pickle=False) as archive:
                key, label_key = _keys(path, list(archive.files), options)
                samples = archive[key]
                labels = None if label_key is None else archive[label_key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise EquipoiseError(
            f"`{path}` cannot be read as a NumPy file ({_first_line(error)}); save plain numeric arrays with "
            "numpy.save or numpy.savez."
        ) from error
    return from_array(samples, labels, options, str(path))


def from_array(
    samples: np.ndarray,
    labels: np.ndarray | None,
    options: ReadOptions,
    name: str = "samples",
    column_names: tuple[str, ...] | None = None,
    class_names: tuple[str, ...] | None = None,
) -> RawData:
    """Samples of any accepted layout to (N, channels, ...), contiguous, and labels to class numbers.

    | array | taken as |
    |---|---|
    | (N, D) | vectors; with kind="sequence", sequences of one channel |
    | (N, A, B) | sequences (channels A, length B); grey images for uint8 or with kind="image" |
    | (N, A, B, C) | images; the channels are the axis of length 1 to 4, else give `layout` |

    Whole numbers become float (uint8 images stay uint8, as do others whose values lie in 0..255).
    """
    if not isinstance(samples, np.ndarray) or samples.dtype.kind not in "biuf":
        raise parameter_error(name, "an array of numbers", str(getattr(samples, "dtype", type(samples))))
    if samples.ndim < 2 or len(samples) == 0 or 0 in samples.shape:
        raise parameter_error(
            name,
            "an array of at least one sample, of shape (N, features), (N, channels, length), "
            "(N, height, width) or (N, channels, height, width)",
            samples.shape,
        )
    count = len(samples)
    classes = None
    numbers = None
    if labels is not None:
        numbers, classes, class_names = encode_labels(
            labels, count, options.label_column or "labels", class_names
        )
    rows = options.rows(count)
    if rows is not None:
        samples = samples[rows]
        numbers = None if numbers is None else numbers[rows]
    kind = _kind(samples, options, name)
    samples = _number_type(kind, _arranged(kind, samples, options.layout, name))
    if options.image_size is not None or options.channels is not None:
        if kind != "image":
            raise EquipoiseError(f"`image_size` and `channels` are for images, but `{name}` holds {kind}s.")
        samples = resize_array(samples, options.image_size, options.channels)
    return RawData.of_array(
        kind,
        samples,
        numbers,
        classes,
        class_names if classes is not None else None,
        column_names if kind == "vector" else None,
    )


def _keys(path: Path, files: list[str], options: ReadOptions) -> tuple[str, str | None]:
    def find(asked: object, known: tuple[str, ...]) -> str | None:
        if asked is not None:
            if asked not in files:
                raise unknown_name(f"array in `{path}`", str(asked), files)
            return str(asked)
        candidates = [f"{name}_{options.split}" for name in known]
        candidates += list(known) if options.split == "train" else []
        return next((name for name in candidates if name in files), None)

    label_key = find(options.label_column, LABEL_KEYS)
    key = find(options.column, SAMPLE_KEYS)
    rest = [name for name in files if name != label_key]
    if key is None and len(rest) == 1 and options.split == "train":
        key = rest[0]
    if key is None:
        split = "" if options.split == "train" else f" for the split `{options.split}`"
        raise EquipoiseError(
            f"`{path}` does not say which of its arrays holds the samples{split} "
            f"({', '.join(files) or 'it is empty'}); name it `x` or pass column."
        )
    return key, label_key


def _kind(samples: np.ndarray, options: ReadOptions, name: str) -> SampleKind:
    allowed: dict[int, tuple[SampleKind, ...]] = {
        2: ("vector", "sequence"),
        3: ("image", "sequence") if samples.dtype == np.uint8 else ("sequence", "image"),
        4: ("image",),
    }
    if samples.ndim not in allowed:
        raise parameter_error(name, "of 2 to 4 dimensions, the first being the samples", samples.shape)
    kinds = allowed[samples.ndim]
    if options.kind is not None and options.kind not in kinds:
        raise parameter_error(
            "kind",
            f"{' or '.join(repr(kind) for kind in kinds)} for an array of shape {samples.shape}",
            options.kind,
        )
    return options.kind or kinds[0]


def _arranged(kind: SampleKind, samples: np.ndarray, layout: str | None, name: str) -> np.ndarray:
    if kind == "vector" or (kind == "sequence" and samples.ndim == 3):
        return samples
    if samples.ndim < 4:
        return samples[:, None]
    if layout is None:
        first, last = samples.shape[1] in FEW_CHANNELS, samples.shape[3] in FEW_CHANNELS
        if first == last:
            raise EquipoiseError(
                f"`{name}` has images of shape {samples.shape[1:]}, which does not tell the channels from "
                'height and width; pass layout="NCHW" (channels first) or layout="NHWC" (channels last).'
            )
        layout = "NCHW" if first else "NHWC"
    return samples if layout == "NCHW" else samples.transpose(0, 3, 1, 2)


def _number_type(kind: SampleKind, samples: np.ndarray) -> np.ndarray:
    """uint8 for images of whole numbers 0..255; float64 only where float32 would lose digits."""
    letter = samples.dtype.kind
    if kind == "image" and letter == "b":
        return np.ascontiguousarray(samples).astype(np.uint8) * np.uint8(255)
    if kind == "image" and letter in "iu" and samples.min() >= 0 and samples.max() <= 255:
        return np.ascontiguousarray(samples, dtype=np.uint8)
    exact = letter == "b" or samples.dtype.itemsize <= 2 or samples.dtype == np.float32
    if kind == "image" or exact:
        return np.ascontiguousarray(samples, dtype=np.float32)
    return np.ascontiguousarray(samples, dtype=np.float64)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")[:160] or type(error).__name__
