"""Operators of the earlier halves in the fourth half's loops, with new data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import measured
from benchmarks.failures.fourth.filed import replant
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Parts, adam
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio
from benchmarks.failures.third.replanted import _batch_norm, _too_weak, _uneven


def _dead(parts: Parts) -> None:
    """Biases of -30 before a ReLU of the discriminator: it is dead from the start."""
    layers = [nn.ReLU() if isinstance(m, nn.LeakyReLU) else m for m in parts.discriminator]
    parts.discriminator = nn.Sequential(*layers)
    with torch.no_grad():
        next(m for m in layers if isinstance(m, nn.Linear)).bias.fill_(-30.0)


def _noise_without_gradient(parts: FourthParts) -> None:
    """Both batches are augmented (noise), but under no_grad: the generator's gradient ends there."""

    def augment(x: Tensor) -> Tensor:
        with torch.no_grad():
            return x + 0.05 * torch.randn_like(x)

    parts.augment = augment


# -- wiring ----------------------------------------------------------------------------------------
replant("double-sigmoid", "combined bce grid")
replant("sigmoid-on-critic", "diters wgan-gp pinwheel")
replant("sigmoid-and-bce-loss", "combined bce-sigmoid scurve")
replant("clamped-logarithm", "combined bce-sigmoid pinwheel")
replant("generator-target-is-fake-label", "vaegan bce grid")
replant("generator-sign-flipped", "diters wgan-gp diabetes", "packed wgan-gp iris")
replant("relativistic-generator-arguments-swapped", "stepping rpgan scurve")
replant("discriminator-fake-target-is-real", "committee lsgan grid")
replant("hinge-fake-term-copied", "committee hinge scurve")
replant("reals-term-with-wrong-sign", "diters hinge pinwheel")
replant("tanh-before-logit-loss", "stepping bce chirps")
replant("softmax-over-one-score", "combined bce diabetes")
replant("random-real-and-fake-labels", "stepping bce scurve")
replant("constant-initialisation", "combined bce grid")
replant("generator-ends-in-relu", "diters wgan-gp scurve")
replant("generator-clamped-to-unit-range", "switcher bce tiles")
replant("reals-term-overwritten", "growing logistic tiles")
replant("fakes-term-forgotten", "diters hinge scurve")
replant("both-sides-smoothed", "stepping bce pinwheel")
replant("generator-judges-reals", "switcher hinge diabetes")
replant("labels-reversed-for-one-player", "vaegan bce pinwheel")
replant("generator-copies-fake-term", "growing logistic digits16", "packed bce diabetes")
replant("optimizer-maximises-generator", "committee hinge grid")
replant("targets-twice-as-far-from-scores", "switcher lsgan pinwheel")
replant("hinge-without-margin", "committee hinge diabetes")

# -- balance ---------------------------------------------------------------------------------------
replant("perfect-discriminator-tiny-generator-step", "stepping bce tiles")
replant("gradient-dies-in-generator", "combined bce pinwheel")
replant("late-collapse", "switcher bce grid")

# -- diversity -------------------------------------------------------------------------------------
replant("collapse-to-one", "stepping bce grid")
replant("collapse-to-three", "switcher lsgan scurve")
replant("collapsed-and-blind", "stepping bce scurve")
replant("tiny-table", "combined bce diabetes")

# -- numerics --------------------------------------------------------------------------------------
replant("logarithm-of-zero", "stepping bce diabetes")
replant("learning-rates-times-hundred", "committee bce grid")
replant("discriminator-rate-times-thousand", "stepping bce digits16")
replant("discriminator-rate-starved", "switcher hinge pinwheel")
replant("momentum-without-regulariser", "combined bce scurve")
replant("momentum-point-nine-nine", "stepping lsgan pinwheel")
replant("generator-weight-decay-fifty", "packed bce iris")
replant("schedule-stepped-every-batch", "vaegan bce grid")
replant("discriminator-rate-zero", "committee bce scurve", "star lsgan pinwheel")
replant("adam-epsilon-one", "switcher bce diabetes")
replant("gradients-clipped-before-backward", "combined lsgan grid")
replant("linear-decay-over-in-fifty-steps", "stepping bce pinwheel")

# -- constraint ------------------------------------------------------------------------------------
replant("penalty-over-wrong-axis", "diters wgan-gp tiles")
replant("penalty-over-whole-batch", "diters wgan-gp grid")
replant("penalty-alpha-normal", "stepping wgan-gp pinwheel")
replant("penalty-root-of-zero", "diters wgan-gp scurve")
replant("penalty-never-due", "stepping wgan-gp grid")
replant("penalty-without-graph", "diters wgan-gp pinwheel")
replant("penalty-subtracted", "stepping wgan-gp scurve")
replant("penalty-of-the-mean-score", "combined wgan-gp pinwheel")
replant("penalty-of-a-copy", "diters wgan-gp diabetes")
replant("weights-not-clipped", "diters wgan-clip scurve")
replant("weights-clipped-to-nothing", "diters wgan-clip grid")
replant("critic-magnitude-race", "diters wgan-gp diabetes")
replant("wasserstein-with-large-rate", "switcher wgan-clip scurve")
replant("r1-times-ten-thousand", "stepping bce pinwheel")
replant("dropout-nine-tenths", "switcher hinge grid")
replant("gradient-clipped-to-nothing", "stepping lsgan scurve")
replant("discriminator-gradient-clipped-to-nothing", "switcher lsgan grid")

