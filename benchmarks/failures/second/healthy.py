"""Healthy variants of the second half: ordinary trainings, and what looks like a fault and is none."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.parts import Case, Parts, adam, r1_penalty
from benchmarks.failures.second import networks
from benchmarks.failures.second.filed import replant, second_healthy
from benchmarks.failures.sources import Batches

replant(
    "ordinary",
    Case("closures", "bce", "moons"),
    Case("closures", "bce", "spirals", network="residual", steps=2200),
    Case("closures", "lsgan", "cancer"),
    Case("closures", "bce", "moons", network="stepped"),
    Case("epochs", "bce", "checkerboard"),
    Case("epochs", "bce", "mnist"),
    Case("epochs", "lsgan", "colour", network="groupnorm"),
    Case("summed", "hinge", "moons"),
    Case("summed", "hinge", "colour", network="spectral"),
    Case("module", "bce", "mnist"),
    Case("module", "hinge", "cifar"),
    Case("module", "rpgan", "spirals"),
    Case("critic", "wgan-gp", "gaussians"),
    Case("critic", "wgan-gp", "colour", network="groupnorm"),
    Case("critic", "wgan-clip", "moons"),
    Case("sequence", "bce", "ecg"),
    Case("projected", "hinge", "moons", steps=2200),
    Case("projected", "bce", "moons"),
    Case("translation", "lsgan", "cifar"),
    Case("translation", "hinge", "mnist"),
    Case("mixed", "bce", "moons"),
    Case("mixed", "hinge", "mnist", network="instance"),
)


replant("reversed-labels", "epochs bce spirals", "closures lsgan moons")


replant("reversed-critic-sign", "summed hinge checkerboard")


@second_healthy(
    "relativistic-hinge-at-zero",
    source="akanimax/BMSG-GAN#2",
    cases=(Case("summed", "rahinge", "moons"), Case("module", "rahinge", "mnist")),
)
def relativistic_hinge(parts: Parts) -> None:
    """Relativistic average hinge, often at zero."""


replant(
    "large-negative-wasserstein-loss",
    "critic wgan-gp cancer",
    source="igul222/improved_wgan_training#44, sdv-dev/CTGAN#28, #99",
)


@second_healthy(
    "strong-discriminator-beside-pixel-term",
    source="Vandermode/ERRNet#30, krasserm/super-resolution#45, Lornatang/SRGAN-PyTorch#46",
    cases=(Case("translation", "bce", "mnist"),),
    tolerated={
        "adversarial-weight-imbalance": "the pixel term does outweigh the adversarial one, by intention; a "
        "warning that says so is right, an error is not"
    },
)
def strong_discriminator(parts: Parts) -> None:
    """A pixel term that dominates and a discriminator that learns faster: its loss is near zero."""
    parts.pixel_weight = 60.0
    parts.optimizers = adam(1e-3, 3e-3, beta1=0.5)


@second_healthy(
    "slow-but-fine",
    source="failures research A11: slow trainings are not broken",
    cases=(Case("closures", "bce", "moons", steps=2000), Case("summed", "hinge", "checkerboard", steps=2400)),
)
def slow(parts: Parts) -> None:
    """Less than half of the usual learning rate and more steps."""
    parts.optimizers = adam(4e-4, 4e-4, beta1=0.0)


replant(
    "undetached-but-zeroed",
    "epochs lsgan moons",
    source="yunjey/pytorch-tutorial#56, eriklindernoren/PyTorch-GAN#136",
)


replant("one-sided-smoothing", "epochs bce moons", source="Salimans et al. 2016; failures research B3")


@second_healthy(
    "instance-noise",
    source="Arjovsky and Bottou 2017, section 3; Sonderby et al. 2017 (noise on both inputs)",
    cases=(Case("closures", "bce", "checkerboard"), Case("epochs", "bce", "mnist", network="groupnorm")),
)
def instance_noise(parts: Parts) -> None:
    """Noise on both inputs of the discriminator, which fades over the first half of the run."""
    calls = [0]
    fades = parts.steps * 3 // 2  # three passes a step

    def augment(x: Tensor) -> Tensor:
        calls[0] += 1
        return x + 0.1 * max(0.0, 1.0 - calls[0] / fades) * torch.randn_like(x)

    parts.augment = augment


@second_healthy(
    "two-time-scales",
    source="Heusel et al. 2017 (TTUR), Zhang et al. 2019 (SAGAN: 1e-4 and 4e-4)",
    cases=(Case("summed", "hinge", "spirals"),),
)
def two_time_scales(parts: Parts) -> None:
    """The discriminator's learning rate is four times the generator's."""
    parts.optimizers = adam(5e-4, 2e-3, beta1=0.0)


@second_healthy(
    "dropout-in-discriminator",
    source="the usual dropout of 0.2 to 0.3 after the convolutions of tutorial discriminators",
    cases=(Case("epochs", "bce", "mnist", network="dropout"), Case("closures", "bce", "moons")),
)
def dropout(parts: Parts) -> None:
    """Dropout of 0.2 in the discriminator: the same sample scores differently twice."""
    if parts.source.kind == "image":
        parts.discriminator = networks.strided_discriminator(parts.source.shape, 14, dropout=0.2)
    else:
        layers: list[nn.Module] = []
        for layer in parts.discriminator:
            layers += [layer, nn.Dropout(0.1)] if isinstance(layer, nn.LeakyReLU) else [layer]
        parts.discriminator = nn.Sequential(*layers)


@second_healthy(
    "two-generator-steps",
    source="carpedm20/DCGAN-tensorflow: two generator updates for one of the discriminator",
    cases=(Case("closures", "bce", "spirals"), Case("epochs", "bce", "colour")),
)
def two_generator_steps(parts: Any) -> None:
    """Two generator updates for each of the discriminator."""
    parts.generator_steps = 2


@second_healthy(
    "small-learning-rates",
    source="Karras et al.: small rates over long runs are ordinary",
    cases=(Case("module", "hinge", "mnist", steps=700),),
)
def small_rates(parts: Parts) -> None:
    """A quarter of the usual learning rate for both."""
    parts.optimizers = adam(5e-4, 5e-4, beta1=0.0)


@second_healthy(
    "rare-class",
    source="long-tailed conditional data: one class in twenty-five",
    cases=(Case("projected", "bce", "spirals", steps=1800),),
)
def rare_class(parts: Parts) -> None:
    """One of the two classes is a twenty-fifth of the training data."""
    source = parts.source
    rare = (source.labels == 1).nonzero().flatten()
    keep = torch.cat([(source.labels == 0).nonzero().flatten(), rare[: len(source.labels) // 50]])
    parts.batches = Batches(source.samples[keep], source.labels[keep], parts.batch_size, parts.seed)


@second_healthy(
    "saturating-that-works",
    source="Goodfellow et al. 2014: the saturating loss, well balanced",
    cases=(Case("critic", "minimax", "moons"),),
)
def saturating(parts: Parts) -> None:
    """The saturating loss with equal steps and R1: it trains."""
    parts.critic_steps = 1
    parts.penalty, parts.penalty_weight = r1_penalty, 0.1


@second_healthy(
    "r1-at-every-step",
    source="Mescheder et al. 2018",
    cases=(Case("epochs", "bce", "spirals"), Case("mixed", "bce", "spirals")),
)
def r1(parts: Parts) -> None:
    """R1 of weight 0.5 at every step: soft scores that stay near zero."""
    parts.penalty, parts.penalty_weight, parts.penalty_every = r1_penalty, 0.5, 1
