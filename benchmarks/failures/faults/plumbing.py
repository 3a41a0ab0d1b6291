"""Gradients and optimizers that do not go where they should."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn

from benchmarks.failures.faults.base import (
    Finished,
    discriminator_unchanged,
    fault,
    generator_unchanged,
    measured,
    noted,
    quality_not_good,
)
from benchmarks.failures.parts import Case, Optimizers, Parts


@fault(
    "detached-in-generator-step",
    source="nikhilsinghmus/image2reverb#37, wangle53/CSA-CDGAN#5",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents={"frozen-network": "without any other loss the generator's weights never move"},
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "digits"),
        Case("relativistic", "rahinge", "ring"),
        Case("conditional", "bce", "digits"),
    ),
    proof=generator_unchanged,
)
def detached_in_generator_step(parts: Parts) -> None:
    """The fakes are detached in the generator's step as well: its adversarial gradient is exactly zero."""
    parts.detach_for_generator = True


@fault(
    "detached-beside-pixel-loss",
    source="nikhilsinghmus/image2reverb#37",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    kind="wiring",
    cases=(Case("composite", "lsgan", "digits"), Case("composite", "hinge", "fashion")),
    proof=noted(
        "share of the generator's passes through the discriminator that carry a gradient",
        "with_gradient",
        lambda v: v == 0.0,
    ),
)
def detached_beside_pixel_loss(parts: Parts) -> None:
    """The adversarial term sees detached fakes; the L1 term still trains, so the loss falls and nobody
    notices."""
    parts.detach_for_generator = True
    passes = []

    def look(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        if torch.is_grad_enabled() and not next(module.parameters()).requires_grad:  # the generator's step
            passes.append(output.requires_grad)
            parts.notes["with_gradient"] = sum(passes) / len(passes)

    parts.discriminator.register_forward_hook(look)


def _accumulated(run: Finished) -> float:
    """Norm of the gradient left in the discriminator over that of a single batch."""
    network = run.parts.discriminator
    left = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm()
    for p in network.parameters():
        p.grad = None
    real, fake = next(run.parts.batches)[0], run.parts.generator(run.parts.latent(64)).detach()
    run.parts.loss.discriminator(network(real), network(fake)).backward()
    single = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm()
    return float(left / single.clamp_min(1e-12))


@fault(
    "discriminator-never-zeroed",
    source="Adversarial-Deep-Learning/code-soup#69",
    b5=("no zero_grad",),
    expected=("stale-gradients",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("class-trainer", "hinge", "digits", network="flat")),
    proof=quality_not_good,
)
def discriminator_never_zeroed(parts: Parts) -> None:
    """No zero_grad for the discriminator: its gradients of all steps, and the generator's passes, add up."""
    parts.zero_discriminator = False


@fault(
    "generator-never-zeroed",
    source="Adversarial-Deep-Learning/code-soup#69",
    b5=("no zero_grad",),
    expected=("stale-gradients",),
    kind="wiring",
    cases=(Case("concatenated", "bce", "ring"), Case("tabular", "bce", "table")),
    proof=quality_not_good,
)
def generator_never_zeroed(parts: Parts) -> None:
    """No zero_grad for the generator."""
    parts.zero_generator = False


@fault(
    "zeroed-only-after-own-step",
    source="Lightning-AI/pytorch-lightning#591",
    b5=("no zero_grad",),
    expected=("stale-gradients",),
    kind="wiring",
    cases=(Case("class-trainer", "lsgan", "digits", network="flat"), Case("tutorial", "bce", "ring")),
    proof=measured(
        "gradient of the generator's loss waiting in the discriminator at its next step",
        lambda run: sum(
            float(p.grad.abs().sum()) for p in run.parts.discriminator.parameters() if p.grad is not None
        ),
        lambda v: v > 0,
    ),
)
def zeroed_only_after_own_step(parts: Parts) -> None:
    """Each optimizer zeroes its gradients after its own step only; the generator's backward leaves its
    gradient in the discriminator, which then takes it along in its next step."""
    parts.zero_after_step = True
    parts.zero_discriminator = parts.zero_generator = False


def _owned_share(run: Finished) -> float:
    optimizer = run.parts.optimizers(run.parts.generator, run.parts.discriminator)[0]
    owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
    weights = list(run.parts.discriminator.parameters())
    return sum(p.numel() for p in weights if id(p) in owned) / sum(p.numel() for p in weights)


@fault(
    "optimizer-holds-both",
    source="soumith/ganhacks#29",
    b5=("optimiser holds both nets",),
    expected=("optimizer-scope",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("conditional", "bce", "digits")),
    proof=measured(
        "share of the discriminator's weights that the generator's optimizer owns",
        lambda run: _owned_share(run),
        lambda v: v > 0.0,
    ),
)
def optimizer_holds_both(parts: Parts) -> None:
    """The generator's optimizer also updates the discriminator, which then helps the generator."""
    make = parts.optimizers

    def both(generator: nn.Module, discriminator: nn.Module) -> Optimizers:
        opt_g, opt_d = make(generator, discriminator)
        options = {k: v for k, v in opt_g.defaults.items() if k in ("lr", "betas")}
        return torch.optim.Adam(
            itertools.chain(generator.parameters(), discriminator.parameters()), **options
        ), opt_d

    parts.optimizers = both


def _untouched_share(run: Finished) -> float:
    start = run.parts.notes["generator_start"]
    now = dict(run.parts.generator.named_parameters())
    same = sum(p.numel() for name, p in now.items() if torch.equal(p.detach(), start[name]))
    return same / sum(p.numel() for p in now.values())


@fault(
    "optimizer-misses-layers",
    source="soumith/ganhacks#29 (the other way round)",
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "the layers that no optimizer owns never move"},
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits"), Case("tabular", "bce", "table")),
    proof=measured("share of the generator's weights that never moved", _untouched_share, lambda v: v > 0.1),
)
def optimizer_misses_layers(parts: Parts) -> None:
    """The generator's optimizer was given its last layer only (a list of blocks kept outside ModuleList, a
    filter)."""
    make = parts.optimizers
    parts.notes["generator_start"] = {n: p.detach().clone() for n, p in parts.generator.named_parameters()}

    def partial(generator: nn.Module, discriminator: nn.Module) -> Optimizers:
        last = list(generator.parameters())[-2:]
        return torch.optim.Adam(last, lr=1e-3, betas=(0.5, 0.99)), make(generator, discriminator)[1]

    parts.optimizers = partial


