"""Modes: how many a generator covers, in which shares, and how well it fills each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import METRICS, Better, Metric, Score, as_features
from equipoise.validation import Interval, validated

if TYPE_CHECKING:
    from equipoise.data import Dataset

#: A mode counts as having its share from this part of it on.
SHARE = 0.2
_FEWEST_FOR_SPREAD = 10


@dataclass(frozen=True)
class ModeShares:
    """The histogram of modes against its target.

    Attributes:
        covered: modes with at least one sample that counts.
        with_share: modes with at least 20 % of the samples that their target share expects.
        reverse_kl: KL(histogram || target) in nats.
        reverse_kl_floor: what as many samples of the target itself give on average.
        reverse_kl_high: what 99 of 100 such sample sets stay below.
        modes: how many there are.
        samples: how many samples were counted.
    """

    covered: int
    with_share: int
    reverse_kl: float
    reverse_kl_floor: float
    reverse_kl_high: float
    modes: int
    samples: int


def reverse_kl(counts: object, target: object | None = None) -> float:
    """KL(histogram of counts || target) in nats; the target is uniform unless given.

    Infinite where the target gives 0 to a mode that has samples.

    Example:
        >>> reverse_kl([10, 0]) == math.log(2)
        True
    """
    histogram = np.asarray(counts, dtype=np.float64)
    if histogram.ndim != 1 or (histogram < 0).any() or not histogram.sum() > 0:
        raise parameter_error("counts", "one row of counts with at least one sample", counts)
    share = histogram / histogram.sum()
    wanted = _target(target, len(share))
    used = share > 0
    if (wanted[used] == 0).any():
        return math.inf
    return max(float(np.sum(share[used] * np.log(share[used] / wanted[used]))), 0.0)


@validated(samples=Interval(int, 1, None))
def reverse_kl_floor(samples: int, target: Sequence[float] | int) -> tuple[float, float]:
    """What `reverse_kl` gives for samples of the target itself: mean and 99th percentile.

    Simulated with 400 sets from a fixed seed; about (modes - 1) / (2 N) while N is well above the modes.

    Args:
        target: the shares, or the number of equal modes.

    Example:
        >>> mean, high = reverse_kl_floor(2500, 25)
        >>> abs(mean - 24 / 5000) < 0.0005 and high < 0.01
        True
    """
    shares = (1 / target,) * target if isinstance(target, int) else tuple(float(share) for share in target)
    return _simulated_floor(samples, shares)


@lru_cache(maxsize=64)
def _simulated_floor(samples: int, shares: tuple[float, ...]) -> tuple[float, float]:
    target = _target(shares, len(shares))
    draws = np.random.default_rng(0).multinomial(samples, target, size=400) / samples
    ratio = np.where(draws > 0, draws / np.where(target > 0, target, 1), 1)
    values = np.sum(draws * np.log(ratio), axis=1)
    return float(values.mean()), float(np.quantile(values, 0.99))


def mode_shares(
    counts: object, target: object | None = None, good_counts: object | None = None
) -> ModeShares:
    """Modes covered, modes with a fair share, and reverse KL with its sampling floor.

    Args:
        counts: samples per mode, (modes,). target: the true shares; uniform unless given.
        good_counts: those that count towards covering a mode; all of them unless given.

    Source: Srivastava et al. 2017 (1705.07761), Lin et al. 2018 (1712.04086) for modes and reverse KL. "At
    least one sample" is lenient, hence the second count with 20 % of the share.

    Example:
        >>> found = mode_shares([96, 4, 0, 0])
        >>> found.covered, found.with_share
        (2, 1)
    """
    histogram = np.asarray(counts, dtype=np.float64)
    divergence = reverse_kl(histogram, target)
    wanted = _target(target, len(histogram))
    good = histogram if good_counts is None else np.asarray(good_counts, dtype=np.float64)
    total = int(histogram.sum())
    floor, high = reverse_kl_floor(total, tuple(wanted))
    present = wanted > 0
    return ModeShares(
        covered=int(((good >= 1) & present).sum()),
        with_share=int(((good >= SHARE * wanted * total) & (good >= 1) & present).sum()),
        reverse_kl=divergence,
        reverse_kl_floor=floor,
        reverse_kl_high=high,
        modes=int(present.sum()),
        samples=total,
    )


def _target(target: object | None, modes: int) -> np.ndarray:
    if target is None:
        return np.full(modes, 1 / modes)
    shares = np.asarray(target, dtype=np.float64)
    if shares.shape != (modes,) or (shares < 0).any() or not shares.sum() > 0:
        raise parameter_error("target", f"{modes} shares of at least 0", target)
    return shares / shares.sum()


def high_quality_ceiling(dimensions: int, deviations: float = 3.0) -> float:
    """The share of a Gaussian within so many standard deviations of its mean: a perfect generator's score.

    Example:
        >>> round(high_quality_ceiling(2), 4)
        0.9889
    """
    from scipy.stats import chi2

    return float(chi2.cdf(deviations**2, dimensions))


def _share_scores(shares: ModeShares, noun: str) -> tuple[Score, ...]:
    of = f"of {shares.modes}"
    lower: Better = "lower"
    return (
        Score("modes-covered", float(shares.covered), "higher", note=f"{of}, with at least one {noun}"),
        Score("modes-with-share", float(shares.with_share), "higher", note=f"{of}, with 20 % of their share"),
        Score(
            "reverse-kl",
            shares.reverse_kl,
            lower,
            note=f"nats; {shares.samples} true samples give {shares.reverse_kl_floor:.2g}, "
            f"99 of 100 times below {shares.reverse_kl_high:.2g}",
        ),
    )


@METRICS.register("mixture-modes")
class MixtureModes(Metric):
    """The modes of a known mixture of round Gaussians: covered, in their shares, sharp, and filled.

    Every sample belongs to the nearest mean in units of standard deviations and is of high quality within
    three of them. Scores: modes with at least one such sample; modes with at least 20 % of their share of
    such samples; reverse KL of the histogram of all samples; the share of high quality, whose ceiling is
    98.89 % in two dimensions (more means shrunken modes, not perfection); the within-mode spread, which is
    the root mean square distance from the mode's own mean relative to that of a true mode cut at three
    deviations, the median over the modes with ten good samples or more (0 is a point, 1 is right).

    Source: Lin et al. 2018 (1712.04086) for the protocol; the 20 % rule and the spread are our own.

    Args:
        means: (modes, d). standard_deviation: one number or one per mode. weights: shares; equal unless
            given.

    Example:
        >>> metric = MixtureModes([[0.0, 0.0], [9.0, 0.0]], 0.1)
        >>> metric.update(fake=[[0.0, 0.1], [9.0, 1.0]])
        >>> [(score.name, score.value) for score in metric.compute()][0]
        ('modes-covered', 1.0)
    """

    name = "mixture-modes"
    streams = ("fake",)
    sum_state = ("counts", "good_counts", "offsets", "squares")
    bad_case = "collapse"

    def __init__(
        self, means: object, standard_deviation: object, weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.means = as_features("means", means).double()
        self.deviation = torch.as_tensor(standard_deviation, dtype=torch.float64).expand(len(self.means))
        if not bool((self.deviation > 0).all()):
            raise parameter_error("standard_deviation", "above 0", standard_deviation)
        self.weights = None if weights is None else _target(weights, len(self.means))

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Self:
        """The modes of a synthetic data set (`gaussian-ring`, `gaussian-grid`) in the scale networks see.

        Raises:
            EquipoiseError: for data whose true distribution is not known, or whose axes are scaled
            differently.

        Example:
            >>> from equipoise.data import load_data
            >>> MixtureModes.of_dataset(load_data("ring")).means.shape
            torch.Size([8, 2])
        """
        if dataset.mixture is None:
            raise parameter_error("dataset", "a synthetic mixture whose modes are known", dataset.name)
        scale = set(dataset.normalisation.scale)
        if len(scale) > 1:
            raise parameter_error("dataset", "scaled alike along all axes", sorted(scale))
        return cls(
            dataset.normalisation.apply(dataset.mixture.means), dataset.mixture.deviation / scale.pop()
        )

    @classmethod
    def example(cls) -> Self:
        return cls([[-1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], 1.0)

    def _update(self, batch: dict[str, Tensor]) -> None:
        samples = batch["fake"].double()
        if samples.shape[1] != self.means.shape[1]:
            raise parameter_error(
                "fake", f"samples of {self.means.shape[1]} values like the means", samples.shape[1]
            )
        means, modes = self.means.to(samples.device), len(self.means)
        distances = torch.cdist(samples, means, compute_mode="donot_use_mm_for_euclid_dist")
        nearest, mode = (distances / self.deviation.to(samples.device)).min(1)
        good = nearest < 3
        offset, kind = (samples - means[mode])[good], mode[good]
        self._add("counts", torch.bincount(mode, minlength=modes))
        self._add("good_counts", torch.bincount(kind, minlength=modes))
        # About the known means, so that no digits are lost far from the origin.
        self._add("offsets", torch.zeros_like(means).index_add_(0, kind, offset))
        squares = means.new_zeros(modes).index_add_(0, kind, offset.square().sum(1))
        self._add("squares", squares)

    def compute(self) -> tuple[Score, ...]:
        counts, good = self._sum("counts"), self._sum("good_counts")
        shares = mode_shares(counts.cpu().numpy(), self.weights, good.cpu().numpy())
        total, dimensions = int(counts.sum()), self.means.shape[1]
        quality, ceiling = float(good.sum()) / total, high_quality_ceiling(dimensions)
        scores = [
            *_share_scores(shares, "sample of high quality"),
            Score(
                "high-quality-share",
                quality,
                "higher",
                math.sqrt(quality * (1 - quality) / total),
                f"within 3 deviations; the true mixture gives {ceiling:.4f}, more means shrunken modes",
            ),
        ]
        spread = self._spread(good, dimensions)
        if spread is not None:
            scores.append(
                Score("within-mode-spread", spread, "one", note="median over the modes; 0 is a point")
            )
        return tuple(scores)

    def _spread(self, good: Tensor, dimensions: int) -> float | None:
        enough = good >= _FEWEST_FOR_SPREAD
        if not bool(enough.any()):
            return None
        count = good[enough].double()
        mean = self._sum("offsets")[enough] / count[:, None]
        variance = (self._sum("squares")[enough] - count * mean.square().sum(1)) / (count - 1)
        # The mean square of a Gaussian cut at 3: d F_{d+2}(9) / F_d(9) of its variance.
        cut = high_quality_ceiling(dimensions + 2) / high_quality_ceiling(dimensions)
        expected = self.deviation.to(count.device)[enough].square() * dimensions * cut
        return float((variance.clamp_min(0) / expected).sqrt().quantile(0.5))


@METRICS.register("labelled-modes")
class LabelledModes(Metric):
    """The modes that a classifier tells apart (classes, or the 1000 of stacked digits): covered and in their
    shares.

    Scores: modes with at least one sample, modes with at least 20 % of their share, and reverse KL of the
    histogram with its sampling floor: the KL of N true samples is not 0 but about (modes - 1) / (2 N). The
    classifier's errors add modes that are not there; read the score next to its floor on held-out reals.

    Source: Srivastava et al. 2017 (1705.07761), Lin et al. 2018 (1712.04086).

    Args:
        modes: how many there are; None takes the highest label seen (in `fake_labels` and `real_labels`) plus
            one.
        weights: their true shares; equal unless given, or those of `real_labels` where these are fed.

    Example:
        >>> metric = LabelledModes(modes=4)
        >>> metric.update(fake_labels=[0, 1, 1, 3])
        >>> metric.compute()[0].value
        3.0
    """

    name = "labelled-modes"
    streams = ("fake_labels",)
    optional_streams = ("real_labels",)
    row_state = ("fake_labels", "real_labels")

    def __init__(self, modes: int | None = None, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if modes is None and weights is not None:
            modes = len(weights)
        self.modes = modes
        self.weights = None if weights is None or modes is None else _target(weights, modes)

    def compute(self) -> tuple[Score, ...]:
        labels = self._all_rows("fake_labels")
        real = self._all_rows("real_labels") if "real_labels" in self._rows else None
        highest = max(int(labels.max()), -1 if real is None else int(real.max()))
        modes = self.modes if self.modes is not None else highest + 1
        if highest >= modes:
            raise parameter_error("fake_labels", f"below the number of modes, {modes}", highest)
        target = self.weights
        if target is None and real is not None:
            target = _target(torch.bincount(real, minlength=modes).cpu().numpy(), modes)
        shares = mode_shares(torch.bincount(labels, minlength=modes).cpu().numpy(), target)
        return _share_scores(shares, "sample")
