"""The number of statistically different bins (NDB)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair
from equipoise.metrics.clusters import assign, cluster_centres
from equipoise.validation import Interval, validated


@dataclass(frozen=True)
class DifferentBins:
    """How the shares of bins differ.

    Attributes:
        different: the number of bins whose shares differ significantly.
        bins: the number of bins that held a sample.
        expected: how many would differ by chance alone, level times bins.
        jensen_shannon: the divergence between the two histograms in nats, from 0 to log 2.
    """

    different: int
    bins: int
    expected: float
    jensen_shannon: float


@validated(level=Interval(float, 0, 1, low_open=True, high_open=True))
def different_bins(fake_counts: Tensor, real_counts: Tensor, *, level: float = 0.05) -> DifferentBins:
    """The number of bins in which generated and real shares differ, by a two-proportion z-test each.

        z = (p - q) / sqrt(s (1 - s) (1/N + 1/M)), with s the pooled share; different where |z| exceeds the
        two-sided quantile of the level

    Args:
        fake_counts, real_counts: samples per bin, (bins,). Bins empty in both are left out.

    Source: Richardson & Weiss 2018 (1805.12462), section 3.

    Example:
        >>> different_bins(torch.tensor([100, 0]), torch.tensor([50, 50])).different
        2
    """
    fakes, reals = fake_counts.double(), real_counts.double()
    if fakes.shape != reals.shape or fakes.ndim != 1:
        raise parameter_error("fake_counts", f"of shape {tuple(reals.shape)}", tuple(fakes.shape))
    total, other = float(fakes.sum()), float(reals.sum())
    if not (total and other):
        raise parameter_error("fake_counts and real_counts", "of at least one sample each", (total, other))
    used = (fakes + reals) > 0
    fakes, reals = fakes[used], reals[used]
    pooled = (fakes + reals) / (total + other)
    deviation = (pooled * (1 - pooled) * (1 / total + 1 / other)).sqrt()
    difference = (fakes / total - reals / other).abs()
    critical = math.sqrt(2) * float(torch.special.erfinv(torch.tensor(1 - level, dtype=torch.float64)))
    different = int((difference > critical * deviation).sum())
    p, q = fakes / total, reals / other
    middle = (p + q) / 2
    divergence = torch.special.xlogy(p, p / middle).sum() + torch.special.xlogy(q, q / middle).sum()
    return DifferentBins(different, len(p), level * len(p), max(float(divergence) / 2, 0.0))


@METRICS.register("number-of-different-bins")
class NumberOfDifferentBins(Metric):
    """How many of K bins hold a significantly different share of generated and of real samples (NDB).

    The bins are the K-means cells of half of the reals; shares are compared on the other half, so that the
    cells favour neither side and the real distribution scores the stated null expectation, level times K, and
    not 0. (The published variant compares with the shares of the very samples the cells were fitted to.)
    Lower is better.

    Source: Richardson & Weiss 2018 (1805.12462). K is 100, or fewer so that a bin expects 20 of the reals
    compared.

    Example:
        >>> noise = torch.randn(2, 400, 2, generator=torch.Generator().manual_seed(0))
        >>> metric = NumberOfDifferentBins(bins=10)
        >>> metric.update(fake=noise[0] * 0.1, real=noise[1])
        >>> metric.compute()[0].value > 3
        True
    """

    name = "number-of-different-bins"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    @validated(
        bins=Interval(int, 2, None),
        level=Interval(float, 0, 1, low_open=True, high_open=True),
        seed=Interval(int, 0, None),
    )
    def __init__(self, bins: int = 100, level: float = 0.05, seed: int = 0) -> None:
        super().__init__()
        self.bins, self.level, self.seed = bins, level, seed

    def compute(self) -> tuple[Score, ...]:
        fakes, reals = as_feature_pair(self._all_rows("fake"), self._all_rows("real"), minimum=4)
        order = torch.randperm(len(reals), generator=torch.Generator().manual_seed(self.seed))
        fitted, compared = order.to(reals.device).tensor_split(2)
        bins = max(2, min(self.bins, len(compared) // 20))
        centres = cluster_centres(reals[fitted], bins, seed=self.seed)
        found = different_bins(
            torch.bincount(assign(fakes, centres), minlength=bins),
            torch.bincount(assign(reals[compared], centres), minlength=bins),
            level=self.level,
        )
        spread = math.sqrt(found.bins * self.level * (1 - self.level))
        note = f"of {found.bins} bins; {found.expected:.3g} +- {spread:.2g} by chance alone"
        return (
            Score(self.name, float(found.different), "lower", note=note),
            Score("bin-divergence", found.jensen_shannon, "lower", note="Jensen-Shannon, nats"),
        )
