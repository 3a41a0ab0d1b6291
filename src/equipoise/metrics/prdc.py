"""Precision, recall, density and coverage: which samples lie in whose neighbourhood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair
from equipoise.metrics.neighbours import blocks, prepare, screened, squared_radii, within
from equipoise.validation import Interval, validated


@dataclass(frozen=True)
class NeighbourhoodScores:
    """Precision, recall, density and coverage of one k."""

    precision: float
    recall: float
    density: float
    coverage: float


@validated(k=Interval(int, 1, None))
def precision_recall_density_coverage(fake: object, real: object, *, k: int = 5) -> NeighbourhoodScores:
    """All four scores from the balls that reach from each sample to its k-th nearest neighbour.

    With r(x) the distance of a sample to its k-th nearest neighbour in its own set, itself left out:

    - precision: the share of generated samples inside the ball of at least one real sample;
    - recall: the share of real samples inside the ball of at least one generated sample;
    - density: how many balls of real samples a generated sample lies in, on average, divided by k;
    - coverage: the share of real samples whose ball holds at least one generated sample.

    Inside means strictly nearer than r. Reals against other reals give a coverage of about 1 - 2^-k.

    Args:
        fake, real: features (N, d) and (M, d), more than k rows each. k: which neighbour.

    Source: Kynkäänniemi et al. 2019 (1904.06991), section 2; Naeem et al. 2020 (2002.09797), section 3.

    Example:
        >>> points = torch.arange(20.0)[:, None]
        >>> scores = precision_recall_density_coverage(points + 0.25, points, k=3)
        >>> scores.precision, scores.recall, scores.coverage
        (1.0, 1.0, 1.0)
    """
    fakes, reals = as_feature_pair(fake, real, minimum=k + 1)
    real_radii = squared_radii(reals, k)[0]
    fake_radii = squared_radii(fakes, k)[0]
    left, right = prepare(reals, fakes)
    balls = torch.zeros(len(fakes), dtype=torch.long, device=fakes.device)
    recalled = torch.zeros(len(reals), dtype=torch.bool, device=fakes.device)
    covered = torch.zeros_like(recalled)
    for rows in blocks(len(reals)):
        for columns in blocks(len(fakes)):
            block = screened(left, right, rows, columns)
            inside = within(left, right, rows, columns, block, real_radii[rows, None])
            balls[columns] += inside.sum(0)
            covered[rows] |= inside.any(1)
            inside = within(left, right, rows, columns, block, fake_radii[None, columns])
            recalled[rows] |= inside.any(1)
    return NeighbourhoodScores(
        precision=float((balls > 0).double().mean()),
        recall=float(recalled.double().mean()),
        density=float(balls.double().mean()) / k,
        coverage=float(covered.double().mean()),
    )


def _share_error(share: float, count: int) -> float:
    """The binomial standard error; the balls are taken as given."""
    return math.sqrt(share * (1 - share) / count)


@METRICS.register("precision-recall")
class PrecisionRecall(Metric):
    """Precision (are the samples like reals?) and recall (are the reals like some sample?) with k = 3.

    Both from 0 to 1, higher is better. An outlier among the reals has a large ball and flatters precision;
    both depend on the number of samples. Standard errors are binomial and take the balls as given. See
    `precision_recall_density_coverage`.

    Source: Kynkäänniemi et al. 2019 (1904.06991).

    Example:
        >>> points = torch.arange(9.0)[:, None]
        >>> metric = PrecisionRecall()
        >>> metric.update(fake=points, real=points)
        >>> [score.value for score in metric.compute()]
        [1.0, 1.0]
    """

    name = "precision-recall"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    def __init__(self, k: int = 3) -> None:
        super().__init__()
        self.k = k

    def compute(self) -> tuple[Score, ...]:
        fakes, reals = self._all_rows("fake"), self._all_rows("real")
        found = precision_recall_density_coverage(fakes, reals, k=self.k)
        note = f"k = {self.k}"
        return (
            Score("precision", found.precision, "higher", _share_error(found.precision, len(fakes)), note),
            Score("recall", found.recall, "higher", _share_error(found.recall, len(reals)), note),
        )


@METRICS.register("density-coverage")
class DensityCoverage(Metric):
    """Density (how deep in the real data the samples lie) and coverage (how much of it they reach) with k =
    5.

    Density is about 1 for the real distribution and can exceed 1 (samples crowd where reals are dense);
    coverage is about 1 - 2^-k for it, 0.969 with k = 5, and falls with every mode that is missing. Less
    sensitive to outliers than precision and recall. See `precision_recall_density_coverage`.

    Source: Naeem et al. 2020 (2002.09797).

    Example:
        >>> points = torch.arange(9.0)[:, None]
        >>> metric = DensityCoverage()
        >>> metric.update(fake=points, real=points)
        >>> metric.compute()[1].value
        1.0
    """

    name = "density-coverage"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    def __init__(self, k: int = 5) -> None:
        super().__init__()
        self.k = k

    def compute(self) -> tuple[Score, ...]:
        fakes, reals = self._all_rows("fake"), self._all_rows("real")
        found = precision_recall_density_coverage(fakes, reals, k=self.k)
        expected = 1 - 2.0**-self.k
        return (
            Score("density", found.density, "one", note=f"k = {self.k}"),
            Score(
                "coverage",
                found.coverage,
                "higher",
                _share_error(found.coverage, len(reals)),
                f"k = {self.k}; about {expected:.3f} for as many samples of the real distribution",
            ),
        )
