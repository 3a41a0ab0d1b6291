"""Memorisation: are the samples copies of what the networks were trained on?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import METRICS, Metric, Score, as_feature_pair, as_features
from equipoise.metrics.clusters import assign, cluster_centres
from equipoise.metrics.neighbours import nearest, nearest_others
from equipoise.validation import Interval, validated


def authenticity(fake: object, train: object) -> float:
    """The share of generated samples that are no nearer to a training sample than another training sample is.

    A sample is authentic when its distance to the nearest training sample exceeds that training sample's own
    distance to the nearest other one.

    Args:
        fake: features (N, d). train: features of the training samples (M, d), M at least 2.

    Source: Alaa et al. 2022 (2102.08921), section 2, as the share that dgm-eval calls AuthPct.

    Example:
        >>> authenticity([[0.0], [5.4]], [[0.0], [1.0], [4.0]])
        0.0
        >>> authenticity([[9.0]], [[0.0], [1.0], [4.0]])
        1.0
    """
    fakes = as_features("fake", fake)
    fakes, reals = as_feature_pair(fakes, as_features("train", train, minimum=2))
    distances, owner = nearest(fakes, reals)
    among, _ = nearest_others(reals)
    return float((distances > among[owner]).double().mean())


@METRICS.register("authenticity")
class Authenticity(Metric):
    """The share of samples farther from the training data than the training data is from itself (AuthPct).

    Higher is more authentic; copies score 0. Fresh reals do not score 1 but about one half: compare with the
    floor. A blurred or bad generator scores above it, so this says nothing of quality.

    Source: Alaa et al. 2022 (2102.08921).

    Example:
        >>> metric = Authenticity()
        >>> metric.update(fake=[[1.0]], real=[[1.0], [4.0]])
        >>> metric.compute()[0].value
        0.0
    """

    name = "authenticity"
    streams = ("fake", "real")
    row_state = ("fake", "real")
    bad_case = "copies"

    def compute(self) -> tuple[Score, ...]:
        fakes = self._all_rows("fake")
        share = authenticity(fakes, self._all_rows("real"))
        return (Score(self.name, share, "higher", math.sqrt(share * (1 - share) / len(fakes))),)


@validated(cells=Interval(int, 1, None), seed=Interval(int, 0, None))
def data_copying(
    fake: object, train: object, held_out: object, *, cells: int = 3, seed: int = 0
) -> tuple[float, str]:
    """The data-copying statistic C_T: are samples nearer to the training data than held-out reals are?

    In each K-means cell of the training data the distances to the nearest training sample (of that cell) of
    the generated and of the held-out samples are compared by a Mann-Whitney test,

        z = (U - m n / 2) / sqrt(m n (m + n + 1) / 12), U = pairs in which the generated sample is the farther
        one

    with ties counted as half, and the cells' z are averaged with the held-out shares as weights. About
    standard normal (for one cell) when the generator draws from the true distribution; far below 0 it copies,
    far above 0 it underfits. Cells with fewer than 20 generated or held-out samples, or no training sample,
    are left out.

    Args:
        fake, train, held_out: features. cells: of K-means, fewer where the held-out samples are few.

    Returns:
        C_T, and a note on cells that were left out.

    Source: Meehan et al. 2020 (2004.05675), section 3; the weights are recalled, not checked in the paper. No
    reduction to 64 components comes first, unlike in dgm-eval.

    Raises:
        EquipoiseError: when no cell has enough samples.

    Example:
        >>> sets = torch.randn(3, 60, 2, generator=torch.Generator().manual_seed(0)).unbind()
        >>> data_copying(sets[0], sets[0], sets[1], cells=1)[0] < -5
        True
    """
    fakes, reals = as_feature_pair(fake, as_features("train", train))
    fakes, others = as_feature_pair(fakes, as_features("held_out", held_out))
    cells = max(1, min(cells, len(others) // 40, len(reals) // 2))
    centres = cluster_centres(reals, cells, seed=seed)
    fake_cell, train_cell, test_cell = (assign(rows, centres) for rows in (fakes, reals, others))
    statistics, weights = [], []
    for cell in range(cells):
        ours, known, new = (
            rows[where == cell]
            for rows, where in ((fakes, fake_cell), (reals, train_cell), (others, test_cell))
        )
        if len(ours) < 20 or len(new) < 20 or not len(known):
            continue
        statistics.append(_rank_statistic(nearest(ours, known)[0], nearest(new, known)[0]))
        weights.append(len(new))
    if not statistics:
        raise parameter_error(
            "fake and held_out",
            "of at least 20 samples each in a cell",
            f"{len(fakes)} and {len(others)} in {cells} cells",
            "give more samples",
        )
    value = sum(z * weight for z, weight in zip(statistics, weights)) / sum(weights)
    note = (
        "" if len(weights) == cells else f"{cells - len(weights)} of {cells} cells left out, too few samples"
    )
    return value, note


def _rank_statistic(ours: Tensor, others: Tensor) -> float:
    """The Mann-Whitney z: negative when `ours` tend to be the smaller ones."""
    order = others.sort().values
    below = torch.searchsorted(order, ours, right=False)
    upto = torch.searchsorted(order, ours, right=True)
    m, n = len(ours), len(others)
    larger = float((below + upto).double().sum()) / 2
    return (larger - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)


@METRICS.register("data-copying")
class DataCopying(Metric):
    """The data-copying statistic C_T, against held-out reals.

    About 0 is right; below -3 or so the samples are nearer to the training data than fresh reals are
    (copying); far above 0 they are farther from it (underfitting). Grows with the number of samples, like any
    test statistic. See `data_copying`.

    Source: Meehan et al. 2020 (2004.05675).

    Example:
        >>> points = torch.randn(3, 50, 2, generator=torch.Generator().manual_seed(0)).unbind()
        >>> metric = DataCopying(cells=1)
        >>> metric.update(fake=points[0], real=points[0], held_out=points[1])
        >>> metric.compute()[0].value < -5
        True
    """

    name = "data-copying"
    streams = ("fake", "real", "held_out")
    row_state = ("fake", "real", "held_out")
    bad_case = "copies"

    def __init__(self, cells: int = 3, seed: int = 0) -> None:
        super().__init__()
        self.cells, self.seed = cells, seed

    def compute(self) -> tuple[Score, ...]:
        fakes, reals, others = (self._all_rows(stream) for stream in self.streams)
        value, note = data_copying(fakes, reals, others, cells=self.cells, seed=self.seed)
        return (Score(self.name, value, "zero", note=note or "below 0 copying, above 0 underfitting"),)
