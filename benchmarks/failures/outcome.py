"""How good a finished run is, measured from its samples and held-out data alone: nothing here knows
equipoise.

`coverage` (Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models"): the share
of held-out samples that have a generated one within the distance of their own fifth neighbour; 1000 of
each, images and signals on the first eight principal components of the training samples. `spread` is the
mean distance between generated samples over that of held-out samples. The ring adds its modes (at least 1
% of the samples within three standard deviations) and the share of samples that lie on a mode; labelled
generators add the share of samples that a classifier trained on the reals gives the wanted label; the
composite case is judged by its mean absolute error over that of bilinear enlargement.

``quality`` is one number in [0, 1] made of them; the bounds below say what counts as good and what as
failed. They were set once from plain trainings (no equipoise anywhere), with room between them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.parts import Parts
from benchmarks.failures.sources import RING_SPREAD, Source, ring_centres

COUNT = 1000
NEIGHBOUR = 5
COMPONENTS = 8
# quality at or above: good; below: failed. Between the two a run is mediocre and neither label is backed.
GOOD = {"ring": 0.55, "digits": 0.50, "fashion": 0.40, "table": 0.50, "sequence": 0.30}
FAILED = {"ring": 0.40, "digits": 0.35, "fashion": 0.25, "table": 0.35, "sequence": 0.15}
# The data of the later halves take the bounds of the first one's nearest kind (points: those of a table),
# fixed before any of their trainings was run.
for _kind, _names in {
    "table": (
        *("moons", "checkerboard", "spirals", "gaussians", "cancer", "rings", "swissroll", "survey"),
        *("grid", "pinwheel", "scurve", "iris", "diabetes"),
        *("heart", "blobs", "helix", "linnerud", "orders"),
        *("lissajous", "clover", "sphere", "components", "weather"),
    ),
    "digits": ("mnist", "digits16", "ellipses", "bars"),
    "fashion": ("colour", "cifar", "shapes", "patches", "tiles", "stripes", "shoes", "discs", "clothes"),
    "sequence": ("ecg", "waves", "chirps", "tides", "tokens", "sines", "strands", "sawtooth", "bursts"),
}.items():
    GOOD.update(dict.fromkeys(_names, GOOD[_kind]))
    FAILED.update(dict.fromkeys(_names, FAILED[_kind]))


def measure(parts: Parts, sample: Callable[..., Tensor]) -> dict[str, Any]:
    """The outcome of a run; samples that are not finite give quality zero."""
    source = parts.source
    torch.manual_seed(10_000 + parts.seed)
    if parts.case.style in ("composite", "translation", "superres"):
        return _verdict(_restoration(source, sample), source.name)
    if parts.case.style in ("inpaint", "denoise", "adaptive", "mel"):
        return _verdict(_repair(parts, sample), source.name)
    labels = None
    if len(inspect.signature(sample).parameters) == 2:
        labels = torch.arange(COUNT) % source.classes
        fake = sample(COUNT, labels)
    else:
        fake = sample(COUNT)
    if not bool(torch.isfinite(fake).all()):
        return _verdict({"finite": False, "quality": 0.0}, source.name)
    result: dict[str, Any] = {"finite": True}
    real = source.held_out[:COUNT]
    result["coverage"] = coverage(*project(source, real, fake))
    result["spread"] = mean_distance(fake) / mean_distance(real)
    quality = result["coverage"]
    if source.name == "ring":
        result["modes"], result["on_mode"] = ring_modes(fake)
        quality = result["modes"] / 8 * result["on_mode"]
    if labels is not None:
        result["label_agreement"] = label_agreement(source, fake, labels)
        quality = min(quality, result["label_agreement"])
    result["quality"] = quality
    return _verdict(result, source.name)


def _verdict(result: dict[str, Any], data: str) -> dict[str, Any]:
    rounded = {
        key: round(float(value), 4) if isinstance(value, (float, np.floating)) else value
        for key, value in result.items()
    }
    quality = float(result["quality"])
    return {**rounded, "good": quality >= GOOD[data], "failed": quality < FAILED[data]}


def project(source: Source, *sets: Tensor) -> list[Tensor]:
    if source.kind not in ("image", "sequence"):
        return [samples.flatten(1) for samples in sets]
    reference = source.samples.flatten(1)
    _, _, axes = torch.pca_lowrank(reference, q=COMPONENTS, niter=4)
    return [(samples.flatten(1) - reference.mean(dim=0)) @ axes for samples in sets]


def coverage(real: Tensor, fake: Tensor) -> float:
    real, fake = real.flatten(1), fake.flatten(1)
    radius = torch.cdist(real, real).kthvalue(NEIGHBOUR + 1, dim=1).values
    return float((torch.cdist(real, fake).min(dim=1).values <= radius).float().mean())


def mean_distance(samples: Tensor) -> float:
    return float(torch.nn.functional.pdist(samples[:400].flatten(1)).mean())


def ring_modes(points: Tensor) -> tuple[int, float]:
    distance, nearest = torch.cdist(points, ring_centres()).min(dim=1)
    close = distance <= 3 * RING_SPREAD
    counts = torch.bincount(nearest[close], minlength=8)
    return int((counts >= 0.01 * len(points)).sum()), float(close.float().mean())


def label_agreement(source: Source, fake: Tensor, labels: Tensor) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(5).fit(source.samples.flatten(1).numpy(), source.labels.numpy())
    return float((model.predict(fake.flatten(1).numpy()) == labels.numpy()).mean())


def _restoration(source: Source, sample: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    real = source.held_out[:400]
    small = functional.avg_pool2d(real, 2)
    restored = sample(small)
    if not bool(torch.isfinite(restored).all()):
        return {"finite": False, "quality": 0.0}
    plain = functional.interpolate(small, size=real.shape[2:], mode="bilinear", align_corners=False)
    ratio = float((restored - real).abs().mean() / (plain - real).abs().mean())
    # A ratio of 0.6 (clearly better than bilinear) is quality 0.7; a ratio of 1 is quality 0.5; 2
    # and worse is 0.
    return {"finite": True, "error_ratio": ratio, "quality": max(0.0, 1.0 - ratio / 2)}


def _repair(parts: Any, sample: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    """As `_restoration`, where the loop itself says how a sample is damaged and what plain help there is."""
    real = parts.source.held_out[:400]
    damaged = parts.damage(real)
    restored = sample(damaged)
    if not bool(torch.isfinite(restored).all()):
        return {"finite": False, "quality": 0.0}
    ratio = float((restored - real).abs().mean() / (parts.plain(damaged) - real).abs().mean())
    return {"finite": True, "error_ratio": ratio, "quality": max(0.0, 1.0 - ratio / 2)}
