"""Quality, diversity and memorisation of generated samples, with floors and ceilings beside every score.

Everything works on features: pixels, a fixed random network, a classifier trained on the data's labels, or
any module. `evaluate` is the way in; each metric is also a pure function and an accumulating class of
`METRICS`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equipoise.metrics.base import METRICS, Metric, Score
    from equipoise.metrics.classifier import Classifier, channel_modes, train_classifier
    from equipoise.metrics.evaluation import Report, Row, evaluate
    from equipoise.metrics.features import FEATURES, RandomConvolution, extract, resolve_feature
    from equipoise.metrics.modes import LabelledModes, MixtureModes
    from equipoise.metrics.rejection import RejectionResult, rejection_sample

__all__ = [
    "FEATURES",
    "METRICS",
    "Classifier",
    "LabelledModes",
    "Metric",
    "MixtureModes",
    "RandomConvolution",
    "RejectionResult",
    "Report",
    "Row",
    "Score",
    "channel_modes",
    "evaluate",
    "extract",
    "rejection_sample",
    "resolve_feature",
    "train_classifier",
]

_HOMES = {
    "base": ("METRICS", "Metric", "Score"),
    "classifier": ("Classifier", "channel_modes", "train_classifier"),
    "evaluation": ("Report", "Row", "evaluate"),
    "features": ("FEATURES", "RandomConvolution", "extract", "resolve_feature"),
    "modes": ("LabelledModes", "MixtureModes"),
    "rejection": ("RejectionResult", "rejection_sample"),
}


def __getattr__(name: str) -> Any:
    """Public names are imported at first use, so that naming the room costs nothing."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"equipoise.metrics.{home}"), name)
    raise AttributeError(f"module `equipoise.metrics` has no attribute `{name}`")
