"""Layers and initialisations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import Finished, measured, noted, quality_failed
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case


def _blank(run: Finished) -> float:
    run.parts.generator.train()
    with torch.no_grad():
        made = run.parts.generator(run.parts.latent(128))
    return float((made == 0).float().mean())


@fourth_fault(
    "dropout-after-the-output",
    source="pix2pix ports (dropout as the source of noise) with the layer one line too far down (recalled)",
    expected=("eval-drift", "perfect-discriminator"),
    equivalents={
        "vanishing-generator-gradient": "zeros give every fake away, and little gradient is left",
        "range-mismatch": "what is kept is scaled beyond the range of the data",
    },
    kind="wiring",
    cases=(Case("stepping", "lsgan", "tiles"),),
    proof=measured("share of generated values that are exactly zero", _blank, lambda v: v > 0.3),
)
def dropout_after(parts: FourthParts) -> None:
    """Dropout of one half behind the generator's output: half of every sample is zero in training, and none
    of it when samples are drawn."""
    parts.generator = nn.Sequential(*parts.generator, nn.Dropout(0.5))


@fourth_fault(
    "discriminator-weights-times-fifty",
    source="Hands-On GANs with PyTorch#1 (initialisation); a gain taken for a deviation",
    b5=("init not called",),
    expected=("init-sanity",),
    equivalents={
        "perfect-discriminator": "scores of thousands: it is sure of everything from the start",
        "vanishing-generator-gradient": "scores of thousands saturate the loss",
        "exploding-gradient": "gradients of thousands from the first step on",
        "instability": "gradients of thousands throw the generator about",
        "critic-magnitude-race": "scores of thousands",
    },
    kind="wiring",
    cases=(Case("combined", "bce", "pinwheel"),),
    proof=noted("largest deviation of a layer's weights at the start", "deviation", lambda v: v > 2.0),
)
def weights_too_large(parts: FourthParts) -> None:
    """Every weight of the discriminator starts fifty times too large (gain=50)."""
    spreads = []
    with torch.no_grad():
        for module in parts.discriminator.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.weight.mul_(50.0)
                spreads.append(float(module.weight.std()))
    parts.notes["deviation"] = max(spreads)


@fourth_fault(
    "generator-weights-near-zero",
    source="Hands-On GANs with PyTorch#1 (initialisation): N(0, 1e-4) for N(0, 0.02)",
    b5=("init not called",),
    expected=("init-sanity",),
    equivalents={
        "z-ignored": "through weights near zero nothing of the latent arrives",
        "mode-collapse": "through weights near zero all samples are one",
        "vanishing-generator-gradient": "weights near zero pass no gradient",
        "bn-erases-latent": "behind the first layers one latent is like another",
    },
    kind="wiring",
    cases=(
        Case("stepping", "lsgan", "grid"),
        Case("diters", "wgan-clip", "diabetes"),
    ),
    proof=noted("largest deviation of a layer's weights at the start", "deviation", lambda v: v < 1e-3),
)
def weights_near_zero(parts: FourthParts) -> None:
    """Every layer of the generator starts with N(0, 1e-4) weights and zero biases."""
    spreads = []
    for module in parts.generator.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 1e-4)
            nn.init.zeros_(module.bias)
            spreads.append(float(module.weight.detach().std()))
    parts.notes["deviation"] = max(spreads)


class _OneForAll(nn.Module):
    """`z[0]` for `z`: the batch is expanded from its first latent."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z[0].expand_as(z))


@fourth_fault(
    "first-latent-for-the-batch",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#152 (the latent does not matter); z[0] for z in forward",
    b5=("constant z",),
    expected=("mode-collapse", "z-ignored"),
    equivalents={
        "batch-coupling": "every sample depends on the first one's latent",
        "batch-repeat": "every batch of fakes is one sample, repeated",
        "perfect-discriminator": "batches of one sample are easily told",
    },
    kind="wiring",
    cases=(
        Case("switcher", "hinge", "pinwheel"),
        Case("packed", "bce", "diabetes"),
    ),
    proof=measured("spread of the samples", lambda run: run.outcome.get("spread", 1.0), lambda v: v < 0.3),
)
def first_latent(parts: FourthParts) -> None:
    """The generator uses the first latent of a batch for all of its samples."""
    parts.generator = _OneForAll(parts.generator)


class _Frozen(nn.Module):
    """A fixed, random first layer of eight units that are nearly one: a bottleneck that loses the latent."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(latent, 1).requires_grad_(False)

    def forward(self, z: Tensor) -> Tensor:
        return self.squeeze(z).expand_as(z)


@fourth_fault(
    "latent-through-one-number",
    source="failures research COLLAPSE class; a bottleneck of one unit (nz=1) in front of the generator",
    expected=("mode-collapse",),
    equivalents={
        "z-ignored": "all but one direction of the latent is lost",
        "perfect-discriminator": "samples along one line are easily told",
        "bn-erases-latent": "in front of the generator most of the latent is lost",
    },
    kind="wiring",
    cases=(Case("stepping", "bce", "diabetes"),),
    proof=quality_failed,
)
def one_number(parts: FourthParts) -> None:
    """The latent passes a fixed layer of a single unit: all samples lie on one curve."""
    parts.generator = nn.Sequential(_Frozen(parts.latent_size), *parts.generator)
