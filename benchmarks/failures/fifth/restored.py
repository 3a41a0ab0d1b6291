"""Operators that stand beside a distance, in the loop that fills holes and in the one that cleans signals."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.failures.faults.base import measured
from benchmarks.failures.fifth.filed import replant
from benchmarks.failures.fifth.parts import LATENT_BESIDE, FifthParts, first
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio


def _late(parts: FifthParts) -> None:
    """Both adversarial terms are multiplied by zero until half time, and have a large weight then."""
    start = parts.steps // 2
    parts.discriminator_start, parts.adversarial_weight = start, 30.0
    real = parts.source.held_out[:200]
    with torch.random.fork_rng():
        damaged = parts.damage(real)

    def look(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        if not start - 1 <= step <= start + 40:
            return
        with torch.no_grad():
            error = float((first(parts.generator(damaged)) - real).abs().mean())
        if step == start - 1:
            parts.notes["before"] = error
        else:
            parts.notes["after"] = max(error, parts.notes.get("after", 0.0))

    parts.schedule = look


replant("discriminator-started-late", "inpaint hinge shoes", "denoise lsgan sines", apply=_late)
replant(
    "adversarial-weight-times-thousand",
    "inpaint bce ellipses",
    "denoise lsgan sines",
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v > 10),
)


def _share(run: Any) -> float:
    """Deviation across latents over that across conditions."""
    parts = run.parts
    damaged = parts.damage(parts.source.held_out[:64])
    with torch.no_grad():
        several = torch.stack([parts.generator(damaged, parts.latent(64)) for _ in range(16)])
    return float(several.std(dim=0).mean() / several.mean(dim=0).std(dim=0).mean())


def _unused(parts: FifthParts) -> None:
    """A restoration with an L1 term is given a latent for variety; the L1 term teaches it to ignore the
    latent."""
    assert parts.latent_size == LATENT_BESIDE
    parts.pixel_weight = 100.0


replant(
    "latent-unused",
    "inpaint lsgan stripes latent",
    "denoise lsgan sines latent",
    apply=_unused,
    proof=measured("deviation across latents over that across conditions", _share, lambda v: v < 0.1),
)


def _adversarial_gradient(run: Any) -> float:
    """Norm of the adversarial term's gradient by the generator's weights."""
    weights = list(run.parts.generator.parameters())
    grads = torch.autograd.grad(run.parts.terms()[0], weights, allow_unused=True)
    return float(sum(g.norm() for g in grads if g is not None))


_CUT = measured(
    "norm of the adversarial term's gradient by the generator's weights",
    _adversarial_gradient,
    lambda v: v == 0.0,
)


def _detached(parts: FifthParts) -> None:
    """The adversarial term sees detached fakes; the L1 term still trains, so the loss falls and nobody
    notices."""
    parts.detach_for_generator = True


replant(
    "detached-beside-pixel-loss", "inpaint lsgan shoes", "denoise hinge sines", apply=_detached, proof=_CUT
)
replant("adversarial-cut-beside-distance", "denoise bce sines", proof=_CUT)

_FACTOR = measured(
    "factor of the adversarial term", lambda run: run.parts.adversarial_weight, lambda v: v < 0
)
_NOTHING = measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01)
replant("adversarial-term-subtracted", "denoise lsgan sines", proof=_FACTOR)
replant("pixel-weight-times-thousand", "inpaint lsgan stripes", proof=_NOTHING)
replant("reconstruction-drowns-adversary", "denoise lsgan sines")
replant("adversarial-term-times-ten-thousand", "inpaint lsgan shoes")
replant("feature-matching-times-ten-thousand", "denoise lsgan sines")
replant("cycle-term-times-ten-thousand", "inpaint hinge stripes")
replant("discriminator-start-beyond-the-run", "inpaint bce shoes")
