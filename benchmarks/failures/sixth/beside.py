"""Operators that stand beside a distance, in the loop of the quantised autoencoder and in that of the
vocoder."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.failures.faults.base import measured
from benchmarks.failures.fifth.restored import _CUT
from benchmarks.failures.sixth.filed import replant
from benchmarks.failures.sixth.parts import LATENT_BESIDE, SixthParts
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio


def _late(parts: SixthParts) -> None:
    """Both adversarial terms are multiplied by zero until half time, and have a large weight then."""
    start = parts.steps // 2
    parts.discriminator_start, parts.adversarial_weight = start, 30.0
    real = parts.source.held_out[:200]

    def look(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        if not start - 1 <= step <= start + 40:
            return
        with torch.no_grad():
            error = float((parts.generator(real)[0] - real).abs().mean())
        if step == start - 1:
            parts.notes["before"] = error
        else:
            parts.notes["after"] = max(error, parts.notes.get("after", 0.0))

    parts.schedule = look


replant("discriminator-started-late", "adaptive hinge clothes", apply=_late)
replant(
    "adversarial-weight-times-thousand",
    "adaptive hinge bars",
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v > 10),
)


def _share(run: Any) -> float:
    """Deviation across latents over that across conditions."""
    parts = run.parts
    framed = parts.damage(parts.source.held_out[:64])
    with torch.no_grad():
        several = torch.stack([parts.generator(framed, parts.latent(64)) for _ in range(16)])
    return float(several.std(dim=0).mean() / several.mean(dim=0).std(dim=0).mean())


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