# -- normalisation ---------------------------------------------------------------------------------
replant("normalisation-erases-latent", "stepping lsgan grid")
replant("batchnorm-before-first-activation", "combined bce pinwheel")
replant("batchnorm-in-penalised-critic", "diters wgan-gp grid", apply=_batch_norm)
replant("average-too-slow", "growing logistic digits16")
replant("average-never-updated", "growing logistic tiles")
replant("stale-running-statistics", "stepping bce digits16")
replant("init-misses-layers", "switcher lsgan tiles")
replant("batchnorm-scale-near-zero", "combined lsgan tiles")
replant("norm-epsilon-for-momentum", "stepping lsgan digits16")
replant("dead-relu-generator", "diters hinge grid")
replant("dead-relu-discriminator", "stepping bce scurve", apply=_dead)
replant("saturated-tanh", "combined lsgan chirps")
replant("instance-norm-at-one-pixel", "switcher bce chirps")

# -- data ------------------------------------------------------------------------------------------
replant("unit-range-reals", "growing logistic digits16")
replant("unscaled-reals", "combined lsgan tides")
replant("unstandardised-table", "packed bce iris")
replant("normalised-twice", "stepping hinge tiles")
replant("mean-and-deviation-normalised-reals", "combined bce digits16")
replant("lattice", "stepping bce tiles")
replant("reals-rounded-to-tenths", "diters wgan-gp scurve")
replant("sampling-from-another-law", "vaegan bce grid")
replant("sampling-three-times-as-wide", "combined bce grid")
replant("sampling-much-narrower", "committee hinge pinwheel")
replant("sampling-from-the-unit-cube", "periods lsgan tides")
replant("constant-latent", "packed bce iris")
replant("seed-in-the-loop", "combined lsgan scurve")
replant("same-latent-for-every-sample", "stepping hinge pinwheel")
replant("latents-differ-between-players", "diters hinge grid")
replant("latents-a-ten-thousandth", "stepping bce diabetes")
replant("latent-overwritten", "combined lsgan grid")
replant("first-batch-for-ever", "stepping bce tiles")
replant("sorted-and-unshuffled", "combined lsgan pinwheel")
replant("duplicated-reals", "stepping hinge scurve")
replant("labels-shuffled", "star lsgan pinwheel", "star hinge tiles")
replant("missing-values", "packed wgan-gp iris", "periods lsgan tides")
replant("constant-column-standardised", "combined bce diabetes")
replant("logarithm-of-zero-in-the-data", "stepping bce diabetes")
replant("corrupt-records", "diters wgan-gp diabetes")
replant("integer-division", "stepping bce digits16")
replant("fakes-in-pixels", "switcher lsgan digits16")
replant("reals-augmented-out-of-range", "stepping bce tiles")
replant("tanh-for-standardised-data", "combined bce scurve")

# -- plumbing --------------------------------------------------------------------------------------
replant("detached-in-generator-step", "growing logistic tiles", "packed bce diabetes")
replant("discriminator-never-zeroed", "committee bce pinwheel")
replant("generator-never-zeroed", "packed bce diabetes")
replant("zeroed-under-the-print", "vaegan bce grid")
replant("optimizer-holds-both", "stepping bce pinwheel")
replant("optimizer-misses-layers", "committee bce grid")
replant("optimizer-of-the-other-network", "diters hinge scurve")
replant("blocks-in-a-plain-list", "stepping lsgan grid")
replant("head-replaced-after-optimizer", "switcher hinge grid")
replant("frozen-discriminator", "diters hinge pinwheel", "vaegan hinge grid")
replant("frozen-generator", "packed bce iris", "growing logistic tiles")
replant("zeroed-between-backward-and-step", "combined bce tides")
replant("step-before-backward", "combined lsgan diabetes")
replant("augmentation-without-gradient", "stepping bce grid", apply=_noise_without_gradient)
replant("rounded-fakes", "stepping lsgan tiles")


# -- operators whose proofs or networks are made for the earlier shapes -----------------------------


replant("discriminator-too-weak", "combined bce grid", apply=_too_weak)
replant("deconvolution-overlap", "stepping lsgan tiles", apply=_uneven)


def _few_images(parts: FourthParts) -> None:
    """Forty images and a discriminator without regularisation."""
    FAULTS["tiny-data"].apply(parts)
    parts.optimizers = adam(5e-4, 2e-3, beta1=0.5)


replant("tiny-data", "stepping bce digits16 flat", apply=_few_images)


def _agreement(run: Any) -> float:
    return float(run.outcome.get("label_agreement", 1.0))


replant(
    "auxiliary-term-forgotten",
    "star lsgan pinwheel",
    proof=measured("share of the samples that have the wanted class", _agreement, lambda v: v < 0.6),
)
replant(
    "adversarial-term-subtracted",
    "star lsgan grid",
    apply=lambda parts: setattr(parts, "adversarial_weight", -1.0),
    proof=measured(
        "factor of the adversarial term", lambda run: run.parts.adversarial_weight, lambda v: v < 0
    ),
)
replant("reconstruction-drowns-adversary", "vaegan hinge pinwheel")
replant(
    "pixel-weight-times-thousand",
    "vaegan bce tiles",
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01),
)
