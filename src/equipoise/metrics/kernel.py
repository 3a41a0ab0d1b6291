"""The kernel distance (KID on Inception features): an unbiased maximum mean discrepancy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair
from equipoise.validation import Interval, Optional, validated

_PIECES = 20  # of each set, for the jackknife
_SUBSET = 1000


def squared_discrepancy(fakes: Tensor, reals: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

        1/(m(m-1)) sum_{i != j} k(x_i, x_j) + 1/(n(n-1)) sum_{i != j} k(y_i, y_j) - 2/(mn) sum_ij k(x_i, y_j)

    Products and the sums of columns in the features' precision, the rest in float64. Can be negative.

    Args:
        fakes: (m, d), m at least 2. reals: (n, d), n at least 2.

    Source: Bińkowski et al. 2018 (1801.01401); Gretton et al. 2012, equation 3.

    Example:
        >>> squared_discrepancy(torch.zeros(2, 1), torch.ones(2, 1))
        7.0
    """
    left, right = _array(fakes), _array(reals)
    m, n = len(left), len(right)
    own = _sum(left, left, True) / (m * (m - 1)) + _sum(right, right, True) / (n * (n - 1))
    return own - 2 * _sum(left, right, False) / (m * n)


def _array(rows: Tensor) -> Any:
    """On the CPU a numpy array: its product of a matrix with its own transpose computes only one half."""
    return rows.numpy() if rows.device.type == "cpu" else rows


def _sum(left: Any, right: Any, itself: bool) -> float:
    """The sum of the kernel over all pairs, of a row with itself left out; for arrays and tensors alike."""
    kernel = left @ right.T
    kernel *= 1 / left.shape[1]
    kernel += 1
    # x * x * x in place of pow, which costs several times as much.
    cube = kernel * kernel
    cube *= kernel
    sums = cube.sum(0)
    if itself:
        sums -= cube.diagonal()
    return float(sums.sum(dtype=torch.float64 if isinstance(sums, Tensor) else np.float64))


@validated(
    subsets=Interval(int, 2, None),
    subset_size=Optional(Interval(int, 2, None)),
    seed=Interval(int, 0, None),
)
def kernel_distance(
    fake: object, real: object, *, subsets: int = 100, subset_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """The unbiased squared discrepancy and its standard error.

    Up to half of the pairs that the subsets would have (with 100 of 1000: up to 7,071 samples of each) all
    pairs are used: that is what the mean over infinitely many subsets would be, in less time. Its error comes
    from a jackknife that leaves out a twentieth of both sets at a time, and is somewhat too large for equal
    distributions (by up to the root of 2).

    With more samples, or where `subset_size` asks for it, it is the mean over subsets. They are drawn by
    cutting random orders of both sets into disjoint pieces. Pieces of one order are independent, so the error
    is that of their spread over as many pieces as one order has; further orders make the mean steadier, but
    they hold no new samples and are not counted as such. (Dividing the spread by the root of all subsets, as
    is often done, claims a precision that the data do not have.)

    Args:
        fake, real: features (N, d) and (M, d), at least 4 rows each.
        subset_size: rows per subset, at most half of the smaller set.

    Source: Bińkowski et al. 2018 (1801.01401), which averages over subsets.

    Example:
        >>> noise = torch.randn(2, 500, 8, generator=torch.Generator().manual_seed(0))
        >>> value, error = kernel_distance(noise[0], noise[1])
        >>> abs(value) < 3 * error
        True
    """
    fakes, reals = as_feature_pair(fake, real, minimum=4)
    generator = torch.Generator().manual_seed(seed)
    if subset_size is None and 2 * len(fakes) * len(reals) <= subsets * _SUBSET**2:
        return _all_pairs(fakes, reals, generator)
    smaller = min(len(fakes), len(reals))
    return _over_subsets(fakes, reals, subsets, min(subset_size or _SUBSET, smaller // 2), generator)


def _shuffled(rows: Tensor, generator: torch.Generator, pieces: int) -> list[Any]:
    """Pieces of a random order, which differ by at most one row."""
    order = torch.randperm(len(rows), generator=generator).tensor_split(pieces)
    array = _array(rows)
    return [array[part.numpy() if isinstance(array, np.ndarray) else part.to(rows.device)] for part in order]


def _all_pairs(fakes: Tensor, reals: Tensor, generator: torch.Generator) -> tuple[float, float]:
    pieces = min(_PIECES, len(fakes) // 2, len(reals) // 2)
    left, right = _shuffled(fakes, generator, pieces), _shuffled(reals, generator, pieces)
    fake_sums, real_sums, across = (np.zeros((pieces, pieces)) for _ in range(3))
    for i in range(pieces):
        for j in range(pieces):
            across[i, j] = _sum(left[i], right[j], False)
            if j >= i:
                fake_sums[i, j] = fake_sums[j, i] = _sum(left[i], left[j], i == j)
                real_sums[i, j] = real_sums[j, i] = _sum(right[i], right[j], i == j)
    fake_counts = np.array([len(piece) for piece in left])
    real_counts = np.array([len(piece) for piece in right])

    def discrepancy(keep: np.ndarray) -> float:
        m, n = int(fake_counts[keep].sum()), int(real_counts[keep].sum())
        block = np.ix_(keep, keep)
        own = fake_sums[block].sum() / (m * (m - 1)) + real_sums[block].sum() / (n * (n - 1))
        return float(own - 2 * across[block].sum() / (m * n))

    everything = np.arange(pieces)
    without = np.array([discrepancy(np.delete(everything, piece)) for piece in everything])
    variance = (pieces - 1) / pieces * float(np.square(without - without.mean()).sum())
    return discrepancy(everything), math.sqrt(variance)


def _over_subsets(
    fakes: Tensor, reals: Tensor, subsets: int, size: int, generator: torch.Generator
) -> tuple[float, float]:
    pieces = min(len(fakes), len(reals)) // size
    values: list[list[float]] = []
    left = subsets
    while left > 0:
        taken = min(pieces, max(left, 2))
        orders = [torch.randperm(len(rows), generator=generator).to(rows.device) for rows in (fakes, reals)]
        values.append(
            [
                squared_discrepancy(*(rows[order[part]] for rows, order in zip((fakes, reals), orders)))
                for part in (slice(piece * size, (piece + 1) * size) for piece in range(taken))
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
