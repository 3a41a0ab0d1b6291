"""Operators that stand beside a distance, in the loop of the quantised autoencoder and in that of the
vocoder."""

from __future__ import annotations

from benchmarks.failures.faults.base import measured
from benchmarks.failures.fifth.restored import _CUT, _late, _share
from benchmarks.failures.sixth.filed import replant
from benchmarks.failures.sixth.parts import LATENT_BESIDE, SixthParts
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio

replant("discriminator-started-late", "adaptive hinge clothes", apply=_late)
replant(
    "adversarial-weight-times-thousand",
    "adaptive hinge bars",
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v > 10),
)


def _unused(parts: SixthParts) -> None:
    """A vocoder with a distance of the frames is given a latent for variety; the distance and the features
    teach it to ignore the latent."""
    assert parts.latent_size == LATENT_BESIDE
    parts.pixel_weight, parts.feature_weight = 100.0, 50.0


replant(
    "latent-unused",
    "mel hinge bursts latent",
    apply=_unused,
    proof=measured("deviation across latents over that across conditions", _share, lambda v: v < 0.1),
)


def _detached(parts: SixthParts) -> None:
    """The adversarial term sees detached pictures; the reconstruction still trains, so the loss falls and
    nobody notices."""
    parts.detach_for_generator = True


replant("detached-beside-pixel-loss", "adaptive hinge discs", apply=_detached, proof=_CUT)
replant("adversarial-cut-beside-distance", "mel lsgan sawtooth", proof=_CUT)

_FACTOR = measured(
    "factor of the adversarial term", lambda run: run.parts.adversarial_weight, lambda v: v < 0
)
_NOTHING = measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01)
replant("adversarial-term-subtracted", "adaptive hinge clothes", proof=_FACTOR)
replant("pixel-weight-times-thousand", "mel hinge sawtooth", proof=_NOTHING)
replant("reconstruction-drowns-adversary", "mel lsgan bursts")
replant("adversarial-term-times-ten-thousand", "mel hinge bursts")
replant("feature-matching-times-ten-thousand", "mel hinge sawtooth")
replant("discriminator-start-beyond-the-run", "adaptive hinge bars")
