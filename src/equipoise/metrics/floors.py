"""Floors and ceilings: what a metric gives for real data, and for a generator that is known to be broken."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.metrics.base import Metric, Score

#: What each bad case stands for, in words for a report.
BAD_CASES: dict[str, str] = {
    "collapse": "one held-out real, repeated",
    "shuffle": "held-out reals with every feature permuted on its own",
    "copies": "copies of the training samples",
    "wrong-labels": "held-out reals with their labels permuted",
    "none": "",
}


def score(metric: Metric, streams: Mapping[str, Tensor]) -> tuple[Score, ...]:
    """The scores of a metric for these streams; the metric itself stays as it is.

    Example:
        >>> from equipoise.metrics.vendi import Vendi
        >>> score(Vendi(), {"fake": torch.ones(3, 2), "real": torch.zeros(3, 2)})[0].name
        'vendi'
    """
    fresh = copy.copy(metric)
    fresh.reset()
    wanted = metric.streams + metric.optional_streams
    fresh.update(**{name: rows for name, rows in streams.items() if name in wanted})
    return fresh.compute()


def floor(metric: Metric, streams: Mapping[str, Tensor]) -> tuple[Score, ...]:
    """The scores when real samples that were never trained on stand in for the generated ones.

    Args:
        metric: any; it is not changed.
        streams: as the metric takes them, with `held_out` features, and for metrics on labels or
            probabilities `held_out_labels` (true), `held_out_predictions` and `held_out_probabilities` (of
            the classifier). A metric that itself takes `held_out` gets one half of it as samples, the other
            half as held-out reals.

    Raises:
        EquipoiseError: when a stream that is needed is missing.

    Example:
        >>> from equipoise.metrics.frechet import FrechetDistance
        >>> reals = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> streams = {"fake": reals + 9, "real": reals[:200], "held_out": reals[200:]}
        >>> floor(FrechetDistance(), streams)[0].value < 0.1
        True
    """
    return score(metric, dict(streams) | _stand_ins(metric, streams))


def ceiling(metric: Metric, streams: Mapping[str, Tensor], seed: int = 0) -> tuple[Score, ...]:
    """The scores of the metric's bad case (`metric.bad_case`, see `BAD_CASES`).

    Args:
        metric, streams: as for `floor`.

    Example:
        >>> from equipoise.metrics.prdc import PrecisionRecall
        >>> reals = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> streams = {"fake": reals, "real": reals[:200], "held_out": reals[200:]}
        >>> ceiling(PrecisionRecall(), streams)[1].value
        0.0
    """
    if metric.bad_case == "none":
        raise parameter_error("metric", "one with a bad case", metric.name)
    rows = _stand_ins(metric, streams)
    random = torch.Generator().manual_seed(seed)
    if metric.bad_case == "collapse":
        for name in set(rows) & set(_SOURCES):
            rows[name] = rows[name][:1].repeat_interleave(len(rows[name]), 0)
    elif metric.bad_case == "shuffle":
        order = torch.rand(rows["fake"].shape, generator=random).argsort(0)
        rows["fake"] = rows["fake"].gather(0, order.to(rows["fake"].device))
    elif metric.bad_case == "copies":
        chosen = torch.randperm(len(streams["real"]), generator=random)[: len(rows["fake"])]
        rows["fake"] = streams["real"][chosen.to(rows["fake"].device)]
    elif metric.bad_case == "wrong-labels":
        labels = rows["requested_labels"]
        order = torch.randperm(len(labels), generator=random)
        rows["requested_labels"] = labels[order.to(labels.device)]
    return score(metric, dict(streams) | rows)


_SOURCES = {
    "fake": "held_out",
    "fake_probabilities": "held_out_probabilities",
    "fake_labels": "held_out_predictions",
    "requested_labels": "held_out_labels",
}


def _stand_ins(metric: Metric, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Held-out reals for every stream of generated samples, as many as there are generated ones."""
    rows = {}
    for name, source in _SOURCES.items():
        if name not in metric.streams:
            continue
        if source not in streams:
            raise EquipoiseError(
                f"The floor of `{metric.name}` needs `{source}`, but it is not there; give held-out reals, "
                "and labels or a classifier where the metric asks for them."
            )
        limit = len(streams[name]) if name in streams else None
        rows[name] = streams[source][:limit]
    if "held_out" in metric.streams:
        half = len(streams["held_out"]) // 2
        if half == 0:
            raise parameter_error("held_out", "of at least 2 rows", len(streams["held_out"]))
        rows |= {"fake": streams["held_out"][:half], "held_out": streams["held_out"][half:]}
    return rows
