"""How good samples of labelled images are, for the benchmarks: measured in the features of one classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from equipoise.data import Dataset
from equipoise.metrics import Classifier
from equipoise.metrics.frechet import frechet_distance
from equipoise.metrics.prdc import precision_recall_density_coverage
from equipoise.metrics.sliced_wasserstein import sliced_wasserstein


def normalised(samples: np.ndarray, dataset: Dataset) -> Tensor:
    """Samples as a generator gives them (in the data's own units), as networks see them."""
    return dataset.normalisation.apply(torch.from_numpy(np.ascontiguousarray(samples)))


def reals(dataset: Dataset, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """So many real samples, normalised, drawn without repetition, and their labels."""
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:count]
    samples, labels = dataset.batch(chosen)
    if labels is None:
        raise SystemExit(f"{dataset.name} has no labels, and the benchmark needs a classifier")
    return samples, labels


@torch.no_grad()
def accuracy(classifier: Classifier, samples: Tensor, labels: Tensor) -> float:
    """The share of samples that the classifier puts in the given classes."""
    return float((classifier.labels(samples) == labels).double().mean())


@torch.no_grad()
def quality(classifier: Classifier, fake: Tensor, real: Tensor) -> dict[str, Any]:
    """What the classifier makes of the fakes, and how their distribution lies to that of the reals.

    * `frechet_distance` of the classifier's penultimate features (smaller is better; comparable only within
      one classifier and one number of samples);
    * `precision`, `density`, `coverage` with 5 neighbours in the same features;
    * `sliced_wasserstein` distance of the normalised pixels;
    * `confidence`: the mean of the largest class probability;
    * `class_imbalance`: total variation distance of the predicted classes from those of the reals.
    """
    features = {"fake": _features(classifier, fake), "real": _features(classifier, real)}
    neighbours = precision_recall_density_coverage(features["fake"], features["real"], k=5)
    probabilities = classifier.probabilities(fake)
    shares = _shares(probabilities.argmax(1), classifier.classes)
    expected = _shares(classifier.labels(real), classifier.classes)
    distance, _ = sliced_wasserstein(fake.flatten(1), real.flatten(1))
    return {
        "frechet_distance": round(frechet_distance(features["fake"], features["real"]), 4),
        "precision": round(neighbours.precision, 4),
        "density": round(neighbours.density, 4),
        "coverage": round(neighbours.coverage, 4),
        "sliced_wasserstein": round(distance, 4),
        "confidence": round(float(probabilities.amax(1).mean()), 4),
        "class_imbalance": round(float((shares - expected).abs().sum() / 2), 4),
        "class_shares": [round(share, 4) for share in shares.tolist()],
    }


def _features(classifier: Classifier, samples: Tensor) -> Tensor:
    return torch.cat([classifier.features(part) for part in samples.float().split(512)])


def _shares(labels: Tensor, classes: int) -> Tensor:
    return torch.bincount(labels, minlength=classes).double() / len(labels)
