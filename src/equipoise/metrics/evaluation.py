"""Every metric that applies, each with its floor and its ceiling, in one report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.metrics.base import METRICS, Metric, Score, as_labels, as_tensor, check_same_length
from equipoise.metrics.classifier import Classifier
from equipoise.metrics.features import Feature, extract, resolve_feature
from equipoise.metrics.floors import BAD_CASES, ceiling, floor, score
from equipoise.validation import Interval, Optional, validated


@dataclass(frozen=True)
class Row:
    """One number of a report.

    Attributes:
        name: with the feature in brackets where one is used: "frechet-distance (pixels)".
        metric: the name of its metric in the registry.
        value, standard_error: the score of the generated samples.
        floor: the same number for held-out reals, or None where it cannot be had.
        ceiling: the same number for the bad case, or None. bad_case: what that is, in words.
        better: `lower`, `higher`, towards `zero` or towards `one`.
        note: what must be known to read it.
    """

    name: str
    metric: str
    value: float
    standard_error: float | None
    floor: float | None
    ceiling: float | None
    bad_case: str
    better: str
    note: str


@dataclass(frozen=True)
class Report:
    """All scores of one set of samples.

    Attributes:
        rows: the scores.
        skipped: metrics that could not be computed, with the reason.
        feature: the name of the feature.
        counts: how many generated, real and held-out samples were compared.
        notes: what holds for the whole report.
    """

    rows: tuple[Row, ...]
    skipped: Mapping[str, str]
    feature: str
    counts: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())

    def __getitem__(self, name: str) -> Row:
        """The row of that name, with or without the feature in brackets."""
        for row in self.rows:
            if name in (row.name, row.name.rsplit(" (", 1)[0]):
                return row
        raise parameter_error(
            "name", f"one of {', '.join(row.name for row in self.rows)}", name, "see `report.skipped`"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; numbers that JSON has no word for (infinity) become null."""
        rows = []
        for row in self.rows:
            values = asdict(row)
            for key in ("value", "standard_error", "floor", "ceiling"):
                if values[key] is not None and not math.isfinite(values[key]):
                    values[key] = None
            rows.append(values)
        return {
            "feature": self.feature,
            "counts": dict(self.counts),
            "rows": rows,
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
        }

    def __rich__(self) -> Any:
        """The table for a console of Rich."""
        from rich.console import Group
        from rich.table import Table

        table = Table(title="Scores, with real data and a broken generator beside them", title_justify="left")
        table.add_column("score")
        for heading in ("value", "± standard error", "real data", "broken"):
            table.add_column(heading, justify="right")
        table.add_column("better")
        table.add_column("note", overflow="fold")
        for row in self.rows:
            table.add_row(
                row.name,
                _shown(row.value),
                _shown(row.standard_error),
                _shown(row.floor),
                _shown(row.ceiling),
                {"zero": "near 0", "one": "near 1"}.get(row.better, row.better),
                row.note,
            )
        cases: dict[str, list[str]] = {}
        for row in self.rows:
            if row.ceiling is not None:
                cases.setdefault(row.bad_case, []).append(row.name.rsplit(" (", 1)[0])
        # The commonest case goes without its list of scores.
        common = max(cases, key=lambda case: len(cases[case]), default="")
        broken = [
            f"Broken: {case}" + ("." if case == common else f", for {', '.join(names)}.")
            for case, names in sorted(cases.items(), key=lambda item: -len(item[1]))
        ]
        lines = [f"{name}: not computed, {reason}" for name, reason in self.skipped.items()]
        return Group(table, *broken, *self.notes, *lines)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=140, color_system=None)
        with console.capture() as capture:
            console.print(self)
        return capture.get()


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.4g}"


