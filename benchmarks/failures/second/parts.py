"""The healthy ingredients of a case of the second half, and the lines that only its loops have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures import losses
from benchmarks.failures.networks import perceptron
from benchmarks.failures.parts import Case, Parts, adam, assembled, r1_and_r2_penalty, r1_penalty, rmsprop
from benchmarks.failures.second import networks
from benchmarks.failures.sources import Source, load_source

STEPS = {
    "moons": 1200,
    "checkerboard": 1500,
    "spirals": 1500,
    "gaussians": 1000,
    "cancer": 1000,
    "ecg": 700,
    "colour": 600,
    "mnist": 360,
    "cifar": 400,
}


@dataclass
class SecondParts(Parts):
    """Further switches; each is one line of a script."""

    generator_steps: int = 1
    zero_before_step: bool = False  # zero_grad between backward and step
    fakes_as_reals: bool = False  # the reals' term was copied with the fakes in it
    fake_label_stream: Callable[[Tensor], Tensor] | None = None  # labels the discriminator gets for fakes
    replayed: int = 0  # fakes of the first so many steps are kept and shown again for ever


@dataclass
class ManyScores:
    """A loss of scores, for discriminators that return a list of them: the mean over its entries."""

    single: Any

    def discriminator(self, real: Any, fake: Any) -> Tensor:
        if not isinstance(real, list):
            return self.single.discriminator(real, fake)
        return torch.stack([self.single.discriminator(r, f) for r, f in zip(real, fake, strict=True)]).mean()

    def generator(self, fake: Any, real: Any = None) -> Tensor:
        if not isinstance(fake, list):
            return self.single.generator(fake, real)
        return torch.stack([self.single.generator(f) for f in fake]).mean()


def make_parts(case: Case, seed: int) -> SecondParts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 6, "table": 24}.get(source.kind, 20)
    batch_size = 128 if source.kind in ("points", "table") else 64
    players = make_networks(case, source, latent_size)
    loss: Any = losses.make_loss(case.family)
    if case.style == "translation":
        loss = ManyScores(loss)
    parts = assembled(SecondParts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case; `case.network` may ask for a variant."""
    shape, features, variant = source.shape, math.prod(source.shape), case.network
    if case.style == "translation":
        z = 4 if "latent" in variant else 0
        return networks.ShuffleUpscaler(shape[0], latent=z), networks.MultiScaleDiscriminator(shape[0])
    if case.style == "projected":
        return _labelled(source, latent)
    if source.kind == "image":
        if "flat" in variant:
            generator: nn.Module = nn.Sequential(
                perceptron(latent, 96, 160, features, norm=True), nn.Tanh(), nn.Unflatten(1, shape)
            )
            discriminator: nn.Module = nn.Sequential(
                nn.Flatten(), perceptron(features, 160, 80, 1, activation=nn.LeakyReLU)
            )
        else:
            make = (
                networks.groupnorm_generator
                if "groupnorm" in variant or "residual" in variant
                else networks.upsampling_generator
            )
            generator = make(shape, latent, 12)
            discriminator = networks.strided_discriminator(
                shape, 14, norm="instance" if "instance" in variant else "", spectral="spectral" in variant
            )
            if "residual" in variant:
                discriminator = networks.ResidualDiscriminator(shape[0], 12)
    elif source.kind == "sequence":
        generator = (
            networks.RecurrentGenerator(shape[0], shape[1], latent)
            if case.style == "sequence"
            else networks.sequence_generator(shape[0], shape[1], latent)
        )
        discriminator = (
            networks.AttentionDiscriminator(shape[0], shape[1])
            if "attention" in variant
            else networks.sequence_discriminator(shape[0], shape[1])
        )
    elif "residual" in variant:
        generator = networks.residual_generator(latent, 64, features)
        discriminator = networks.residual_discriminator(features, 64)
    else:
        width = 80 if source.kind == "points" else 112
        generator = perceptron(latent, width, width, width, features)
        discriminator = perceptron(features, width, width, width, 1, activation=nn.LeakyReLU)
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(discriminator, nn.Sigmoid())
    return generator, discriminator


def _labelled(source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    shape, features = source.shape, math.prod(source.shape)
    if source.kind == "image":
        body: nn.Module = nn.Sequential(
            nn.Linear(64, 160), nn.ReLU(), nn.Linear(160, features), nn.Tanh(), nn.Unflatten(1, shape)
        )
        end = networks.strided_discriminator(shape, 14)[:-1]
        with torch.no_grad():
            width = end(torch.zeros(1, *shape)).shape[1]
        trunk: nn.Module = nn.Sequential(*end, nn.Linear(width, 64))
    else:
        body = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, features))
        trunk = perceptron(features, 80, 80, 64, activation=nn.LeakyReLU)
    classes = source.classes
    return networks.LabelledGenerator(latent, classes, body), networks.ProjectedDiscriminator(
        trunk, 64, classes
    )


def _settle(parts: SecondParts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case, kind = parts.case, parts.source.kind
    rate = 1e-3 if kind in ("points", "table") else 2e-3
    parts.optimizers = adam(rate, rate, beta1=0.0)
    if case.family == "wgan-clip":
        parts.optimizers = rmsprop(1e-3)
        parts.clip_weights, parts.critic_steps = (0.2 if kind == "points" else 0.05), 3
    elif case.family == "wgan-gp":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0, beta2=0.9)
        parts.penalty, parts.critic_steps = losses.gradient_penalty, 3
        parts.penalty_weight = 1.0 if kind == "points" else 10.0
    if case.family in ("wgan-clip", "wgan-gp"):
        parts.steps = case.steps or STEPS[case.data] * 3 // 5
    if case.style == "module":
        parts.average_decay = 0.98
        if not case.family.startswith("wgan"):
            parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 16, 0.1
        if case.family == "rpgan":
            parts.penalty, parts.penalty_every, parts.penalty_weight = r1_and_r2_penalty, 1, 0.3
    if case.family == "rahinge":
        parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 1, 0.3
    if case.style == "mixed":
        parts.accumulate = 2
