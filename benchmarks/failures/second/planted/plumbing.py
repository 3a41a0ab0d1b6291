"""Gradients, optimizers and buffers of fakes, in forms that the first corpus does not have."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    discriminator_unchanged,
    generator_unchanged,
    measured,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.parts import Case, Parts
from benchmarks.failures.second.filed import second_fault


@second_fault(
    "discriminator-rate-zero",
    source="keras-team/keras#4943 (trainable flag and learning rate)",
    expected=("frozen-network", "optimizer-hparams"),
    equivalents={
        "uninformative-discriminator": "a network that never learned tells nothing",
        "constant-discriminator": "it never changes its answer",
    },
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("module", "hinge", "colour"), Case("closures", "lsgan", "gaussians")),
    proof=discriminator_unchanged,
)
def rate_zero(parts: Parts) -> None:
    """The discriminator's learning rate is zero (a warm-up that was never stepped)."""
    make = parts.optimizers

    def stopped(generator: nn.Module, discriminator: nn.Module) -> Any:
        opt_g, opt_d = make(generator, discriminator)
        for group in opt_d.param_groups:
            group["lr"] = 0.0
        return opt_g, opt_d

    parts.optimizers = stopped


@second_fault(
    "generator-weight-decay-fifty",
    source="failures research check 23: optimizer settings outside published use",
    expected=("optimizer-hparams",),
    equivalents={
        "mode-collapse": "weights that are decayed to nothing answer every latent alike",
        "z-ignored": "weights that are decayed to nothing do not pass the latent on",
        "vanishing-generator-gradient": "weights that are decayed to nothing pass no gradient",
        "bn-erases-latent": "weights that are decayed to nothing flatten the batch",
    },
    kind="dynamics",
    cases=(Case("closures", "bce", "spirals"), Case("summed", "hinge", "moons")),
    proof=quality_failed,
)
def weight_decay(parts: Parts) -> None:
    """AdamW with a weight decay of 50 for the generator: a twentieth of every weight is lost a step."""
    make = parts.optimizers

    def decayed(generator: nn.Module, discriminator: nn.Module) -> Any:
        _, opt_d = make(generator, discriminator)
        return torch.optim.AdamW(generator.parameters(), lr=1e-3, betas=(0.0, 0.99), weight_decay=50.0), opt_d

    parts.optimizers = decayed


@second_fault(
    "momentum-point-nine-nine",
    source="failures research check 23; failures research A: beta1 swapped with beta2",
    expected=("optimizer-hparams",),
    equivalents={
        "instability": "so much momentum carries both players past every solution",
        "oscillation": "so much momentum carries both players past every solution and back",
        "mode-collapse": "the generator runs after its momentum to one point",
        "late-collapse": "it passes a good state on its way and loses it",
    },
    kind="dynamics",
    cases=(Case("closures", "bce", "moons"), Case("epochs", "bce", "mnist", network="flat")),
    proof=quality_not_good,
)
def momentum(parts: Parts) -> None:
    """Adam's betas exchanged and rounded: (0.99, 0.9) at a rate of 2e-3."""

    def make(generator: nn.Module, discriminator: nn.Module) -> Any:
        return (
            torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.99, 0.9)),
            torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.99, 0.9)),
        )

    parts.optimizers = make


@second_fault(
    "discriminator-gradient-clipped-to-nothing",
    source="lksshw/SRNet#18 (gradients clamped until the losses stand still), at one player only",
    expected=("frozen-network", "uninformative-discriminator"),
    equivalents={
        "optimizer-hparams": "the setting that does it",
        "constant-discriminator": "it always answers what it answered at the start",
        "mode-collapse": "the generator runs to the point that an untrained discriminator likes best",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("closures", "lsgan", "cancer"), Case("summed", "hinge", "moons")),
    proof=quality_not_good,
)
def clipped_discriminator(parts: Parts) -> None:
    """clip_grad_norm_ with 1e-4 at the discriminator, which is trained with plain SGD."""
    own = {id(p) for p in parts.discriminator.parameters()}
    make = parts.optimizers

    def clip(parameters: Any) -> None:
        kept = [p for p in parameters if id(p) in own and p.grad is not None]
        if kept:
            torch.nn.utils.clip_grad_norm_(kept, 1e-4)

    def sgd(generator: nn.Module, discriminator: nn.Module) -> Any:
        return make(generator, discriminator)[0], torch.optim.SGD(discriminator.parameters(), lr=0.05)

    parts.clip_gradients, parts.optimizers = clip, sgd


