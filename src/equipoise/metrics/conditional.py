"""Conditional generation: is the requested class there, and is it covered?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import (
    METRICS,
    Metric,
    Score,
    as_feature_pair,
    as_labels,
    check_same_length,
)
from equipoise.metrics.prdc import precision_recall_density_coverage
from equipoise.validation import Interval, validated


def label_accuracy(fake_labels: object, requested_labels: object) -> float:
    """The share of generated samples that a classifier gives the class that was requested.

    Args:
        fake_labels: (N,), of a classifier that was not trained together with the generator.
        requested_labels: (N,).

    Example:
        >>> label_accuracy([0, 1, 1, 2], [0, 1, 2, 2])
        0.75
    """
    given, wanted = as_labels("fake_labels", fake_labels), as_labels("requested_labels", requested_labels)
    check_same_length(fake_labels=given, requested_labels=wanted)
    return float((given == wanted).double().mean())


@METRICS.register("label-accuracy")
class LabelAccuracy(Metric):
    """How often a held-out classifier sees the class that was requested: over all samples, and in the worst
    class.

    Higher is better; the floor is the classifier's own accuracy on held-out reals, and a score above it means
    samples that are easier than reals. Says nothing of diversity within a class: read it with the per-class
    coverage.

    Source: own definition, after Odena et al. 2017 (1610.09585), who classify samples with a separate
    network.

    Example:
        >>> metric = LabelAccuracy()
        >>> metric.update(fake_labels=[0, 1, 1, 2], requested_labels=[0, 1, 2, 2])
        >>> [score.value for score in metric.compute()]
        [0.75, 0.5]
    """

    name = "label-accuracy"
    streams = ("fake_labels", "requested_labels")
    row_state = ("fake_labels", "requested_labels")
    bad_case = "wrong-labels"

    def compute(self) -> tuple[Score, ...]:
        given, wanted = self._all_rows("fake_labels"), self._all_rows("requested_labels")
        accuracy = label_accuracy(given, wanted)
        counts = torch.bincount(wanted)
        right = torch.bincount(wanted[given == wanted], minlength=len(counts))
        shares = right.double() / counts.clamp_min(1)
        shares[counts == 0] = math.inf
        worst = int(shares.argmin())
        error = math.sqrt(accuracy * (1 - accuracy) / len(wanted))
        return (
            Score(self.name, accuracy, "higher", error),
            Score("label-accuracy-worst-class", float(shares[worst]), "higher", note=f"class {worst}"),
        )


@validated(k=Interval(int, 1, None))
def per_class_coverage(
    fake: object, requested_labels: object, real: object, real_labels: object, *, k: int = 5
) -> dict[int, float]:
    """Coverage within each class: generated samples of a requested class against the reals of that class.

    A class without samples has coverage 0. Coverage depends on the number of samples, here that of each
    class.

    Args:
        fake, real: features (N, d), (M, d). requested_labels, real_labels: (N,), (M,). k: which neighbour.

    Raises:
        EquipoiseError: a class with fewer than k + 1 reals.

    Source: Naeem et al. 2020 (2002.09797) for coverage.

    Example:
        >>> points = torch.arange(12.0)[:, None]
        >>> labels = [0] * 6 + [1] * 6
        >>> per_class_coverage(points[:6], labels[:6], points, labels, k=2)
        {0: 1.0, 1: 0.0}
    """
    fakes, reals = as_feature_pair(fake, real)
    wanted = as_labels("requested_labels", requested_labels).to(fakes.device)
    truth = as_labels("real_labels", real_labels).to(fakes.device)
    check_same_length(fake=fakes, requested_labels=wanted)
    check_same_length(real=reals, real_labels=truth)
    coverage = {}
    for label in truth.unique().tolist():
        ours, theirs = fakes[wanted == label], reals[truth == label]
        if len(theirs) <= k:
            raise parameter_error(
                "real", f"of more than k = {k} samples in every class", f"{len(theirs)} in class {label}"
            )
        # The generated samples' own radii play no part in coverage, but computing them needs k + 1 samples.
        if len(ours) == 0:
            coverage[label] = 0.0
        elif len(ours) > k:
            coverage[label] = precision_recall_density_coverage(ours, theirs, k=k).coverage
        else:
            repeated = ours.repeat(k + 1, 1)
            coverage[label] = precision_recall_density_coverage(repeated, theirs, k=k).coverage
    return coverage


@METRICS.register("per-class-coverage")
class PerClassCoverage(Metric):
    """Coverage within each class, its mean over the classes and its worst one, with k = 5.

    Higher is better. A conditional model can reach full label accuracy with one sample a class; this is what
    then falls. The real distribution reaches about 1 - 2^-k with as many samples as reals in every class. See
    `per_class_coverage`.

    Source: Naeem et al. 2020 (2002.09797) for coverage; by class, our own.

    Example:
        >>> points = torch.arange(12.0)[:, None]
        >>> labels = [0] * 6 + [1] * 6
        >>> metric = PerClassCoverage(k=2)
        >>> metric.update(fake=points[:6], requested_labels=labels[:6], real=points, real_labels=labels)
        >>> [score.value for score in metric.compute()]
        [0.5, 0.0]
    """

    name = "per-class-coverage"
    streams = ("fake", "requested_labels", "real", "real_labels")
    row_state = ("fake", "requested_labels", "real", "real_labels")

    def __init__(self, k: int = 5) -> None:
        super().__init__()
        self.k = k

    def compute(self) -> tuple[Score, ...]:
        rows: list[Tensor] = [self._all_rows(stream) for stream in self.streams]
        coverage = per_class_coverage(*rows, k=self.k)
        worst = min(coverage, key=lambda label: coverage[label])
        mean = sum(coverage.values()) / len(coverage)
        return (
            Score("class-coverage", mean, "higher", note=f"mean over {len(coverage)} classes, k = {self.k}"),
            Score("class-coverage-worst", coverage[worst], "higher", note=f"class {worst}"),
        )