@validated(
    reference_limit=Optional(Interval(int, 2, None)),
    batch_size=Interval(int, 1, None),
    seed=Interval(int, 0, None),
)
def evaluate(
    samples_fake: object,
    samples_real_train: object,
    samples_real_held_out: object,
    feature: object = "auto",
    metrics: Iterable[str | Metric] | None = None,
    *,
    classifier: Classifier | None = None,
    requested_labels: object | None = None,
    train_labels: object | None = None,
    held_out_labels: object | None = None,
    reference_limit: int | None = 10_000,
    batch_size: int = 256,
    seed: int = 0,
) -> Report:
    """Score generated samples, and beside each score the same for held-out reals and for a broken generator.

    Generated and held-out samples are cut to the same number, because nearly every metric depends on it; so
    score and floor differ in nothing but the samples. All samples are normalised as the networks see them.

    Args:
        samples_fake, samples_real_train, samples_real_held_out: (N, ...), arrays or tensors.
        feature: a name (`auto`, `pixels`, `random-convolution`, `inception`), a feature such as a
            `Classifier`, or any module or function.
        metrics: names of `METRICS` or metrics; by default all that apply.
        classifier: for classifier-score, labelled-modes and the conditional metrics; by default the feature,
            if it is a `Classifier`.
        requested_labels: the class that was asked for, one per generated sample.
        train_labels, held_out_labels: true classes of the reals.
        reference_limit: at most so many training samples (a random subset) are compared with; None for all.

    Returns:
        A `Report`; what could not be computed stands in `skipped` with the reason.

    Raises:
        EquipoiseError: for samples of different shapes, not finite or too few, or an unknown metric. Metrics
        asked for
            by name whose inputs are missing are skipped, not refused.

    Example:
        >>> noise = torch.randn(3, 200, 2, generator=torch.Generator().manual_seed(0))
        >>> report = evaluate(noise[0] + 3, noise[1], noise[2], metrics=["frechet-distance"])
        >>> row = report["frechet-distance"]
        >>> row.name, row.value > 100 * row.floor
        ('frechet-distance (pixels)', True)
    """
    chosen = _chosen(metrics)
    samples = _checked_samples(samples_fake, samples_real_train, samples_real_held_out)
    labels = _checked_labels(samples, requested_labels, train_labels, held_out_labels)
    count = min(len(samples["fake"]), len(samples["held_out"]))
    wanted = {"fake": count, "held_out": count, "real": reference_limit or len(samples["real"])}
    notes = []
    random = torch.Generator().manual_seed(seed)
    for name in ("fake", "held_out", "real"):
        length = len(samples[name])
        if wanted[name] < length:
            notes.append(f"{wanted[name]} of {length} {_WORDS[name]} samples were used.")
            pick = torch.randperm(length, generator=random)[: wanted[name]].sort().values
            samples[name] = samples[name][pick]
            if _LABELS_OF[name] in labels:
                labels[_LABELS_OF[name]] = labels[_LABELS_OF[name]][pick]
    extractor = resolve_feature(feature, tuple(samples["fake"].shape[1:]))
    streams = {name: extract(extractor, rows, batch_size) for name, rows in samples.items()} | labels
    streams["real_samples"] = samples["real"]
    classifier = classifier or (extractor if isinstance(extractor, Classifier) else None)
    if classifier is not None:
        notes += _add_predictions(streams, samples, classifier)
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    for metric in chosen:
        if isinstance(metric, str):
            skipped[metric] = "it needs arguments; pass an instance of its class"
            continue
        missing = [stream for stream in metric.streams if stream not in streams]
        if missing:
            skipped[metric.name] = f"no {' and no '.join(missing)}"
            continue
        try:
            rows += _rows(metric, streams, extractor)
        except EquipoiseError as error:
            skipped[metric.name] = str(error)
    counts = {name: len(rows_of) for name, rows_of in samples.items()}
    return Report(tuple(rows), skipped, extractor.feature_name, counts, tuple(notes))


_WORDS = {"fake": "generated", "held_out": "held-out real", "real": "training"}
_LABELS_OF = {"fake": "requested_labels", "held_out": "held_out_labels", "real": "real_labels"}


