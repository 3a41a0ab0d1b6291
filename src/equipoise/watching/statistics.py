"""The formulas of the signal catalogue as pure functions of tensors; nothing is read out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

BINS = 32
# The lattices that stored data live on: (scale, offset) such that value * scale + offset is whole.
LATTICES = (
    (255.0, 0.0),
    (127.5, 127.5),
    (1.0, 0.0),
    (15.0, 0.0),
    (7.5, 7.5),
    (16.0, 0.0),
    (8.0, 8.0),
    (32768.0, 0.0),
)
_MOST = 128
_GOLDEN = (math.sqrt(5) - 1) / 2
# A lattice that values show themselves: how many of them it holds, how many distinct ones show it, how fine
# it may be (float32 cannot tell finer ones), and within which share of a step a gap is a multiple of it.
_HOLDS = 0.99
_FEWEST_DISTINCT = 8
_MOST_STEPS = 4096
_MOST_VALUES = 16384
_ROUNDING = 1e-6
_OFF = 0.02
_DIVISIONS = 16


def first_rows(value: Tensor, most: int = _MOST) -> Tensor:
    """At most `most` rows, evenly strided: deterministic, no random number is drawn."""
    if len(value) <= most:
        return value
    stride = len(value) // most
    return value[:: max(stride, 1)][:most]


def spread_rows(value: Tensor, most: int = _MOST) -> Tensor:
    """At most `most` rows from everywhere, in no period: multiples of the golden ratio, modulo 1.

    An even stride through maps of scores meets the same column again and again where the width divides it,
    and the margin of an image is like nothing else in it. Deterministic; no random number is drawn.
    """
    if len(value) <= most:
        return value
    places = torch.arange(most, device=value.device, dtype=torch.float64) * _GOLDEN % 1
    return value[(places * len(value)).long()]


def auc(positive: Tensor, negative: Tensor) -> Tensor:
    """P(positive > negative) + P(equal) / 2 over all pairs; flat inputs of any length.

    Example:
        >>> float(auc(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])))
        0.875
    """
    pairs = first_rows(positive.reshape(-1), 512)[:, None] - first_rows(negative.reshape(-1), 512)[None, :]
    return (torch.sign(pairs) + 1).mean() / 2


def standardised_gap(real: Tensor, fake: Tensor) -> Tensor:
    """(mean real - mean fake) / sqrt((var real + var fake) / 2)."""
    pooled = ((real.var(correction=0) + fake.var(correction=0)) / 2).sqrt()
    return (real.mean() - fake.mean()) / pooled.clamp(min=1e-12)


def histograms(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Counts of both in 32 equal bins over their common range, and the two outer edges."""
    both = torch.cat([real.reshape(-1), fake.reshape(-1)]).float()
    low, high = both.min(), both.max()
    width = (high - low).clamp(min=1e-12)

    def count(values: Tensor) -> Tensor:
        index = ((values.reshape(-1).float() - low) / width * BINS).long().clamp(0, BINS - 1)
        return torch.zeros(BINS, device=values.device).index_add_(
            0, index, torch.ones_like(index, dtype=torch.float32)
        )

    return count(real), count(fake), torch.stack([low, high])


def root_mean_square(value: Tensor) -> Tensor:
    return value.float().square().mean().sqrt()


def sample_norms(value: Tensor) -> Tensor:
    """The Euclidean norm of each row over all other axes, in float32."""
    return value.detach().float().flatten(1).norm(dim=1)


