"""Operators of the first corpus in loops, on data and with networks that it did not have.

What each does, its expected names, equivalents and proof are the first corpus's own; only the cases are new.
Where an operator builds a network of its own, it is built anew here for the new shapes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import Finished, measured, noted
from benchmarks.failures.parts import Parts
from benchmarks.failures.second import networks
from benchmarks.failures.second.filed import replant

# -- wiring ----------------------------------------------------------------------------------------
replant("double-sigmoid", "closures bce moons", "epochs bce mnist flat")
replant("sigmoid-on-critic", "critic wgan-gp spirals", "summed hinge colour spectral")
replant("sigmoid-and-bce-loss", "epochs bce-sigmoid checkerboard")
replant("clamped-logarithm", "epochs bce-sigmoid mnist flat")
replant("generator-target-is-fake-label", "epochs bce mnist groupnorm")
replant("generator-sign-flipped", "sequence hinge ecg")
replant("relativistic-generator-arguments-swapped", "module rpgan moons")
replant("discriminator-fake-target-is-real", "closures bce cancer")
replant("hinge-fake-term-copied", "projected hinge colour")
replant("targets-broadcast", "summed lsgan moons")

# -- balance ---------------------------------------------------------------------------------------
replant("perfect-discriminator-saturating-loss", "critic minimax mnist", "critic minimax colour")
replant("perfect-discriminator-tiny-generator-step", "epochs bce cifar", "sequence bce ecg")
replant("gradient-dies-in-generator", "closures lsgan cancer")
replant("discriminator-too-weak", "closures bce moons", "summed hinge spirals")
replant("discriminator-started-late", "translation hinge mnist")
replant("rotation", "closures bce moons dirac")
replant("late-collapse", "closures bce moons", "epochs bce mnist flat")

# -- diversity -------------------------------------------------------------------------------------
replant("collapse-to-one", "epochs bce checkerboard", "closures bce spirals")
replant("collapse-to-three", "closures bce spirals", "epochs bce mnist flat")
replant("collapsed-and-blind", "summed bce moons", "epochs lsgan spirals")
replant("tiny-data", "epochs bce mnist flat")
replant("tiny-table", "closures bce cancer")
replant("augmentation-without-cap", "module bce mnist flat")

# -- numerics --------------------------------------------------------------------------------------
replant("half-precision-overflow", "mixed hinge gaussians")
replant("logarithm-of-zero", "epochs bce mnist flat")
replant("learning-rates-times-hundred", "closures bce moons", "mixed hinge mnist")
replant("discriminator-rate-times-thousand", "summed lsgan cancer")
replant("discriminator-rate-starved", "module hinge mnist")
replant("momentum-without-regulariser", "closures bce checkerboard")
replant("schedule-stepped-every-batch", "epochs lsgan mnist")

# -- constraint ------------------------------------------------------------------------------------
replant("penalty-over-wrong-axis", "critic wgan-gp colour")
replant("penalty-over-whole-batch", "critic wgan-gp spirals")
replant("penalty-alpha-normal", "critic wgan-gp mnist")
replant("penalty-root-of-zero", "critic wgan-gp gaussians")
replant("penalty-never-due", "critic wgan-gp spirals")
replant("weights-not-clipped", "critic wgan-clip moons")
replant("critic-magnitude-race", "closures wgan-gp cancer")
replant("gradient-clipped-to-nothing", "closures bce moons")
replant("wasserstein-with-large-rate", "sequence wgan-clip ecg")

# -- normalisation ---------------------------------------------------------------------------------
replant("batchnorm-in-penalised-critic", "critic wgan-gp gaussians")
replant("normalisation-erases-latent", "closures bce gaussians")
replant("batchnorm-before-first-activation", "closures bce moons")
replant("average-without-buffers", "module hinge mnist")
replant("average-too-slow", "module bce moons")
replant("stale-running-statistics", "epochs bce mnist")
replant("deconvolution-overlap", "epochs lsgan mnist")
replant("init-misses-layers", "epochs bce cifar")
replant("batchnorm-scale-near-zero", "epochs bce mnist")
replant("dead-relu-generator", "closures lsgan cancer")
replant("saturated-tanh", "epochs bce mnist flat")

# -- data ------------------------------------------------------------------------------------------
replant("unit-range-reals", "epochs bce cifar")
replant("unscaled-reals", "sequence bce ecg")
replant("unstandardised-table", "closures bce cancer")
replant("mean-and-deviation-normalised-reals", "module hinge mnist")
replant("lattice", "epochs bce cifar")
replant("sampling-from-another-law", "closures bce moons")
replant("sampling-three-times-as-wide", "summed hinge mnist")
replant("constant-latent", "epochs bce moons")
replant("first-batch-for-ever", "epochs bce mnist")
replant("sorted-and-unshuffled", "epochs bce mnist")
replant("duplicated-reals", "sequence bce ecg")
replant("labels-shuffled", "projected bce colour", "projected hinge checkerboard")
replant("label-not-used-by-discriminator", "projected hinge mnist")
replant("missing-values", "sequence bce ecg")
replant("corrupt-records", "closures bce cancer")

# -- plumbing --------------------------------------------------------------------------------------
replant("detached-in-generator-step", "projected hinge mnist")
replant("discriminator-never-zeroed", "closures lsgan cancer")
replant("generator-never-zeroed", "epochs bce moons")
replant("zeroed-only-after-own-step", "summed lsgan mnist")
replant("optimizer-holds-both", "module bce mnist")
replant("optimizer-misses-layers", "epochs lsgan mnist groupnorm")
replant("frozen-discriminator", "epochs bce checkerboard")
replant("frozen-generator", "sequence bce ecg")


# -- operators whose networks or proofs are made for the first corpus's shapes ------------------------


def _batch_norm(parts: Parts) -> None:
    """Real and fake go through the discriminator's BatchNorm in one batch."""
    if parts.source.kind == "image":
        parts.discriminator = networks.strided_discriminator(parts.source.shape, 14, norm="batch")
    else:
        FAULTS["concatenated-batch-through-batchnorm"].apply(parts)