@fault(
    "frozen-discriminator",
    source="keras-team/keras#4943, eriklindernoren/Keras-GAN#91",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents={
        "optimizer-scope": "the cause: the optimizer owns the weights of another network",
        "uninformative-discriminator": "a network that never learned tells nothing",
        "constant-discriminator": "it never changes its answer; freezing is the cause that this names",
    },
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "ring"),
        Case("class-trainer", "hinge", "digits", network="flat"),
        Case("wasserstein", "wgan-gp", "table"),
    ),
    proof=discriminator_unchanged,
)
def frozen_discriminator(parts: Parts) -> None:
    """The discriminator's optimizer was made for a network that was rebuilt afterwards: it steps on dead
    weights."""
    make = parts.optimizers
    parts.optimizers = lambda generator, discriminator: make(generator, copy.deepcopy(discriminator))


@fault(
    "frozen-generator",
    source="mlpack/mlpack PR#1933, keras-team/keras#4943",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents={"optimizer-scope": "the cause: the optimizer owns the weights of another network"},
    forbidden=("generator-graph-cut",),
    kind="wiring",
    cases=(Case("concatenated", "bce", "digits", network="flat"), Case("tabular", "bce", "sequence")),
    proof=generator_unchanged,
)
def frozen_generator(parts: Parts) -> None:
    """The generator's optimizer was made for a network that was rebuilt afterwards."""
    make = parts.optimizers
    parts.optimizers = lambda generator, discriminator: make(copy.deepcopy(generator), discriminator)
