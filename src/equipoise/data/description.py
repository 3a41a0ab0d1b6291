"""What a data set is, in numbers and words, with what may trouble a GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equipoise.data.specification import AXES
from equipoise.data.statistics import ChannelStatistics, channel_statistics

if TYPE_CHECKING:
    from equipoise.data.dataset import Dataset

# Conventions of this page, not findings: from where on a reader is told.
IMBALANCE_RATIO = 10
FEW_LEVELS = 64
FAR_DEVIATIONS = 20


def describe(dataset: Dataset) -> dict[str, Any]:
    """Name, kind, shape, type, count, range, spread, classes, normalisation and warnings, as JSON values.

    `channels` holds minimum, maximum, mean and standard deviation for each channel or feature, in the
    data's own units. `warnings` are sentences: imbalanced or empty classes, constant columns or channels,
    images that use a small part of 0..255, and values so far out that they squeeze all others.

    Example:
        >>> from equipoise.data import load_data
        >>> facts = load_data("digits").describe()
        >>> facts["count"], facts["range"], facts["classes"]["count"], facts["warnings"]
        (1797, [0, 255], 10, [])
    """
    specification = dataset.specification
    samples = dataset.samples
    found = channel_statistics(samples)
    whole = samples.dtype == np.uint8
    low, high = float(found.minimum.min()), float(found.maximum.max())
    names = dataset.column_names or [
        f"{'feature' if specification.kind == 'vector' else 'channel'} {index}"
        for index in range(samples.shape[1])
    ]
    return {
        "name": dataset.name,
        "split": dataset.split_name,
        "kind": specification.kind,
        "shape": list(specification.shape),
        "axes": list(AXES[specification.kind]),
        "dtype": str(samples.dtype),
        "count": len(dataset),
        "range": [int(low), int(high)] if whole else [low, high],
        "channels": [
            {
                "name": name,
                "minimum": float(found.minimum[index]),
                "maximum": float(found.maximum[index]),
                "mean": float(found.mean[index]),
                "standard_deviation": float(found.deviation[index]),
            }
            for index, name in enumerate(names)
        ],
        "classes": _classes(dataset),
        "normalisation": dataset.normalisation.words,
        "warnings": [
            *_class_warnings(dataset),
            *_value_warnings(found, list(names), specification.kind, whole),
        ],
    }


def class_counts(dataset: Dataset) -> np.ndarray | None:
    """How many samples each class has, int64 (classes,), or None for unlabelled data."""
    if dataset.labels is None:
        return None
    return np.bincount(dataset.labels, minlength=dataset.specification.classes or 0)


def _name(dataset: Dataset, index: int) -> str:
    names = dataset.specification.class_names
    return names[index] if names else str(index)


def _classes(dataset: Dataset) -> dict[str, Any] | None:
    counts = class_counts(dataset)
    if counts is None:
        return None
    return {
        "count": len(counts),
        "smallest": int(counts.min()),
        "largest": int(counts.max()),
        "samples": {_name(dataset, index): int(count) for index, count in enumerate(counts)},
    }


def _class_warnings(dataset: Dataset) -> list[str]:
    counts = class_counts(dataset)
    if counts is None:
        return []
    sentences = []
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        more = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
        sentences.append(
            f"The class {_name(dataset, int(empty[0]))}{more} of {len(counts)} has no sample: a conditional "
            "generator cannot learn it."
        )
    present = counts[counts > 0]
    if present.max() >= IMBALANCE_RATIO * present.min():
        most, least = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max() + 1).argmin())
        sentences.append(
            f"The classes are imbalanced: {_name(dataset, most)} has {counts[most]} samples and "
            f"{_name(dataset, least)} has {counts[least]}; rare classes may be missing from the samples."
        )
    return sentences


def _value_warnings(found: ChannelStatistics, names: list[str], kind: str, whole: bool) -> list[str]:
    sentences = []
    flat = np.flatnonzero(found.minimum == found.maximum)
    if len(flat):
        more = f" and {len(flat) - 1} more" if len(flat) > 1 else ""
        sentences.append(
            f"{names[flat[0]]}{more} of {len(names)} is constant ({found.minimum[flat[0]]:g}): it carries "
            "nothing to learn, and a discriminator tells any deviation from it at once."
        )
    span = found.maximum.max() - found.minimum.min()
    if kind == "image" and whole and 0 < span < FEW_LEVELS:
        sentences.append(
            f"The images use only {found.minimum.min():g}..{found.maximum.max():g} of 0..255; if that is "
            "their full range, multiply them up, so that networks see [-1, 1]."
        )
    if kind != "image":
        spread = np.where(found.deviation > 0, found.deviation, np.inf)
        far = np.maximum(found.maximum - found.mean, found.mean - found.minimum) / spread
        worst = int(far.argmax())
        if far[worst] > FAR_DEVIATIONS:
            sentences.append(
                f"{names[worst]} has a value {far[worst]:.0f} standard deviations from its mean; if it is an "
                "error, remove it, else consider a logarithm."
            )
    return sentences
