"""The classifier score: the Inception score, on any classifier's probabilities."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.base import METRICS, Metric, Score, as_probabilities
from equipoise.validation import Interval, validated

_GOLDEN = (math.sqrt(5) - 1) / 2


@validated(splits=Interval(int, 1, None))
def classifier_score(fake_probabilities: object, *, splits: int = 10) -> tuple[float, float | None]:
    """exp of the mean over samples of KL(p(y|x) || p(y)), and its standard error.

    Between 1 (every sample has the same probabilities) and the number of classes (certain and balanced). The
    value is that of all samples together; the splits serve the standard error only.

    Args:
        fake_probabilities: (N, classes), rows sum to 1. splits: over which the samples are scattered.

    Returns:
        The score and its standard error (None with one split).

    Source: Salimans et al. 2016 (1606.03498), section 4, which averages the scores of ten splits; that
    this only adds bias: Barratt & Sharma 2018 (1801.01973).

    Example:
        >>> value, _ = classifier_score(torch.eye(2).repeat(10, 1), splits=2)
        >>> round(value, 12)
        2.0
    """
    probabilities = as_probabilities("fake_probabilities", fake_probabilities)
    if len(probabilities) < splits:
        raise parameter_error("splits", f"at most the number of samples, {len(probabilities)}", splits)
    metric = ClassifierScore(splits)
    metric.update(fake_probabilities=probabilities)
    (score,) = metric.compute()
    return score.value, score.standard_error


@METRICS.register("classifier-score")
class ClassifierScore(Metric):
    """How certain a classifier is of each sample, and how many classes there are: exp E KL(p(y|x) || p(y)).

    Higher is better, from 1 to the number of classes. On Inception's 1000 ImageNet classes it is the
    Inception score; on another classifier it is not and must not be compared with it. Blind to collapse
    within a class.

    Source: Salimans et al. 2016 (1606.03498). State: sums per split.

    Example:
        >>> metric = ClassifierScore(splits=1)
        >>> metric.update(fake_probabilities=[[0.5, 0.5], [0.5, 0.5]])
        >>> metric.compute()[0].value
        1.0
    """

    name = "classifier-score"
    streams = ("fake_probabilities",)
    sum_state = ("counts", "probabilities", "negative_entropies")

    def __init__(self, splits: int = 10) -> None:
        super().__init__()
        self.splits = splits

    def _update(self, batch: dict[str, Tensor]) -> None:
        rows = batch["fake_probabilities"]
        seen = int(self._sums["counts"].sum()) if "counts" in self._sums else 0
        # Steps of the golden section scatter evenly whatever period the order of the classes has.
        place = (torch.arange(len(rows), dtype=torch.float64, device=rows.device) + seen) * _GOLDEN % 1
        split = (place * self.splits).long().clamp_max(self.splits - 1)
        zero = rows.new_zeros(self.splits)
        self._add("counts", zero.index_add(0, split, rows.new_ones(len(rows))))
        self._add("probabilities", rows.new_zeros(self.splits, rows.shape[1]).index_add(0, split, rows))
        self._add("negative_entropies", zero.index_add(0, split, torch.special.xlogy(rows, rows).sum(1)))

    def compute(self) -> tuple[Score, ...]:
        state = [self._sum(key) for key in self.sum_state]
        value = float(_scores(*(sums.sum(0, keepdim=True) for sums in state)))
        scores = _scores(*(sums[state[0] > 0] for sums in state))
        count, classes = int(state[0].sum()), state[1].shape[1]
        note = f"from 1 to {classes}" + (f"; only {count} samples" if count < 100 * classes else "")
        error = float(scores.std()) / math.sqrt(len(scores)) if len(scores) > 1 else None
        return (Score(self.name, value, "higher", error, note),)


def _scores(counts: Tensor, probabilities: Tensor, negative_entropies: Tensor) -> Tensor:
    marginal = probabilities / counts[:, None]
    entropy = -torch.special.xlogy(marginal, marginal).sum(1)
    return (entropy + negative_entropies / counts).exp()
