"""The Fréchet distance between two sets of features, seen as Gaussians."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair, as_features
from equipoise.metrics.neighbours import blocks, column_mean
from equipoise.validation import Interval, validated

_ROWS = 4096  # rows turned to double precision at a time


def frechet_distance_from_moments(
    mean_1: Tensor, covariance_1: Tensor, mean_2: Tensor, covariance_2: Tensor
) -> float:
    """The squared Fréchet (2-Wasserstein) distance of two Gaussians.

        ||m1 - m2||^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

    The last trace is the sum of the square roots of the eigenvalues of S1 S2, which are those of the
    symmetric L' S2 L with S1 = L L': no matrix square root and no complex number is needed. Where S1 is
    singular, its symmetric square root takes the place of L.

    Args:
        mean_1, mean_2: (d,). covariance_1, covariance_2: (d, d), symmetric.

    Source: Dowson & Landau 1982; Heusel et al. 2017 (1706.08500) for its use on features.

    Example:
        >>> one = torch.eye(3, dtype=torch.float64)
        >>> frechet_distance_from_moments(torch.zeros(3), one, torch.ones(3), 4 * one)
        6.0
    """
    mean_1, mean_2 = as_tensor_64(mean_1), as_tensor_64(mean_2)
    covariance_1, covariance_2 = as_tensor_64(covariance_1), as_tensor_64(covariance_2)
    width = mean_1.numel()
    for name, matrix in (("covariance_1", covariance_1), ("covariance_2", covariance_2)):
        if matrix.shape != (width, width):
            raise parameter_error(name, f"of shape {(width, width)}, as the means say", tuple(matrix.shape))
    if mean_2.numel() != width:
        raise parameter_error("mean_2", f"of {width} values like `mean_1`", mean_2.numel())
    factor, failed = torch.linalg.cholesky_ex(covariance_1)
    if int(failed):
        values, vectors = torch.linalg.eigh(covariance_1)
        factor = vectors * values.clamp_min(0).sqrt()
    product = factor.T @ covariance_2 @ factor
    trace = torch.linalg.eigvalsh((product + product.T) / 2).clamp_min(0).sqrt().sum()
    distance = (mean_1 - mean_2).square().sum() + covariance_1.trace() + covariance_2.trace() - 2 * trace
    return max(float(distance), 0.0)


def frechet_distance(fake: object, real: object) -> float:
    """The squared Fréchet distance between generated and real features; see `frechet_distance_from_moments`.

    The covariances are unbiased (N - 1). The estimate is biased upwards by about 1/N, so only distances of
    equal N compare. With fewer samples than features the covariances are singular; the distance is then
    computed from the centred samples themselves, as the nuclear norm of X1 X2', which has no such trouble.

    Args:
        fake, real: features (N, d) and (M, d), at least 2 rows each.

    Raises:
        EquipoiseError: for features that are empty, not finite, or of different width.

    Example:
        >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
        9.0
    """
    fakes, reals = as_feature_pair(fake, real, minimum=2)
    if len(fakes) * len(reals) < fakes.shape[1] ** 2:
        return _distance_from_samples(fakes.double(), reals.double())
    return frechet_distance_from_moments(*moments(fakes), *moments(reals))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) in float64, in bounded memory and two passes.

    Example:
        >>> moments(torch.tensor([[0.0], [2.0]]))[1].item()
        2.0
    """
    mean = column_mean(features)
    covariance = torch.zeros((features.shape[1],) * 2, dtype=torch.float64, device=features.device)
    for rows in blocks(len(features), _ROWS):
        covariance += _gram(features[rows].double() - mean)
    return mean, covariance / (len(features) - 1)


def _gram(rows: Tensor) -> Tensor:
    """X'X; on the CPU by numpy, which knows that the product is symmetric and computes half of it."""
    if rows.device.type == "cpu":
        array = rows.numpy()
        return torch.from_numpy(np.dot(array.T, array))
    return rows.T @ rows


def _distance_from_samples(fakes: Tensor, reals: Tensor) -> float:
    difference = (fakes.mean(0) - reals.mean(0)).square().sum()
    left = (fakes - fakes.mean(0)) / math.sqrt(len(fakes) - 1)
    right = (reals - reals.mean(0)) / math.sqrt(len(reals) - 1)
    trace = torch.linalg.svdvals(left @ right.T).sum()
    return max(float(difference + left.square().sum() + right.square().sum() - 2 * trace), 0.0)


def as_tensor_64(values: object) -> Tensor:
    """A tensor in double precision, from a tensor or an array."""
    return torch.as_tensor(values).double()