@second_fault(
    "optimizer-of-the-other-network",
    source="soumith/ganhacks#29; a copied line with the wrong network's parameters",
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "no optimizer owns the generator, so it never moves"},
    kind="wiring",
    cases=(
        Case("closures", "bce", "moons"),
        Case("sequence", "bce", "ecg"),
    ),
    proof=generator_unchanged,
)
def other_network(parts: Parts) -> None:
    """The generator's optimizer was made with the discriminator's parameters."""
    make = parts.optimizers
    parts.optimizers = lambda generator, discriminator: make(discriminator, discriminator)


@second_fault(
    "zeroed-between-backward-and-step",
    source="Lightning-AI/pytorch-lightning#591, #6282 (the order of zero_grad, backward and step)",
    expected=("frozen-network",),
    equivalents={"generator-graph-cut": "no gradient is there when the generator's optimizer steps"},
    kind="wiring",
    cases=(Case("epochs", "bce", "colour"), Case("mixed", "hinge", "gaussians")),
    proof=generator_unchanged,
)
def zeroed_too_late(parts: Any) -> None:
    """zero_grad after backward and before step: the steps are taken without gradients."""
    parts.zero_before_step = True


@second_fault(
    "replayed-fakes",
    source="CycleGAN's image pool, never refilled; rotation of stale fakes",
    expected=("batch-repeat",),
    equivalents={
        "uninformative-discriminator": "of the generator's present samples it has seen nothing",
        "mode-collapse": "the generator runs to what a discriminator of old fakes likes best",
        "instability": "nobody stops the generator, so it runs away",
        "role-undecided": "the stored fakes do not come from the generator's last batch",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("closures", "bce", "moons"), Case("closures", "lsgan", "cancer")),
    proof=quality_failed,
)
def replayed(parts: Any) -> None:
    """The pool of fakes is filled in the first eight steps and never refreshed; nothing else is shown to the
    discriminator."""
    parts.replayed = 8


class _ToPixels(nn.Module):
    """Rounds to whole pixels as an image file would; its gradient is zero."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * 127.5).round() / 127.5


@second_fault(
    "rounded-fakes",
    source="a quantising step in the generator; failures research PLUMBING class: adversarial gradient zero",
    expected=("generator-graph-cut",),
    equivalents={
        "vanishing-generator-gradient": "the gradient arrives at the output and is zero behind the rounding",
        "frozen-network": "the generator's weights never move",
    },
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(Case("summed", "hinge", "colour"),),
    proof=generator_unchanged,
)
def rounded(parts: Parts) -> None:
    """The generator rounds its output to whole pixels: a step function, so the gradient behind it is zero."""
    parts.generator = nn.Sequential(*parts.generator, _ToPixels())


@second_fault(
    "augmentation-without-gradient",
    source="data-efficient GANs (Zhao et al. 2020): the augmentation must be differentiable",
    expected=("generator-graph-cut",),
    equivalents={"frozen-network": "without any other loss the generator's weights never move"},
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(Case("epochs", "bce", "spirals"),),
    proof=measured(
        "gradient through the augmentation",
        lambda run: float(run.parts.augment(torch.ones(4, 2, requires_grad=True)).requires_grad),
        lambda v: v == 0.0,
    ),
)
def augmentation_without_gradient(parts: Parts) -> None:
    """Both batches are augmented (noise), but under no_grad: the generator's gradient ends there."""

    def augment(x: Tensor) -> Tensor:
        with torch.no_grad():
            return x + 0.05 * torch.randn_like(x)

    parts.augment = augment
