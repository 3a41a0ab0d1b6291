"""The kernel distance (KID on Inception features): an unbiased maximum mean discrepancy."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair
from equipoise.validation import Interval, Optional, validated


def squared_discrepancy(fakes: Tensor, reals: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

        1/(m(m-1)) sum_{i != j} k(x_i, x_j) + 1/(n(n-1)) sum_{i != j} k(y_i, y_j) - 2/(mn) sum_ij k(x_i, y_j)

    Products in the features' precision, sums in float64. Can be negative.

    Args:
        fakes: (m, d), m at least 2. reals: (n, d), n at least 2.

    Source: Bińkowski et al. 2018 (1801.01401); Gretton et al. 2012, equation 3.

    Example:
        >>> squared_discrepancy(torch.zeros(2, 1), torch.ones(2, 1))
        7.0
    """
    width = fakes.shape[1]

    def total(left: Tensor, right: Tensor) -> float:
        kernel = torch.addmm(left.new_ones(()), left, right.T, alpha=1 / width)
        # x * x * x in place of pow, which costs more than the product itself.
        cube = (kernel * kernel).mul_(kernel)
        return float(cube.sum(dtype=torch.float64))

    def own(rows: Tensor) -> float:
        diagonal = torch.linalg.vecdot(rows, rows).double() / width + 1
        return (total(rows, rows) - float((diagonal**3).sum())) / (len(rows) * (len(rows) - 1))

    return own(fakes) + own(reals) - 2 * total(fakes, reals) / (len(fakes) * len(reals))


@validated(
    subsets=Interval(int, 2, None), subset_size=Optional(Interval(int, 2, None)), seed=Interval(int, 0, None)
)
def kernel_distance(
    fake: object, real: object, *, subsets: int = 100, subset_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """The mean over subsets of the unbiased squared discrepancy, and its standard error.

    Subsets are drawn by cutting random orders of both sets into disjoint pieces, until there are `subsets` of
    them. Pieces of one order are independent given the data, so the standard error is that of their spread
    over as many pieces as one order has; repeated orders make the mean steadier, but they add no new samples
    and are not counted as such. (Dividing the spread by the root of all subsets, as is often done, claims a
    precision that the data do not have.)

    Args:
        fake, real: features (N, d) and (M, d), at least 4 rows each.
        subset_size: rows per subset; by default min(1000, a fifth of the smaller set, at least 2).

    Example:
        >>> noise = torch.randn(2, 500, 8, generator=torch.Generator().manual_seed(0))
        >>> value, error = kernel_distance(noise[0], noise[1])
        >>> abs(value) < 3 * error
        True
    """
    fakes, reals = as_feature_pair(fake, real, minimum=4)
    smaller = min(len(fakes), len(reals))
    size = min(subset_size or min(1000, max(smaller // 5, 2)), smaller // 2)
    pieces = smaller // size
    generator = torch.Generator().manual_seed(seed)
    values: list[list[float]] = []
    left = subsets
    while left > 0:
        fake_order = torch.randperm(len(fakes), generator=generator).to(fakes.device)
        real_order = torch.randperm(len(reals), generator=generator).to(reals.device)
        taken = min(pieces, max(left, 2))
        values.append(
            [
                squared_discrepancy(
                    fakes[fake_order[piece * size : (piece + 1) * size]],
                    reals[real_order[piece * size : (piece + 1) * size]],
                )
                for piece in range(taken)
            ]
        )
        left -= taken
    variance = float(np.mean([np.var(one, ddof=1) for one in values]))
    mean = float(np.mean([value for one in values for value in one]))
    return mean, math.sqrt(variance / pieces)


@METRICS.register("kernel-distance")
class KernelDistance(Metric):
    """The unbiased squared maximum mean discrepancy with a cubic kernel (KID on Inception features).

    Lower is better; its expectation is 0 for equal distributions, whatever the number of samples, and a value
    within two standard errors of 0 cannot be told from it. Comes with a standard error. See
    `kernel_distance`.

    Source: Bińkowski et al. 2018 (1801.01401).

    Example:
        >>> metric = KernelDistance()
        >>> metric.update(fake=[[0.0]] * 10, real=[[1.0]] * 10)
        >>> metric.compute()[0].value
        7.0
    """

    name = "kernel-distance"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    def __init__(self, subsets: int = 100, subset_size: int | None = None, seed: int = 0) -> None:
        super().__init__()
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed

    def compute(self) -> tuple[Score, ...]:
        value, error = kernel_distance(
            self._all_rows("fake"),
            self._all_rows("real"),
            subsets=self.subsets,
            subset_size=self.subset_size,
            seed=self.seed,
        )
        return (Score(self.name, value, "lower", error),)
