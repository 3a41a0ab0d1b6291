"""The Vendi score: the effective number of different samples."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.metrics.base import METRICS, Metric, Score, as_features
from equipoise.metrics.neighbours import blocks


def vendi_score(fake: object) -> float:
    """exp of the entropy of the eigenvalues of K / N, with K the cosine similarities of the samples.

    From 1 (all point the same way) to N (all orthogonal). The eigenvalues of K / N are those of the d by d
    matrix X'X / N with X the rows at unit length, so no N by N matrix is ever built.

    Args:
        fake: features (N, d). A row of zeros has no direction and counts as its own.

    Source: Friedman & Dieng 2022 (2210.02410), definition 3.1.

    Example:
        >>> round(vendi_score(torch.eye(5)), 9), round(vendi_score(torch.ones(5, 3)), 9)
        (5.0, 1.0)
    """
    metric = Vendi()
    metric.update(fake=as_features("fake", fake))
    return metric.compute()[0].value


@METRICS.register("vendi")
class Vendi(Metric):
    """The effective number of different samples, by cosine similarity of their features.

    Higher is more diverse, from 1 to the smaller of N and the number of features. It takes no reals: noise
    scores high, so read it next to its value on held-out reals. Depends on where the features' zero is.

    Source: Friedman & Dieng 2022 (2210.02410). State: count and sum of outer products, in float64.

    Example:
        >>> metric = Vendi()
        >>> metric.update(fake=[[1.0, 0.0], [0.0, 1.0]])
        >>> round(metric.compute()[0].value, 9)
        2.0
    """

    name = "vendi"
    streams = ("fake",)
    sum_state = ("count", "zeros", "outer")

    def _update(self, batch: dict[str, Tensor]) -> None:
        features = batch["fake"]
        outer = torch.zeros((features.shape[1],) * 2, dtype=torch.float64, device=features.device)
        zeros = 0
        for rows in blocks(len(features)):
            part = features[rows].double()
            length = torch.linalg.vector_norm(part, dim=1, keepdim=True)
            zeros += int((length == 0).sum())
            unit = part / length.clamp_min(torch.finfo(torch.float64).tiny)
            outer += unit.T @ unit
        self._add("count", torch.tensor(len(features)))
        self._add("zeros", torch.tensor(zeros))
        self._add("outer", outer)

    def compute(self) -> tuple[Score, ...]:
        count, zeros = int(self._sum("count")), int(self._sum("zeros"))
        values = torch.linalg.eigvalsh(self._sum("outer") / count).clamp_min(0)
        if zeros:
            values = torch.cat([values, values.new_full((zeros,), 1 / count)])
        entropy = -float(torch.special.xlogy(values, values).sum())
        score = float(torch.tensor(entropy, dtype=torch.float64).exp())
        return (Score(self.name, score, "higher", note=f"effective number out of {count} samples"),)
