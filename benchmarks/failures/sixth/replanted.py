"""The other operators of the first corpus, each in one published loop.

What each does, its expected names, its equivalents and its proof are the operator's own; where a network or a
proof is made for other shapes, it is built anew here. Operators that stand beside a distance are in
`beside.py`.
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.failures.faults.base import measured
from benchmarks.failures.fourth.replanted import _few_images
from benchmarks.failures.parts import Case
from benchmarks.failures.sixth import networks
from benchmarks.failures.sixth.filed import replant
from benchmarks.failures.sixth.parts import SixthParts
from benchmarks.failures.third.replanted import _batch_norm, _too_weak

# -- balance ---------------------------------------------------------------------------------------
replant("perfect-discriminator-saturating-loss", "collection minimax bars")
replant("gradient-dies-in-generator", "mimicry bce components")
replant("discriminator-too-weak", "ignite bce clover", apply=_too_weak)
replant("rotation", "collection bce lissajous dirac")
replant("late-collapse", "ignite bce sphere")

# -- data --------------------------------------------------------------------------------------------
replant("unstandardised-table", "stability bce components")
replant("mean-and-deviation-normalised-reals", "mimicry hinge clothes")
replant("lattice", "lazyreg logistic discs")
replant("sampling-from-another-law", "mimicry bce clover")
replant("sampling-three-times-as-wide", "lazyreg logistic lissajous")
replant("constant-latent", "collection lsgan sawtooth")
replant("first-batch-for-ever", "ignite bce bars")
replant("sorted-and-unshuffled", "collection lsgan clothes")
replant("duplicated-reals", "mimicry hinge sphere")
replant("labels-shuffled", "labelmaps bce discs")
replant("missing-values", "stability bce weather")
replant("corrupt-records", "mimicry lsgan components")


def _label_matters(run: Any) -> float:
    """Largest change of the scores when every label is exchanged."""
    network, samples = run.parts.discriminator.eval(), run.parts.source.samples[:64]
    labels, classes = run.parts.source.labels[:64], run.parts.source.classes
    both = [networks.filled(one % classes, classes, samples.shape[1:]) for one in (labels, labels + 1)]
    with torch.no_grad():
        return float((network(samples, both[0]) - network(samples, both[1])).abs().max())


replant(
    "label-not-used-by-discriminator",
    "labelmaps bce clover",
    proof=measured("change of the scores when every label is exchanged", _label_matters, lambda v: v == 0.0),
)

# -- constraint --------------------------------------------------------------------------------------
replant("penalty-over-whole-batch", "mimicry wgan-gp weather")
replant("penalty-alpha-normal", "collection wgan-gp clover")
replant("penalty-root-of-zero", "mimicry wgan-gp sphere")
replant("penalty-never-due", "mimicry wgan-gp clover")
replant("weights-not-clipped", "collection wgan-clip components")
replant("critic-magnitude-race", "mimicry wgan-gp components")
replant("gradient-clipped-to-nothing", "ignite bce lissajous")
replant("wasserstein-with-large-rate", "collection wgan-clip sawtooth")

# -- diversity ---------------------------------------------------------------------------------------
replant("collapse-to-three", "lazyreg logistic clover")
replant("collapsed-and-blind", "collection lsgan sphere")
replant("tiny-data", Case("ignite", "bce", "clothes", steps=900, network="flat"), apply=_few_images)
replant("tiny-table", Case("ignite", "lsgan", "components", steps=1000))

# -- normalisation -----------------------------------------------------------------------------------
replant("batchnorm-in-penalised-critic", "collection wgan-gp lissajous", apply=_batch_norm)
replant("normalisation-erases-latent", "ignite lsgan sphere")
replant("batchnorm-before-first-activation", "mimicry bce components")
replant("average-without-buffers", "lazyreg logistic clothes")
replant("average-too-slow", "diffaug hinge clover")
replant("stale-running-statistics", "ignite bce discs")


def _uneven(parts: SixthParts) -> None:
    """Transposed convolutions of kernel 3 and stride 2."""
    parts.generator = networks.uneven_generator(parts.source.shape, parts.latent_size)


replant("deconvolution-overlap", "diffaug hinge bars", apply=_uneven)
replant("init-misses-layers", "ignite bce clothes")
replant("batchnorm-scale-near-zero", "collection lsgan discs")
replant("dead-relu-generator", "collection bce sphere")
replant("saturated-tanh", "mimicry hinge bursts")

# -- numerics ----------------------------------------------------------------------------------------
replant("half-precision-overflow", "ignite hinge sphere")
replant("logarithm-of-zero", "mimicry bce sawtooth")
replant("learning-rates-times-hundred", "lazyreg logistic clover")
replant("discriminator-rate-times-thousand", "collection bce discs")
replant("discriminator-rate-starved", "labelmaps bce lissajous")
replant("momentum-without-regulariser", "ignite bce clover")
replant("schedule-stepped-every-batch", "stability bce clothes")

# -- wiring ------------------------------------------------------------------------------------------
replant("sigmoid-on-critic", "mimicry wgan-gp lissajous")
replant("sigmoid-and-bce-loss", "ignite bce-sigmoid bars")
replant("clamped-logarithm", "collection bce-sigmoid clover")
replant("relativistic-generator-arguments-swapped", "mimicry rpgan sphere")
