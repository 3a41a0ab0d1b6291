"""A classifier of the data's labels, kept between runs, and its features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from equipoise.data import Dataset
from equipoise.metrics import Classifier, train_classifier


def kept_classifier(dataset: Dataset, path: Path, epochs: int, **options: Any) -> Classifier:
    """A classifier of the data's labels, kept in a file with its held-out accuracy."""
    specification = dataset.specification
    if path.exists():
        kept = torch.load(path, weights_only=True)
        classifier = Classifier(specification.shape, specification.classes or 0)
        classifier.load_state_dict(kept["weights"])
        classifier.held_out_accuracy = kept["held_out_accuracy"]
        return classifier.eval().requires_grad_(False)
    classifier = train_classifier(dataset, epochs=epochs, **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": classifier.state_dict(), "held_out_accuracy": classifier.held_out_accuracy}, path)
    return classifier


@torch.no_grad()
def features(classifier: Classifier, samples: Tensor) -> Tensor:
    """The penultimate features of normalised samples, in parts that fit into memory."""
    return torch.cat([classifier.features(part) for part in samples.split(512)])
