"""Optimizers, schedules and gradients that do not do what their lines say."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults.base import (
    Finished,
    discriminator_unchanged,
    generator_unchanged,
    measured,
    noted,
    quality_not_good,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts

_FROZEN_D = {
    "optimizer-scope": "the cause: an optimizer that does not own the weights",
    "uninformative-discriminator": "a network that never learned tells nothing",
    "constant-discriminator": "it never changes its answer",
    "mode-collapse": "the generator runs to the point that an untrained discriminator likes best",
}


def _unmoved(run: Finished) -> float:
    """Share of a network's weights that are what they were before the first step."""
    network, start = run.parts.notes["network"], run.parts.notes["start"]
    now = dict(network.named_parameters())
    same = sum(p.numel() for name, p in now.items() if torch.equal(p.detach(), start[name]))
    return same / sum(p.numel() for p in now.values())


def _remember(parts: ThirdParts, network: nn.Module) -> None:
    parts.notes["network"] = network
    parts.notes["start"] = {name: p.detach().clone() for name, p in network.named_parameters()}


@third_fault(
    "head-replaced-after-optimizer",
    source="keras-team/keras#4943; transfer learning scripts that exchange a head",
    b5=("frozen D/G",),
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "the layer that no optimizer owns never moves"},
    kind="wiring",
    cases=(
        Case("valid", "bce", "shapes"),
        Case("model", "hinge", "swissroll"),
    ),
    proof=measured("share of the generator's weights that never moved", _unmoved, lambda v: v > 0.01),
)
def head_replaced(parts: ThirdParts) -> None:
    """The generator's first layer is made anew after the optimizers were: the new one is in none of them."""
    make = parts.optimizers

    def before(generator: nn.Module, discriminator: nn.Module) -> Any:
        pair = make(generator, discriminator)
        old = generator[0]
        generator[0] = nn.Linear(old.in_features, old.out_features)
        _remember(parts, generator)
        return pair

    parts.optimizers = before


@third_fault(
    "mapping-not-in-optimizer",
    source="soumith/ganhacks#29 (the other way round); StyleGAN ports with one group for the synthesis",
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "the layers that no optimizer owns never move"},
    kind="wiring",
    cases=(
        Case("phases", "logistic", "swissroll"),
        Case("phases", "logistic", "waves"),
    ),
    proof=measured("share of the generator's weights that never moved", _unmoved, lambda v: v > 0.05),
)
def mapping_left_out(parts: ThirdParts) -> None:
    """The generator's optimizer was given the synthesis network's parameters only."""
    make = parts.optimizers
    _remember(parts, parts.generator)
    parts.optimizers = lambda generator, discriminator: make(generator.synthesis, discriminator)


class _Hidden(nn.Module):
    """Blocks in a plain list: `parameters()` does not know them."""

    def __init__(self, layers: list[nn.Module], hidden: range) -> None:
        super().__init__()
        self.enter = nn.Sequential(*layers[: hidden.start])
        self.blocks = [layers[position] for position in hidden]
        self.leave = nn.Sequential(*layers[hidden.stop :])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(x)


@third_fault(
    "blocks-in-a-plain-list",
    source="PyTorch's documentation of ModuleList; soumith/ganhacks#29 (parameters that are not given)",
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "the blocks in the list never move"},
    kind="wiring",
    cases=(
        Case("model", "lsgan", "rings"),
        Case("valid", "bce", "swissroll"),
    ),
    proof=noted("weights that parameters() does not list, over those it does", "hidden", lambda v: v > 0.1),
)
def plain_list(parts: ThirdParts) -> None:
    """The generator keeps two blocks in a Python list: they are never trained, saved or moved."""
    whole = sum(p.numel() for p in parts.generator.parameters())
    parts.generator = _Hidden(list(parts.generator), range(2, 5))
    seen = sum(p.numel() for p in parts.generator.parameters())
    parts.notes["hidden"] = (whole - seen) / seen


