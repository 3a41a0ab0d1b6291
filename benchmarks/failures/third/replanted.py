"""Operators of the first two halves in the third half's loops, with new data."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults import FAULTS
from benchmarks.failures.faults.base import measured
from benchmarks.failures.parts import Parts, adam
from benchmarks.failures.third import networks
from benchmarks.failures.third.filed import replant
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio

# -- wiring ----------------------------------------------------------------------------------------
replant("double-sigmoid", "valid bce swissroll")
replant("sigmoid-on-critic", "valid wgan-gp survey")
replant("sigmoid-and-bce-loss", "valid bce-sigmoid waves")
replant("clamped-logarithm", "valid bce-sigmoid rings")
replant("generator-target-is-fake-label", "autoencoder bce swissroll")
replant("generator-sign-flipped", "valid wgan-clip survey")
replant("discriminator-fake-target-is-real", "model bce rings")
replant("hinge-fake-term-copied", "wrapper hinge survey")
replant("reals-term-with-wrong-sign", "model hinge swissroll")
replant("targets-broadcast", "valid lsgan rings")
replant("tanh-before-logit-loss", "model bce waves")
replant("softmax-over-one-score", "valid bce survey")
replant("random-real-and-fake-labels", "valid bce rings")
replant("constant-initialisation", "valid bce swissroll")
replant("generator-ends-in-relu", "model lsgan rings")

# -- balance ---------------------------------------------------------------------------------------
replant("perfect-discriminator-saturating-loss", "valid minimax shapes")
replant("perfect-discriminator-tiny-generator-step", "model bce shapes")
replant("gradient-dies-in-generator", "valid bce swissroll")
replant("rotation", "model bce rings dirac")
replant("late-collapse", "valid bce rings")

# -- diversity -------------------------------------------------------------------------------------
replant("collapse-to-one", "valid bce rings")
replant("collapse-to-three", "model lsgan rings")
replant("collapsed-and-blind", "valid bce swissroll")
replant("tiny-table", "valid bce survey")

# -- numerics --------------------------------------------------------------------------------------
replant("logarithm-of-zero", "model bce swissroll")
replant("learning-rates-times-hundred", "valid bce rings")
replant("discriminator-rate-times-thousand", "model lsgan survey")
replant("discriminator-rate-starved", "phases logistic rings")
replant("momentum-without-regulariser", "model bce swissroll")
replant("momentum-point-nine-nine", "valid bce rings")
replant("generator-weight-decay-fifty", "phases logistic swissroll")
replant("schedule-stepped-every-batch", "cycle lsgan patches")
replant("discriminator-rate-zero", "superres ragan patches")

# -- constraint ------------------------------------------------------------------------------------
replant("penalty-over-wrong-axis", "valid wgan-gp shapes")
replant("penalty-over-whole-batch", "model wgan-gp rings")
replant("penalty-alpha-normal", "valid wgan-gp survey")
replant("penalty-root-of-zero", "model wgan-gp swissroll")
replant("penalty-never-due", "valid wgan-gp rings")
replant("penalty-without-graph", "model wgan-gp rings")
replant("weights-not-clipped", "valid wgan-clip survey")
replant("weights-clipped-to-nothing", "valid wgan-clip rings")
replant("critic-magnitude-race", "valid wgan-gp swissroll")
replant("r1-times-ten-thousand", "phases logistic swissroll")
replant("gradient-clipped-to-nothing", "model bce rings")

# -- normalisation ---------------------------------------------------------------------------------
replant("normalisation-erases-latent", "valid lsgan rings")
replant("batchnorm-before-first-activation", "model bce survey")
replant("average-too-slow", "phases logistic swissroll")
replant("stale-running-statistics", "valid bce shapes")
replant("init-misses-layers", "model lsgan shapes")
replant("norm-epsilon-for-momentum", "valid lsgan shapes")
replant("dead-relu-generator", "valid bce rings")
replant("saturated-tanh", "model bce waves")
replant("dropout-nine-tenths", "valid bce swissroll")

# -- data ------------------------------------------------------------------------------------------
replant("unit-range-reals", "valid lsgan shapes")
replant("unscaled-reals", "model bce waves")
replant("unstandardised-table", "valid wgan-gp survey")
replant("normalised-twice", "model bce patches")
replant("lattice", "model lsgan patches")
replant("sampling-from-another-law", "valid bce rings")
replant("sampling-three-times-as-wide", "model bce waves")
replant("sampling-much-narrower", "valid lsgan swissroll")
replant("constant-latent", "model lsgan rings")
replant("first-batch-for-ever", "valid bce shapes")
replant("duplicated-reals", "wrapper hinge rings")
replant("labels-shuffled", "auxiliary bce rings")
replant("other-labels-for-the-fakes", "wrapper hinge rings")
replant("label-not-used-by-generator", "auxiliary lsgan swissroll")
replant("missing-values", "phases logistic swissroll")
replant("constant-column-standardised", "autoencoder lsgan survey")
replant("corrupt-records", "valid lsgan survey")

# -- plumbing --------------------------------------------------------------------------------------
replant("detached-in-generator-step", "phases logistic swissroll")
replant("discriminator-never-zeroed", "valid bce rings")
replant("generator-never-zeroed", "model lsgan swissroll")
replant("optimizer-holds-both", "valid bce survey")
replant("optimizer-misses-layers", "model bce waves")
replant("optimizer-of-the-other-network", "valid lsgan rings")
replant("frozen-discriminator", "wrapper hinge swissroll")
replant("frozen-generator", "autoencoder bce survey")
replant("zeroed-between-backward-and-step", "model bce rings")
replant("discriminator-gradient-clipped-to-nothing", "valid lsgan swissroll")


# -- operators whose proofs or networks are made for the earlier shapes -----------------------------


def _unequal_labels(run: Any) -> float:
    """Largest change of the scores when every label is exchanged."""
    samples, labels = run.parts.source.samples[:64], run.parts.source.labels[:64]
    other = (labels + 1) % run.parts.source.classes
    with torch.no_grad():
        first, second = run.parts.discriminator(samples, labels), run.parts.discriminator(samples, other)
    return float((first - second).abs().max())


replant(
    "label-not-used-by-discriminator",
    "wrapper hinge swissroll",
    proof=measured("change of the scores when every label is exchanged", _unequal_labels, lambda v: v == 0.0),
)


def _averaged_gap(run: Any) -> float:
    """Difference between what the script samples and what it trains, for the same latents and labels."""
    labels, generator = run.parts.source.labels[:256], run.parts.generator
    torch.manual_seed(5)
    sampled = run.sample(256, labels)
    torch.manual_seed(5)
    generator.train()
    with torch.no_grad():
        trained = generator(run.parts.latent(256), labels)
    return float((sampled - trained).abs().mean() / trained.std().clamp_min(1e-6))


replant(
    "average-without-buffers",
    "wrapper hinge shapes",
    proof=measured(
        "samples against the same latents in training, in deviations", _averaged_gap, lambda v: v > 0.25
    ),
)
replant(
    "adversarial-term-subtracted",
    "superres ragan patches",
    proof=measured(
        "factor of the adversarial term", lambda run: run.parts.adversarial_weight, lambda v: v < 0
    ),
)
replant(
    "pixel-weight-times-thousand",
    "superres ragan patches",
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01),
)


def _too_weak(parts: Parts) -> None:
    """A linear discriminator: it compares means and nothing else."""
    FAULTS["discriminator-too-weak"].apply(parts)
    parts.discriminator = nn.Linear(parts.source.shape[0], 1)


replant("discriminator-too-weak", "valid bce swissroll", apply=_too_weak)


def _batch_norm(parts: Parts) -> None:
    """BatchNorm in the critic, under a per-sample penalty."""
    layers: list[nn.Module] = []
    for layer in parts.discriminator:
        layers += (
            [nn.BatchNorm1d(layer.in_features), layer]
            if isinstance(layer, nn.Linear) and layers[1:]
            else [layer]
        )
    parts.discriminator = nn.Sequential(*layers)


replant("batchnorm-in-penalised-critic", "valid wgan-gp rings", apply=_batch_norm)


def _pool(parts: Any) -> None:
    """The pools are filled once and never refreshed."""
    parts.replayed = 8


replant("replayed-fakes", "cycle lsgan rings", apply=_pool)


def _uneven(parts: Parts) -> None:
    """Transposed convolutions of kernel 3 and stride 2."""
    layers = list(networks.image_generator(parts.source.shape, parts.latent_size))
    up = [nn.ConvTranspose2d(c, c, 3, 2, 1, output_padding=1) for c in (24, 12)]
    places = iter(up)
    parts.generator = nn.Sequential(*[next(places) if isinstance(m, nn.Upsample) else m for m in layers])


replant("deconvolution-overlap", "valid lsgan shapes", apply=_uneven)


replant("signals-constant-in-time", "valid lsgan waves")


def _few_images(parts: Any) -> None:
    """Forty images and a discriminator without regularisation."""
    FAULTS["tiny-data"].apply(parts)
    parts.optimizers = adam(5e-4, 2e-3, beta1=0.5)


replant("tiny-data", "valid bce shapes flat", apply=_few_images)
