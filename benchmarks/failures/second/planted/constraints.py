"""Penalties, clipping and regularisers that are there and do nothing, or far too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.faults.base import (
    input_gradient_norm,
    measured,
    noted,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.parts import Case, Parts, r1_penalty
from benchmarks.failures.second.filed import second_fault
from benchmarks.failures.second.replanted import gradient_ratio

_FLAT = {
    "constant-discriminator": "its answer is nearly the same for every sample",
    "vanishing-generator-gradient": "a flat discriminator passes hardly any gradient",
    "frozen-network": "held to nothing, the discriminator hardly moves",
    "mode-collapse": "without a discriminator that objects the samples need not spread",
}


@second_fault(
    "penalty-without-graph",
    source="caogang/wgan-gp: create_graph=True is easily forgotten; PyTorch's documentation of autograd.grad",
    expected=("gradient-penalty-invalid", "critic-unconstrained"),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(Case("critic", "wgan-gp", "moons"),),
    proof=measured(
        "mean norm of the critic's input gradient (aim: 1)",
        lambda run: input_gradient_norm(run.parts),
        lambda v: v > 3,
    ),
)
def penalty_without_graph(parts: Parts) -> None:
    """The penalty is computed without create_graph: a number in the loss, without any gradient."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        alpha = torch.rand(len(real), *[1] * (real.dim() - 1))
        mixed = (alpha * real + (1 - alpha) * fake).detach().requires_grad_(True)
        gradients = torch.autograd.grad(critic(mixed).sum(), mixed)[0]
        return ((gradients.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    parts.penalty = penalty


@second_fault(
    "r1-times-ten-thousand",
    source="StyleGAN2 issues on R1 gamma far off its resolution's value; failures research D-FLAT class",
    expected=("uninformative-discriminator",),
    equivalents=_FLAT,
    forbidden=("perfect-discriminator", "critic-unconstrained"),
    kind="dynamics",
    cases=(Case("module", "bce", "mnist"), Case("epochs", "bce", "moons")),
    proof=quality_failed,
)
def r1_too_strong(parts: Parts) -> None:
    """R1 with a weight of 3000 at every step: the discriminator may not tell anything."""
    parts.penalty, parts.penalty_weight, parts.penalty_every = r1_penalty, 3000.0, 1
    parts.average_decay = None


@second_fault(
    "weights-clipped-to-nothing",
    source="Arjovsky et al. 2017, section on clipping: too small a bound makes gradients vanish",
    expected=("vanishing-generator-gradient", "uninformative-discriminator"),
    equivalents={
        "constant-discriminator": "weights of 1e-5 give every sample the same score",
        "frozen-network": "weights that are held within 1e-5 hardly move",
        "init-sanity": "weights of 1e-5 from the first step on",
        "generator-graph-cut": "through four layers of 1e-5 the gradient is below single precision: zero",
    },
    forbidden=("critic-unconstrained", "perfect-discriminator"),
    kind="wiring",
    cases=(Case("critic", "wgan-clip", "spirals"),),
    proof=quality_failed,
)
def clipped_to_nothing(parts: Parts) -> None:
    """The critic's weights are clipped at 1e-5 instead of 1e-2."""
    parts.clip_weights = 1e-5


@second_fault(
    "dropout-nine-tenths",
    source="soumith/ganhacks (dropout in D, taken too far); junyanz/pytorch-CycleGAN-and-pix2pix#188",
    expected=("uninformative-discriminator",),
    equivalents={
        "constant-discriminator": "through so much dropout it can hardly tell one sample from another",
        "mode-collapse": "a discriminator that sees a tenth of a sample cannot call for variety",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("epochs", "bce", "checkerboard"), Case("closures", "bce", "moons")),
    proof=quality_failed,
)
def dropout(parts: Parts) -> None:
    """Dropout of 0.9 after every layer of the discriminator (keep probability taken for drop probability)."""
    layers: list[nn.Module] = []
    for layer in parts.discriminator:
        layers += [layer, nn.Dropout(0.9)] if isinstance(layer, nn.LeakyReLU) else [layer]
    parts.discriminator = nn.Sequential(*layers)


@second_fault(
    "pixel-weight-times-thousand",
    source="krasserm/super-resolution#45 (content loss x 1000), CompVis/latent-diffusion#350",
    expected=("adversarial-weight-imbalance",),
    severity="info",
    kind="dynamics",
    cases=(Case("translation", "lsgan", "mnist"), Case("translation", "hinge", "cifar")),
    proof=measured(
        "norm of the adversarial term's gradient by the output over the pixel term's",
        gradient_ratio,
        lambda v: v < 0.01,
    ),
)
def pixel_weight(parts: Parts) -> None:
    """The absolute error has a thousand times its weight: the adversarial term does nothing. Harmless for the
    error, so that saying it at the level of information is enough."""
    parts.pixel_weight = 10_000.0


@second_fault(
    "adversarial-term-subtracted",
    source="Zeleni9/pytorch-wgan PR#53 (the sign), beside a pixel term",
    expected=("g-objective-sign",),
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(Case("translation", "lsgan", "cifar"), Case("translation", "bce", "mnist")),
    proof=noted("factor of the adversarial term", "factor", lambda v: v < 0),
)
def adversarial_subtracted(parts: Parts) -> None:
    """pixel - adversarial: the generator is paid for looking fake, the pixel term keeps it in place."""
    parts.adversarial_weight = -1.0
    parts.notes["factor"] = parts.adversarial_weight


@second_fault(
    "hinge-without-margin",
    source="failures research D-FLAT: a hinge met at the start (openclimatefix/skillful_nowcasting#1)",
    expected=("uninformative-discriminator", "constant-discriminator"),
    equivalents={
        "frozen-network": "a margin that is met by a constant leaves nothing to learn",
        "vanishing-generator-gradient": "a flat discriminator passes hardly any gradient",
        "mode-collapse": "the generator runs to what the flat discriminator likes best",
        "d-objective-sign": "with the margin on the wrong side both terms accept the same scores",
    },
    kind="wiring",
    cases=(Case("summed", "hinge", "moons"), Case("mixed", "hinge", "moons")),
    proof=quality_not_good,
)
def without_margin(parts: Parts) -> None:
    """relu(-1 - D(x)) and relu(-1 + D(G(z))): a margin of the wrong sign, met by every score near zero."""
    parts.loss.real = lambda s: functional.relu(-1 - s).mean()
    parts.loss.fake = lambda s: functional.relu(-1 + s).mean()
