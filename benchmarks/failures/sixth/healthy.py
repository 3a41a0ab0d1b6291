"""Healthy variants of the sixth half: its loops as they are, and false-alarm traps of the earlier halves in
them. Left out are the traps that need a line which no loop of this half has (accumulated gradients, a growing
pair, a class head) and those that repeat one that is here."""

from __future__ import annotations

from torch import nn

from benchmarks.failures.fifth.healthy import _slow_mapping
from benchmarks.failures.parts import Case
from benchmarks.failures.sixth.filed import replant
from benchmarks.failures.sixth.parts import SixthParts

replant(
    "ordinary",
    "ignite bce clover",
    "ignite lsgan discs",
    "ignite bce-sigmoid clothes",
    "mimicry hinge lissajous",
    Case("mimicry", "hinge", "clothes", network="spectral"),
    "mimicry wgan-gp weather",
    "stability bce clover",
    "stability logistic clothes",
    "lazyreg logistic sphere",
    Case("lazyreg", "logistic", "lissajous", steps=1000, network="style"),
    "lazyreg logistic bars",
    "collection bce lissajous",
    "collection lsgan bars",
    Case("collection", "wgan-gp", "components", steps=800),
    Case("collection", "wgan-clip", "lissajous", steps=900),
    "collection bce sawtooth",
    "labelmaps bce sphere",
    "labelmaps lsgan clover",
    Case("diffaug", "hinge", "clothes", steps=480),
    "diffaug hinge sphere",
    "mutual bce bars",
    "mutual lsgan clover",
    "adaptive hinge clothes",
    "adaptive hinge bars",
    "mel hinge bursts",
    "mel lsgan sawtooth",
)

# -- the traps of the first corpus -------------------------------------------------------------------
replant("relativistic-hinge-at-zero", "mimicry rahinge clover")
replant("large-negative-wasserstein-loss", "collection wgan-gp weather")
replant("reversed-labels", "ignite bce sphere", "labelmaps bce lissajous")
replant("reversed-critic-sign", "mimicry hinge sphere")
replant("least-squares-that-oscillates", "ignite lsgan clothes")
replant("slow-but-fine", Case("collection", "bce", "sphere", steps=1100, network="slow"))
replant("score-in-a-dictionary", "ignite bce components dict")
replant("optimizers-after-watch", "ignite lsgan sphere")
replant("one-sided-smoothing", "mutual bce clothes")


def _linear_end(parts: SixthParts) -> None:
    """The generator's output is linear and the reals are in [-1, 1]."""
    parts.generator = nn.Sequential(*[m for m in parts.generator.children() if not isinstance(m, nn.Tanh)])


replant("no-tanh-by-design", "lazyreg logistic discs linear", apply=_linear_end)

# -- the traps of the later halves -------------------------------------------------------------------
replant("instance-noise", "collection bce clover")
replant("two-time-scales", "mimicry hinge components")
replant("two-generator-steps", "ignite bce lissajous")
replant("saturating-that-works", "collection minimax clover")
replant("summed-losses", "ignite bce weather")
replant("frozen-feature-extractor", "mimicry bce sphere")
replant("three-critic-steps", "mimicry hinge clover")
replant("decay-to-zero-at-the-end", "stability bce sphere")
replant("strong-discriminator-beside-distance", "mel lsgan bursts")
replant(
    "slow-mapping-network",
    Case("lazyreg", "logistic", "clover", steps=900, network="style"),
    apply=_slow_mapping,
)
replant("rare-class", "stability bce lissajous")
replant("average-of-long-memory", Case("diffaug", "hinge", "clover", steps=900))
replant("clipping-that-acts", "diffaug hinge lissajous")
replant("uniform-latents", "collection bce sphere")
replant("weight-decay-as-usual", "mimicry lsgan discs")