def _checked_samples(fake: object, train: object, held_out: object) -> dict[str, Tensor]:
    given = {"fake": fake, "real": train, "held_out": held_out}
    for name, rows in given.items():
        if str(getattr(rows, "dtype", "")).endswith("uint8"):
            raise parameter_error(
                f"samples ({_WORDS[name]})",
                "normalised as the networks see them",
                "uint8",
                "take them from `dataset.batch`",
            )
    samples = {name: as_tensor(f"samples ({_WORDS[name]})", rows) for name, rows in given.items()}
    shape = tuple(samples["fake"].shape[1:])
    for name, rows in samples.items():
        if tuple(rows.shape[1:]) != shape or not shape:
            wanted = ", ".join(map(str, shape or ("...",)))
            raise parameter_error(f"samples ({_WORDS[name]})", f"of shape (N, {wanted})", tuple(rows.shape))
    return samples


def _checked_labels(
    samples: Mapping[str, Tensor], requested: object | None, train: object | None, held_out: object | None
) -> dict[str, Tensor]:
    labels = {}
    for name, values in (("fake", requested), ("real", train), ("held_out", held_out)):
        if values is not None:
            labels[_LABELS_OF[name]] = as_labels(_LABELS_OF[name], values)
            check_same_length(**{_LABELS_OF[name]: labels[_LABELS_OF[name]], "its samples": samples[name]})
    return labels


def _add_predictions(
    streams: dict[str, Tensor], samples: Mapping[str, Tensor], classifier: Classifier
) -> list[str]:
    """Add what the classifier says of the samples; returns notes for the report."""
    notes = []
    streams["fake_probabilities"] = classifier.probabilities(samples["fake"])
    streams["held_out_probabilities"] = classifier.probabilities(samples["held_out"])
    streams["fake_labels"] = streams["fake_probabilities"].argmax(1)
    streams["held_out_predictions"] = streams["held_out_probabilities"].argmax(1)
    if "real_labels" not in streams:
        streams["real_labels"] = classifier.labels(samples["real"])
        notes.append("The training samples' labels are those that the classifier gives them.")
    if math.isfinite(classifier.held_out_accuracy):
        notes.append(f"The classifier is right on {classifier.held_out_accuracy:.1%} of held-out reals.")
    return notes


def _chosen(metrics: Iterable[str | Metric] | None) -> list[Metric | str]:
    """Instances; a name stays a name where its class cannot be made without arguments."""
    chosen: list[Metric | str] = []
    for metric in METRICS.names() if metrics is None else metrics:
        if isinstance(metric, Metric):
            chosen.append(metric)
            continue
        kind = METRICS.get(metric)
        needs_arguments = kind.example.__func__ is not Metric.example.__func__  # type: ignore[attr-defined]
        chosen.append(metric if needs_arguments else kind())
    return chosen


def _rows(metric: Metric, streams: Mapping[str, Tensor], extractor: Feature) -> list[Row]:
    scores = score(metric, streams)
    floors = _values(lambda: floor(metric, streams))
    ceilings = _values(lambda: ceiling(metric, streams)) if metric.bad_case != "none" else {}
    featured = bool({"fake", "real", "held_out"} & set(metric.streams))
    rows = []
    for one in scores:
        name = f"{one.name} ({extractor.feature_name})" if featured else one.name
        rows.append(
            Row(
                name=name,
                metric=metric.name,
                value=one.value,
                standard_error=one.standard_error,
                floor=floors.get(one.name),
                ceiling=ceilings.get(one.name),
                bad_case=BAD_CASES[metric.bad_case],
                better=one.better,
                note=one.note,
            )
        )
    return rows


def _values(compute: Any) -> dict[str, float]:
    """Scores by name; none where the reals do not suffice for a floor."""
    try:
        scores: tuple[Score, ...] = compute()
    except EquipoiseError:
        return {}
    return {one.name: one.value for one in scores}


def write_report(report: Report, path: str) -> None:
    """Write the report as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report.to_json(), file, indent=2)
