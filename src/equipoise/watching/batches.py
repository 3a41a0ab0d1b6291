"""Batches against earlier batches: what comes again, and whether they are drawn at random."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import Tensor

from equipoise.watching import statistics

_REMEMBERED = 20_000
_LEAST_ROWS = 8


class Seen:
    """Which rows were seen before, by fingerprint, among the last 20,000."""

    def __init__(self) -> None:
        self._known: OrderedDict[float, int] = OrderedDict()
        self._batches: OrderedDict[float, None] = OrderedDict()
        self.distinct = 0

    def share(self, rows: Tensor, step: int, *, within: bool = True) -> tuple[float, bool]:
        """The share of rows seen at an earlier step, and whether the whole set was.

        Args:
            step: rows that come again at the same one do not count.
            within: whether copies within the batch count too.

        Example:
            >>> seen = Seen()
            >>> seen.share(torch.tensor([[1.0], [2.0], [2.0]]), step=1)
            (0.3333333333333333, False)
            >>> seen.share(torch.tensor([[1.0], [3.0]]), step=2, within=False)
            (0.5, False)
        """
        prints = statistics.row_fingerprints(rows).tolist()
        again = 0
        fresh: set[float] = set()
        for value in prints:
            if (within and value in fresh) or self._known.get(value, step) != step:
                again += 1
            fresh.add(value)
            if value not in self._known:
                self.distinct += 1
            self._known[value] = self._known.get(value, step)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        whole = math.fsum(sorted(prints))
        same = whole in self._batches
        self._batches[whole] = None
        while len(self._batches) > 1000:
            self._batches.popitem(last=False)
        return again / max(len(prints), 1), same


class Order:
    """Whether batches differ from one another by more than the lot: data that come in an order do."""

    def __init__(self) -> None:
        self._mean: Tensor | None = None
        self._count = 0

    def drift(self, rows: Tensor) -> Tensor | None:
        """How far a batch's mean is from the mean of the batches before, over what random batches give.

        B |m - M|^2 / (1 + 1/n) / tr S with the batch's own covariance S, for the n-th batch after the first:
        its expectation is 1 for rows drawn at random. None for the first batch, for fewer than 8 rows, and
        for rows that are all alike.

        Example:
            >>> order = Order()
            >>> lot = torch.Generator().manual_seed(0)
            >>> first, same, other = (torch.randn(64, 50, generator=lot) for _ in range(3))
            >>> order.drift(first) is None
            True
            >>> 0.5 < float(order.drift(same)) < 1.5
            True
            >>> float(order.drift(other + 1)) > 20
            True
        """
        values = rows.detach().float().flatten(1)
        if len(values) < _LEAST_ROWS or (self._mean is not None and self._mean.shape != values.shape[1:]):
            self._mean = None
            return None
        mean, spread = values.mean(0), values.var(0).sum()
        if self._mean is None:
            self._mean, self._count = mean, 1
            return None
        distance = (mean - self._mean).square().sum()
        drift = len(values) * distance / (1 + 1 / self._count) / spread
        self._count += 1
        self._mean = self._mean + (mean - self._mean) / self._count
        return torch.where(spread > 0, drift, torch.full_like(drift, math.nan))