replant("concatenated-batch-through-batchnorm", "summed hinge colour", apply=_batch_norm)


def _detached(parts: Parts) -> None:
    """The adversarial term sees detached fakes beside a mean absolute error."""
    parts.detach_for_generator = True
    passes: list[bool] = []

    def look(module: nn.Module, inputs: object, output: list[Tensor]) -> None:
        if torch.is_grad_enabled() and not next(module.parameters()).requires_grad:  # the generator's step
            passes.append(output[0].requires_grad)
            parts.notes["with_gradient"] = sum(passes) / len(passes)

    parts.discriminator.register_forward_hook(look)


replant(
    "detached-beside-pixel-loss",
    "translation lsgan cifar",
    apply=_detached,
    proof=noted(
        "share of the generator's passes through the discriminator that carry a gradient",
        "with_gradient",
        lambda v: v == 0.0,
    ),
)


def gradient_ratio(run: Finished) -> float:
    """Norm of the adversarial term's gradient by the output over the pixel term's, weights included."""
    parts = run.parts
    image = parts.source.samples[:64]
    made = parts.generator(functional.avg_pool2d(image, 2)).detach().requires_grad_(True)
    adversarial = parts.adversarial_weight * parts.loss.generator(parts.discriminator(made))
    pixel = parts.pixel_weight * functional.l1_loss(made, image)
    first = torch.autograd.grad(adversarial, made)[0].norm()
    return float(first / torch.autograd.grad(pixel, made)[0].norm().clamp_min(1e-12))


replant(
    "adversarial-weight-times-thousand",
    "translation lsgan mnist",
    proof=measured(
        "norm of the adversarial term's gradient by the output over the pixel term's",
        gradient_ratio,
        lambda v: v > 10,
    ),
)
replant("latent-unused", "translation lsgan mnist latent")