@third_fault(
    "optimizer-of-the-twin",
    source="junyanz/pytorch-CycleGAN-and-pix2pix forks: D_A twice; soumith/ganhacks#29",
    b5=("frozen D/G",),
    expected=("frozen-network", "optimizer-scope"),
    equivalents=_FROZEN_D,
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("cycle", "lsgan", "rings"),),
    proof=discriminator_unchanged,
)
def twin(parts: ThirdParts) -> None:
    """The optimizer of D_B was given the parameters of D_A: D_B is never trained."""
    parts.optimizer_of_twin = True


def _shared(run: Finished) -> float:
    own = {id(p) for p in run.parts.generator.parameters()}
    return float(sum(id(p) in own for p in run.parts.discriminator.parameters()))


@third_fault(
    "embedding-shared-by-both",
    source="soumith/ganhacks#29 (weights in both optimizers); one nn.Embedding made for both networks",
    b5=("optimiser holds both nets",),
    expected=("optimizer-scope",),
    kind="wiring",
    cases=(
        Case("wrapper", "hinge", "rings"),
        Case("wrapper", "hinge", "survey"),
    ),
    proof=measured("parameters that both networks own", _shared, lambda v: v >= 1),
)
def shared_embedding(parts: ThirdParts) -> None:
    """Generator and discriminator look the label up in the same embedding: each step trains the other."""
    size = parts.generator.shared.embedding_dim
    parts.discriminator.embed = parts.generator.shared
    parts.discriminator.trunk.append(nn.Linear(parts.discriminator.linear.in_features, size))
    parts.discriminator.linear = nn.Linear(size, 1)


@third_fault(
    "zeroed-under-the-print",
    source="Lightning-AI/pytorch-lightning#591; an accumulation window without its step",
    b5=("no zero_grad",),
    expected=("stale-gradients",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "rings"),
        Case("model", "lsgan", "swissroll"),
    ),
    proof=quality_not_good,
)
def zeroed_seldom(parts: ThirdParts) -> None:
    """zero_grad stands under the `if` that prints: gradients add up over four hundred steps."""
    parts.zero_every = 400


@third_fault(
    "step-before-backward",
    source="Lightning-AI/pytorch-lightning#6282 (the order of zero_grad, backward and step)",
    expected=("frozen-network",),
    equivalents={"generator-graph-cut": "no gradient is there when the generator's optimizer steps"},
    kind="wiring",
    cases=(Case("valid", "lsgan", "survey"),),
    proof=generator_unchanged,
)
def step_first(parts: ThirdParts) -> None:
    """zero_grad, step, backward: every step is taken without a gradient."""
    parts.step_before_backward = True


@third_fault(
    "discriminator-never-thawed",
    source="keras-team/keras#4943 (trainable flag); `loss.requires_grad_(True)` as the answer to an error",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents=_FROZEN_D,
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(
        Case("model", "bce", "rings"),
        Case("model", "lsgan", "waves"),
    ),
    proof=measured(
        "relative change of the discriminator", lambda run: run.discriminator_change, lambda v: v < 0.1
    ),
)
def never_thawed(parts: ThirdParts) -> None:
    """set_requires_grad(netD, False) in backward_G is never taken back; the error that follows was silenced
    by loss_D.requires_grad_(True)."""
    parts.toggle = "never-thawed"


@third_fault(
    "wrong-network-frozen",
    source="a copied set_requires_grad with netG for netD; wangle53/CSA-CDGAN#5 (the effect)",
    b5=("frozen D/G",),
    expected=("frozen-network", "generator-graph-cut"),
    equivalents={"optimizer-scope": "the weights in the generator's optimizer are not trainable"},
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("model", "lsgan", "rings"),
        Case("model", "bce", "survey"),
    ),
    proof=generator_unchanged,
)
def wrong_frozen(parts: ThirdParts) -> None:
    """set_requires_grad(self.netG, False) where netD was meant: the generator gets no gradient."""
    parts.toggle = "generator"