def penalty_pull(slope: Tensor, pull: Tensor) -> tuple[Tensor, Tensor]:
    """Per sample |cos(h, g)| and c = <h, g> / |g|^2 for a slope g = ds/dx and h = dL/dg.

    A penalty f(|g_i|) of each sample's norm gives h_i = c_i g_i, so the cosine is 1; a norm over other axes
    (per pixel) does not. A norm of the whole batch gives the same c for all samples.
    """
    g, h = slope.float().flatten(1), pull.float().flatten(1)
    # Where the discriminator does not look, g is zero, and the root of a norm over other axes gives 0 * inf.
    h = torch.where((g == 0) & h.isnan(), 0.0, h)
    inner, square = (g * h).sum(1), g.square().sum(1)
    cosine = inner.abs() / (square.sqrt() * h.norm(dim=1)).clamp(min=1e-30)
    # At the target the penalty does not pull, and what is left is rounding.
    idle = h.norm(dim=1) <= 1e-6 * h.norm(dim=1).max()
    return torch.where(idle, torch.nan, cosine), inner / square.clamp(min=1e-30)


def penalty_law(norms: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and target of a penalty weight (|g| - target)^2, from c in dL/dg = c g of each sample.

    c = 2 weight (1 - target / |g|) is a straight line over 1 / |g|. Both are nan where the samples do not lie
    on one, to a hundredth of their spread: a penalty of one factor for all (R1), one whose target some have
    not reached (one-sided), a norm itself (no weight), or norms that hardly differ.

    Example:
        >>> norms = torch.tensor([0.2, 0.5, 0.7, 1.6])
        >>> weight, target = penalty_law(norms, -2 * 10 * (1 - 1 / norms))
        >>> round(float(weight), 3), round(float(target), 3)
        (-10.0, 1.0)
    """
    nan = torch.full((), torch.nan)
    known = (norms > 0) & norms.isfinite() & factors.isfinite()
    if int(known.sum()) < 4:
        return nan, nan
    over, pull = 1 / norms[known].double(), factors[known].double()
    mean, spread = pull.mean(), pull.std()
    across = over - over.mean()
    rise = (across * (pull - mean)).sum() / across.square().sum().clamp(min=1e-30)
    start = mean - rise * over.mean()
    apart = (pull - start - rise * over).square().mean().sqrt()
    varied = (over.std() > 0.01 * over.mean()) & (spread > 1e-3 * mean.abs())
    straight = varied & (apart <= 0.01 * spread) & (start.abs() > 0.01 * pull.abs().mean())
    return torch.where(straight, start / 2, nan), torch.where(straight, -rise / start, nan)


def total_norm(tensors: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of all tensors together; 0 for none."""
    if not tensors:
        return torch.zeros(())
    norms = torch._foreach_norm([tensor.detach() for tensor in tensors])
    return torch.stack([norm.float() for norm in norms]).norm()


def mean_absolute(tensors: Sequence[Tensor]) -> Tensor:
    """The mean of the absolute values of all elements together."""
    if not tensors:
        return torch.zeros(())
    sums = torch._foreach_norm([tensor.detach() for tensor in tensors], 1)
    return torch.stack([value.float() for value in sums]).sum() / sum(tensor.numel() for tensor in tensors)


def largest_absolute(tensors: Sequence[Tensor]) -> Tensor:
    """The largest absolute value of all elements."""
    if not tensors:
        return torch.zeros(())
    values = torch._foreach_norm([tensor.detach() for tensor in tensors], float("inf"))
    return torch.stack([value.float() for value in values]).max()


def bound_touched(tensors: Sequence[Tensor]) -> Tensor:
    """The largest absolute value, if two elements or more share it, as behind a clamp; NaN otherwise.

    Example:
        >>> bound_touched([torch.tensor([0.01, -0.01]), torch.tensor([0.002])]).item()
        0.009999999776482582
        >>> bound_touched([torch.tensor([0.3, 0.1])]).item()
        nan
    """
    largest = largest_absolute(tensors)
    if not tensors:
        return largest
    touching = torch.stack([(tensor.detach().abs() >= largest).sum() for tensor in tensors]).sum()
    return torch.where(touching >= 2, largest, math.nan)


def pairwise_distances(rows: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances between flattened rows."""
    return torch.cdist(rows.float().flatten(1), others.float().flatten(1))


def mean_distance(distances: Tensor) -> Tensor:
    """The mean off the diagonal of a square matrix of distances."""
    count = len(distances)
    if count < 2:
        return torch.full((), float("nan"), device=distances.device)
    return distances.sum() / (count * (count - 1))


def nearest_other(distances: Tensor, rank: int = 1) -> Tensor:
    """The distance of each row to its `rank`-th nearest other row."""
    filled = distances.clone()
    filled.fill_diagonal_(float("inf"))
    return filled.kthvalue(min(rank, len(filled) - 1), dim=1).values


def compare_batches(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Distances, duplicates, nearness and coverage of a fake batch against a real batch.

    Equal numbers of rows are compared, because duplicates and nearest distances depend on the number.
    """
    count = min(len(real), len(fake), _MOST)
    if count < 4:
        return {}
    real, fake = first_rows(real, count), first_rows(fake, count)
    between_reals, between_fakes = pairwise_distances(real, real), pairwise_distances(fake, fake)
    across = pairwise_distances(fake, real)
    real_distance, fake_distance = mean_distance(between_reals), mean_distance(between_fakes)
    real_nearest, fake_nearest = nearest_other(between_reals), nearest_other(between_fakes)
    # A share of the mean real distance: the scale comes from the data, never from the fakes.
    near = 0.02 * real_distance
    radius = nearest_other(between_reals, 3)
    tiny = 1e-12
    spread = fake.float().flatten(1).std(dim=0).square().mean().sqrt()
    real_spread = real.float().flatten(1).std(dim=0).square().mean().sqrt()
    return {
        "sample.real.distance": real_distance,
        "sample.fake.distance": fake_distance,
        "sample.distance.ratio": fake_distance / real_distance.clamp(min=tiny),
        "sample.spread.ratio": spread / real_spread.clamp(min=tiny),
        "sample.fake.duplicates": (fake_nearest < near).float().mean(),
        "sample.real.duplicates": (real_nearest < near).float().mean(),
        "sample.nearest.ratio": across.min(dim=1).values.median() / real_nearest.median().clamp(min=tiny),
        "sample.coverage": (across.min(dim=0).values <= radius).float().mean(),
    }


def lattice_share(values: Tensor, lattice: tuple[float, float], tolerance: float = 1e-3) -> Tensor:
    """The share of values that lie on a lattice, within a fraction of its step."""
    steps = values.float() * lattice[0] + lattice[1]
    return ((steps - steps.round()).abs() <= tolerance * max(lattice[0] / 255.0, 1.0)).float().mean()


def best_lattice(values: Tensor) -> tuple[tuple[float, float], float]:
    """The coarsest lattice that holds the most values, and its share.

    Where none of those that stored data usually live on holds them, one that the values show themselves.
    """
    shares = [(float(lattice_share(values, lattice)), lattice) for lattice in LATTICES]
    best = max(share for share, _ in shares)
    coarsest = min(
        (lattice for share, lattice in shares if share >= best - 0.01), key=lambda lattice: lattice[0]
    )
    if best < _HOLDS:
        own = own_lattice(values)
        if own is not None:
            share = float(lattice_share(values, own))
            if share >= _HOLDS:
                return own, share
    return coarsest, best


def own_lattice(values: Tensor) -> tuple[float, float] | None:
    """The regular lattice on which all values lie, as `LATTICES` has them, or None.

    The step is the greatest common divisor of the gaps between distinct values. A value that is not on a
    lattice agrees with it by chance in 0.2 % of the cases, so a handful of distinct values beside the two
    that set the step decide; one-hot columns, constants and a few categories have no such handful.

    Example:
        >>> scale, offset = own_lattice(torch.tensor([0.1, -0.3, 0.7, 0.2, 0.4, -0.5, 1.1, 0.0, 0.9, 0.3]))
        >>> round(scale, 3), round(offset, 3)
        (10.0, 5.0)
    """
    flat = values.detach().reshape(-1)
    flat = flat[:: max(len(flat) // _MOST_VALUES, 1)].double().cpu()
    flat = flat[torch.isfinite(flat)]
    if len(flat) < 2 or not bool(flat.max() > flat.min()):
        return None
    low, width = flat.min(), float(flat.max() - flat.min())
    finest = width / _MOST_STEPS
    # What rounding to float32 puts apart is one value.
    distinct = flat.sort().values
    distinct = distinct[torch.cat([torch.ones(1, dtype=torch.bool), distinct.diff() > _ROUNDING * width])]
    gaps = distinct.diff()
    if len(distinct) < _FEWEST_DISTINCT or float(gaps.min()) < finest:
        return None
    step = float(gaps.min())
    for _ in range(_DIVISIONS):
        rest = (gaps - (gaps / step).round() * step).abs()
        off = rest > _OFF * step
        if not bool(off.any()):
            break
        step = float(rest[off].min())
        if step < finest:
            return None
    else:
        return None
    step = width / round(width / step)
    return 1 / step, -float(low) / step


def row_fingerprints(rows: Tensor) -> Tensor:
    """One number per row, equal for equal rows and different for nearly all others; float64."""
    flat = rows.detach().flatten(1).double()
    weights = torch.sin(torch.arange(1, flat.shape[1] + 1, device=flat.device, dtype=torch.float64) * 12.9898)
    return flat @ weights


def possible_rows(rows: Tensor, most: float = 1e12) -> float:
    """How many different rows the values seen in these could make: levels to the power of the places.

    Rows that are all the same show no levels: any number is possible.

    Example:
        >>> possible_rows(torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
        8.0
    """
    flat = rows.detach().flatten(1)
    if bool((flat == flat[:1]).all()):
        return most
    levels, places = len(torch.unique(flat.flatten()[:4096])), flat.shape[1]
    return most if places * math.log(max(levels, 1)) > math.log(most) else float(levels**places)


def smooth(batch: Tensor) -> bool:
    """Whether neighbouring values of samples go together, as those of pictures and waves do.

    The correlation of neighbours along the last axis, each about its mean over the batch, is above 0.3 and
    above five standard errors 1 / sqrt(n) of noise.
    """
    if len(batch) < 2 or batch.ndim < 2 or batch.shape[-1] < 2:
        return False
    centred = batch.detach().float()
    centred = centred - centred.mean(dim=0)
    left, right = centred[..., :-1].flatten(), centred[..., 1:].flatten()
    together = (left * right).sum() / (left.norm() * right.norm()).clamp(min=1e-30)
    return float(together) > max(0.3, 5 / len(left) ** 0.5)


def few_levels(batch: Tensor) -> bool:
    """Whether most values of a sample come in it again, as in pictures of few levels; samples differ."""
    ordered = batch.detach().flatten(1).sort(dim=1).values
    again = (ordered[:, 1:] == ordered[:, :-1]).float().mean()
    return bool(again > 0.5) and bool((batch != batch[:1]).any())


def kurtosis(values: Tensor) -> Tensor:
    """The fourth standardised moment: 3 for a normal distribution, 1.8 for a uniform one."""
    centred = values.float() - values.float().mean()
    variance = centred.square().mean().clamp(min=1e-24)
    return centred.pow(4).mean() / variance.square()


def largest_singular_value(weight: Tensor, iterations: int = 8) -> Tensor:
    """The largest singular value of a weight seen as a matrix, by power iteration from a fixed start."""
    matrix = weight.detach().float().flatten(1)
    vector = torch.sin(torch.arange(1, matrix.shape[1] + 1, device=matrix.device, dtype=torch.float32))
    for _ in range(iterations):
        vector = torch.nn.functional.normalize(
            matrix.T @ torch.nn.functional.normalize(matrix @ vector, dim=0), dim=0
        )
    return (matrix @ vector).norm()