@METRICS.register("frechet-distance")
class FrechetDistance(Metric):
    """The squared Fréchet distance between the Gaussians fitted to generated and to real features.

    Lower is better; 0 only for equal means and covariances, which does not mean equal distributions. It is
    biased upwards by about 1/N: compare distances of equal N only, and read it next to its floor. It is
    called FID only on features of the Inception network.

    Source: Heusel et al. 2017 (1706.08500). State: counts, sums and sums of outer products, in float64.

    Example:
        >>> metric = FrechetDistance()
        >>> metric.update(fake=[[0.0], [2.0]], real=[[3.0], [5.0]])
        >>> metric.compute()[0].value
        9.0
    """

    name = "frechet-distance"
    streams = ("fake", "real")
    sum_state = ("fake_count", "fake_sum", "fake_outer", "real_count", "real_sum", "real_outer")

    def _update(self, batch: dict[str, Tensor]) -> None:
        for stream, features in batch.items():
            self._add(f"{stream}_count", torch.tensor(len(features), dtype=torch.int64))
            self._add(f"{stream}_sum", column_mean(features) * len(features))
            outer = torch.zeros((features.shape[1],) * 2, dtype=torch.float64, device=features.device)
            for rows in blocks(len(features), _ROWS):
                outer += _gram(features[rows].double())
            self._add(f"{stream}_outer", outer)

    def compute(self) -> tuple[Score, ...]:
        values, counts = [], []
        for stream in self.streams:
            count = int(self._sum(f"{stream}_count"))
            if count < 2:
                raise parameter_error(stream, "of at least 2 rows", count)
            mean = self._sum(f"{stream}_sum") / count
            scatter = self._sum(f"{stream}_outer") - count * torch.outer(mean, mean)
            values += [mean, scatter / (count - 1)]
            counts.append(count)
        distance = frechet_distance_from_moments(*values)
        return (Score(self.name, distance, "lower", note=_few(min(counts), len(values[0]))),)


def _few(count: int, width: int) -> str:
    if count > width:
        return ""
    return f"{count} samples for {width} features: singular covariances, the distance is biased upwards"


@validated(points=Interval(int, 3, None), seed=Interval(int, 0, None))
def frechet_distance_infinity(
    fake: object, real: object, *, points: int = 15, seed: int = 0
) -> tuple[float, float]:
    """The Fréchet distance extrapolated to infinitely many generated samples, and its standard error.

    The distance from n generated samples falls almost linearly in 1/n; `points` random subsets of sizes from
    max(N/10, min(5000, N/2)) to N give a line whose intercept is the answer. The reals stay as they are, so
    their share of the bias stays. The error is that of the fit, which leaves out that the subsets overlap.

    Args:
        fake, real: features (N, d) and (M, d); N at least 20.

    Returns:
        The intercept, which noise can make negative, and its standard error.

    Source: Chong & Forsyth 2020 (1911.07023); the sizes here are our own choice.

    Example:
        >>> noise = torch.Generator().manual_seed(0)
        >>> sets = torch.randn(2, 2000, 4, generator=noise)
        >>> abs(frechet_distance_infinity(sets[0], sets[1])[0]) < frechet_distance(sets[0], sets[1]) + 0.01
        True
    """
    fakes, reals = as_feature_pair(fake, real, minimum=2)
    as_features("fake", fakes, minimum=20)
    count = len(fakes)
    sizes = np.linspace(max(count // 10, min(5000, count // 2)), count, points).astype(int)
    generator = torch.Generator().manual_seed(seed)
    reference = moments(reals)
    distances = []
    for size in sizes:
        chosen = fakes[torch.randperm(count, generator=generator)[:size].to(fakes.device)]
        # The reals come first: their factor is the stable one when the subset is small.
        distances.append(frechet_distance_from_moments(*reference, *moments(chosen)))
    inverse = 1.0 / sizes
    spread = inverse - inverse.mean()
    slope = float(np.dot(spread, distances) / np.dot(spread, spread))
    intercept = float(np.mean(distances) - slope * inverse.mean())
    residual = np.asarray(distances) - intercept - slope * inverse
    variance = float(residual @ residual) / (points - 2)
    error = math.sqrt(variance * (1 / points + inverse.mean() ** 2 / float(spread @ spread)))
    return intercept, error


@METRICS.register("frechet-distance-infinity")
class FrechetDistanceInfinity(Metric):
    """The Fréchet distance extrapolated to infinitely many generated samples.

    Takes most of the bias of the plain distance away, so that runs with different numbers of samples compare.
    Noisier than the plain distance, and can be slightly negative. See `frechet_distance_infinity`.

    Source: Chong & Forsyth 2020 (1911.07023).

    Example:
        >>> metric = FrechetDistanceInfinity()
        >>> metric.update(fake=torch.arange(40.0)[:, None], real=torch.arange(40.0)[:, None])
        >>> metric.compute()[0].name
        'frechet-distance-infinity'
    """

    name = "frechet-distance-infinity"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    def __init__(self, points: int = 15, seed: int = 0) -> None:
        super().__init__()
        self.points, self.seed = points, seed

    def compute(self) -> tuple[Score, ...]:
        fakes, reals = self._all_rows("fake"), self._all_rows("real")
        value, error = frechet_distance_infinity(fakes, reals, points=self.points, seed=self.seed)
        note = _few(min(len(fakes) // 10, len(reals)), fakes.shape[1])
        return (Score(self.name, value, "lower", error, note),)
