"""Are many fresh fakes as diverse as as many reals?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped
from equipoise.watching.statistics import mean_distance, nearest_other

_MOST = 256
_FEWEST = 16
# NDB asks for ten samples and more a cell (Richardson & Weiss 2018, section 3).
_PER_CELL = 10
_CELLS = 20
_ROUNDS = 10
_Z = 1.645  # one-sided, 5 %


@PROBES.register("diversity")
class Diversity(Probe):
    """Equal numbers of fresh fakes and of two disjoint sets of reals are compared.

    One set of reals is the reference; the other says what a perfect generator would reach. Distances are
    Euclidean between the values as the discriminator is given them. The bound of the duplicates' share is
    Clopper and Pearson's (1934), one-sided; the support is n (n - 1) / (2 C) for C pairs of duplicates among
    n fakes, with the exact limits of a Poisson mean (after Arora & Zhang 2017, 1706.08224). The cells are
    those of Richardson & Weiss 2018 (1805.12462), of which only those with too few fakes are counted.
    """

    name = "diversity"

    def measure(self, material: Material) -> dict[str, float]:
        reals = material.reals.cpu()
        count = min(_MOST, len(reals) // 2)
        if count < _FEWEST:
            raise ProbeSkipped(f"fewer than {2 * _FEWEST} different reals were seen")
        fakes = material.different_fakes(count).cpu().float()
        count = min(count, len(fakes))
        if count < _FEWEST:
            raise ProbeSkipped(f"fewer than {_FEWEST} fakes were seen")
        if fakes.shape[1:] != reals.shape[1:]:
            raise ProbeSkipped("fakes and reals have different shapes")
        reference, other, fakes = reals[:count], reals[count : 2 * count], fakes[:count]
        between = distances(reference, reference)
        among = distances(fakes, fakes)
        tiny = 1e-12
        values = {
            "samples": float(count),
            "distance.ratio": float(mean_distance(among) / mean_distance(between).clamp(min=tiny)),
            "feature.ratio": _feature_ratio(reference, fakes),
            "spread.ratio": float(_spread(fakes) / _spread(reference).clamp(min=tiny)),
        }
        values |= _duplicates(among, duplicate_distance(between))
        radius = nearest_other(between, 5)
        across, held_out = distances(fakes, reference), distances(other, reference)
        values["coverage"] = float((across.min(dim=0).values <= radius).float().mean())
        values["coverage.expected"] = float((held_out.min(dim=0).values <= radius).float().mean())
        values["clusters"], values["clusters.expected"] = _deserted(reference, fakes, other)
        return values


def distances(rows: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances in float64: a rounding error must not part clones of small values."""
    return torch.cdist(rows.flatten(1).double(), others.flatten(1).double())


def _spread(samples: Tensor) -> Tensor:
    return samples.flatten(1).std(dim=0).square().mean().sqrt()


def _feature_ratio(reals: Tensor, fakes: Tensor) -> float:
    features = random_features(tuple(reals.shape[1:]))
    with torch.no_grad():
        first, second = features(reals), features(fakes)
    real, fake = (mean_distance(distances(one, one)) for one in (first, second))
    return float(fake / real.clamp(min=1e-12))


def random_features(shape: tuple[int, ...]) -> nn.Module:
    """A small network of fixed random weights: convolutions, or layers for vectors."""
    if len(shape) == 3:
        convolution: type[nn.Module] = nn.Conv2d
        pool: nn.Module = nn.AdaptiveAvgPool2d(min(4, *shape[1:]))
    elif len(shape) == 2:
        convolution, pool = nn.Conv1d, nn.AdaptiveAvgPool1d(min(8, shape[1]))
    else:
        width = math.prod(shape)
        network = nn.Sequential(nn.Flatten(), nn.Linear(width, 128), nn.LeakyReLU(0.2), nn.Linear(128, 64))
        return _seeded(network)
    stride = max(1, math.ceil(max(shape[1:]) / 32))
    network = nn.Sequential(
        convolution(shape[0], 8, 3 * stride, stride, padding=stride),
        nn.LeakyReLU(0.2),
        convolution(8, 16, 3, 2, padding=1),
        nn.LeakyReLU(0.2),
        pool,
        nn.Flatten(),
    )
    return _seeded(network)


def _seeded(network: nn.Module) -> nn.Module:
    random = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            fan = parameter[0].numel() if parameter.ndim > 1 else 1
            scale = math.sqrt(2 / fan) if parameter.ndim > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)
    return network


def duplicate_distance(between: Tensor) -> float:
    """The distance below which two samples are duplicates: at most one in a hundred reals has another so
    near.

    In many dimensions nearest distances are all alike, and a cloud a little narrower than the reals would be
    nothing but duplicates; hence it is a tenth of the reals' median nearest distance at most.
    """
    nearest = nearest_other(between)
    return min(float(nearest.quantile(0.01)), 0.1 * float(nearest.median()))


def _duplicates(among: Tensor, near: float) -> dict[str, float]:
    from scipy.special import betaincinv, gammaincinv

    count = len(among)
    alike = int((nearest_other(among) < near).sum())
    pairs = int(((among < near).sum() - count) // 2) if near > 0 else 0
    possible = count * (count - 1) / 2
    # Poisson limits of the mean number of pairs: chi-squared quantiles, written as those of the gamma law.
    fewest = float(gammaincinv(pairs, 0.05)) if pairs else 0.0
    most = float(gammaincinv(pairs + 1, 0.95))
    return {
        "duplicates": alike / count,
        "duplicates.low": float(betaincinv(alike, count - alike + 1, 0.05)) if alike else 0.0,
        "support.low": possible / most,
        "support.high": possible / fewest if fewest else math.inf,
    }


def _deserted(reference: Tensor, fakes: Tensor, other: Tensor) -> tuple[float, float]:
    """The share of k-means cells with significantly fewer fakes, and the same for held-out reals."""
    cells = min(_CELLS, len(reference) // _PER_CELL)
    if cells < 2:
        return math.nan, math.nan
    flat = reference.flatten(1)
    centres = flat[:cells].clone()
    for _ in range(_ROUNDS):
        nearest = torch.cdist(flat, centres).argmin(dim=1)
        for cell in range(cells):
            members = flat[nearest == cell]
            if len(members):
                centres[cell] = members.mean(dim=0)
    counts = [
        torch.bincount(torch.cdist(batch.flatten(1), centres).argmin(dim=1), minlength=cells).double()
        for batch in (reference, fakes, other)
    ]
    return _fewer(counts[0], counts[1]), _fewer(counts[0], counts[2])


def _fewer(reference: Tensor, counted: Tensor) -> float:
    total = reference.sum()
    first, second = reference / total, counted / counted.sum()
    pooled = (reference + counted) / (total + counted.sum())
    error = (pooled * (1 - pooled) * (1 / total + 1 / counted.sum())).sqrt()
    return float(((first - second) / error.clamp(min=1e-12) > _Z).double().mean())
