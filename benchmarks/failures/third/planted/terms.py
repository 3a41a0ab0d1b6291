"""Terms beside the adversarial one: weights that are wrong, gradients that are missing."""

from __future__ import annotations

import torch

from benchmarks.failures.faults.base import (
    Finished,
    measured,
    noted,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts

_ADVERSARIAL = "norm of the adversarial term's gradient by the generator's weights over the other term's"


def term_ratio(run: Finished) -> float:
    """Of the terms as the loop weights them, on a new batch."""
    weights = [p for p in run.parts.generator.parameters() if p.requires_grad]
    norms = []
    for position in (0, 1):
        term = run.parts.terms()[position]
        grads = torch.autograd.grad(term, weights, allow_unused=True)
        norms.append(torch.stack([g.norm() for g in grads if g is not None]).norm())
    return float(norms[0] / norms[1].clamp_min(1e-12))


@third_fault(
    "reconstruction-drowns-adversary",
    source="krasserm/super-resolution#45 (content loss x 1000); a mean that became a sum",
    expected=("adversarial-weight-imbalance",),
    severity="info",
    kind="dynamics",
    cases=(
        Case("autoencoder", "bce", "swissroll"),
        Case("vocoder", "lsgan", "waves"),
    ),
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.05),
)
def reconstruction_sum(parts: ThirdParts) -> None:
    """The other term is summed instead of averaged (times two thousand): the adversarial one does nothing."""
    parts.pixel_weight *= 2000.0


@third_fault(
    "adversarial-term-times-ten-thousand",
    source="CompVis/latent-diffusion#350",
    b5=("adversarial weight x10",),
    expected=("adversarial-weight-imbalance",),
    equivalents={
        "instability": "driven by the adversarial term alone the distance swings",
        "uninformative-discriminator": "beside so large a weight nothing else counts",
        "mode-collapse": "without the other term in effect the outputs need not follow the inputs",
    },
    kind="dynamics",
    cases=(Case("superres", "ragan", "patches"),),
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v > 2),
)
def adversarial_weight(parts: ThirdParts) -> None:
    """The adversarial term has ten thousand times its weight (5e-3 was typed as 5e+1)."""
    parts.adversarial_weight *= 10_000.0


@third_fault(
    "adversarial-cut-beside-distance",
    source="nikhilsinghmus/image2reverb#37",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents={"adversarial-weight-imbalance": "beside the distance the adversarial term weighs nothing"},
    kind="wiring",
    cases=(Case("vocoder", "lsgan", "waves"),),
    proof=noted("whether the adversarial term carries a gradient", "carries", lambda v: v == 0.0),
)
def cut_beside_distance(parts: ThirdParts) -> None:
    """The fakes are detached for the adversarial (and feature) terms; the distance still trains."""
    parts.detach_for_generator = True
    parts.notes["carries"] = 0.0


_AUXILIARY = {
    "mode-collapse": "one point of each class satisfies the auxiliary term",
    "instability": "the generator is pushed about by the class alone",
    "uninformative-discriminator": "what the generator follows is not the question of real and fake",
    "perfect-discriminator": "the generator does not care for being real",
}


@third_fault(
    "auxiliary-term-times-hundred",
    source="CompVis/latent-diffusion#350 (the other term); ACGAN's lambda",
    b5=("adversarial weight x10",),
    expected=("adversarial-weight-imbalance",),
    equivalents=_AUXILIARY,
    kind="dynamics",
    cases=(Case("auxiliary", "bce", "rings"),),
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.2),
)
def auxiliary_weight(parts: ThirdParts) -> None:
    """The class term of the generator has three hundred times its weight."""
    parts.auxiliary_weight = 300.0


@third_fault(
    "auxiliary-term-forgotten",
    source="opendp/smartnoise-sdk PR#288 (the condition is ignored)",
    expected=("condition-ignored",),
    kind="wiring",
    cases=(
        Case("auxiliary", "bce", "survey"),
        Case("auxiliary", "lsgan", "rings"),
    ),
    proof=measured(
        "share of the samples that have the wanted class",
        lambda run: run.outcome.get("label_agreement", 1.0),
        lambda v: v < 0.6,
    ),
)
def auxiliary_forgotten(parts: ThirdParts) -> None:
    """The generator's loss lacks the class term: nothing asks it for the wanted class."""
    parts.auxiliary_for_generator = False
