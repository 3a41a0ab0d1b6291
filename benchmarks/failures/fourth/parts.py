"""The healthy ingredients of a case of the fourth half, and the lines that only its loops have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.failures import losses
from benchmarks.failures.fourth import networks
from benchmarks.failures.fourth.sources import LETTERS, SPECIES, WORDS
from benchmarks.failures.networks import perceptron
from benchmarks.failures.parts import Case, adam, assembled, r1_penalty, rmsprop
from benchmarks.failures.sources import Source, load_source
from benchmarks.failures.third.networks import Columns
from benchmarks.failures.third.parts import ThirdParts, _body, _trunk, make_loss

STEPS = {
    "grid": 1300,
    "pinwheel": 1300,
    "scurve": 1300,
    "iris": 1000,
    "diabetes": 1000,
    "chirps": 700,
    "tides": 700,
    "tokens": 900,
    "digits16": 400,
    "tiles": 400,
}
PAC = 4


@dataclass
class FourthParts(ThirdParts):
    """Further switches; each is one line of a script."""

    discriminator_every: int = 1  # `if step % n == 0` in front of the discriminator's step
    train_discriminator_if: Callable[[float], bool] | None = None  # a rule that looks at its last loss
    remake_loss: bool = False  # `torch.tensor(loss.item(), requires_grad=True)`
    closure_backward: bool = True  # whether the closures call backward
    stale_copy: bool = False  # the generator is trained through a copy of the discriminator
    extra_term: Callable[[Tensor, Tensor], Tensor] | None = None  # of scores of the reals and their labels
    clip_assigned: bool = True  # `p.data.clamp_()`; else `p.data.clamp()`, whose result is lost
    fade: Callable[[int], float] | None = None  # the growing loop's alpha at a step
    average_every: int = 1
    targets_permuted: bool = True  # StarGAN draws its target classes anew; else they are the own ones
    feature_weight: float = 2.0
    kl_weight: float = 0.05
    cycle_weight: float = 5.0
    end_of_step: Callable[[int], None] | None = None  # a callback of the trainer

    def clamp(self, network: nn.Module) -> None:
        if self.clip_weights is None:
            return
        for p in network.parameters():
            if self.clip_assigned:
                p.data.clamp_(-self.clip_weights, self.clip_weights)
            else:
                p.data.clamp(-self.clip_weights, self.clip_weights)

    def discriminator_due(self, step: int, last: float) -> bool:
        if self.train_discriminator_if is not None and not self.train_discriminator_if(last):
            return False
        return step % self.discriminator_every == 0

    def after(self, step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        if self.schedule is not None:
            self.schedule(step, opt_g, opt_d)
        if self.end_of_step is not None:
            self.end_of_step(step)

    def remade(self, loss: Tensor) -> Tensor:
        return torch.tensor(loss.item(), requires_grad=True) if self.remake_loss else loss


def make_parts(case: Case, seed: int) -> FourthParts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 6, "table": 12}.get(source.kind, 16)
    batch_size = {"image": 32, "sequence": 48}.get(source.kind, 96)
    if case.style == "vaegan" and source.kind in ("points", "table"):
        latent_size = 3
    generator, discriminator = make_networks(case, source, latent_size)
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(discriminator, nn.Sigmoid())
    players = generator, discriminator
    loss = make_loss(case.family)
    parts = assembled(FourthParts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case; `case.network` may ask for a variant."""
    shape, style, classes = source.shape, case.style, source.classes
    channels, features = shape[0], math.prod(shape)
    if style == "growing":
        return networks.GrowingGenerator(channels, latent), networks.GrowingDiscriminator(channels)
    if style == "periods":
        return networks.WaveGenerator(latent, channels, shape[1]), networks.PeriodsAndScales(channels)
    trunk, width = _trunk(case, source)
    if style == "star":
        translator: nn.Module = (
            networks.ImageTranslator(channels, classes)
            if source.kind == "image"
            else networks.LabelledTranslator(features, classes)
        )
        return translator, networks.SourceAndClass(trunk, width, classes)
    if style == "packed":
        body = nn.Sequential(
            networks.Residual(latent, 64),
            networks.Residual(latent + 64, 64),
            nn.Linear(latent + 128, features),
            *_end(source),
        )
        return body, networks.Packed(features, PAC, dropout=0.1 if "dropout" in case.network else 0.0)
    body = body_of(case, source, latent)
    if style == "committee":
        members: list[nn.Module] = []
        for _ in range(3):
            one, size = _trunk(case, source)
            members.append(nn.Sequential(*one, nn.Linear(size, 1)))
        return body, networks.Committee(members)
    return body, nn.Sequential(*trunk, nn.Linear(width, 1))


def body_of(case: Case, source: Source, latent: int) -> nn.Module:
    """From a latent to a sample."""
    if source.name == "tokens":
        sizes = (latent, 96, 128, WORDS * LETTERS)
        return nn.Sequential(*perceptron(*sizes, norm=True), networks.Letters(LETTERS, WORDS))
    body = _body(case, source, latent)
    return nn.Sequential(*body, *_end(source)) if source.name == "iris" else body


def _end(source: Source) -> list[nn.Module]:
    return [Columns(source.shape[0] - SPECIES)] if source.name == "iris" else []


def _settle(parts: FourthParts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case, kind = parts.case, parts.source.kind
    flat = kind in ("points", "table")
    parts.optimizers = adam(5e-4, 1.5e-3, beta1=0.0) if flat else adam(2e-3, 2e-3, beta1=0.0)
    if parts.source.name == "tokens":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0)
    if case.family == "wgan-clip":
        parts.optimizers = rmsprop(1e-3)
        parts.clip_weights, parts.critic_steps = 0.15, 5
    elif case.family == "wgan-gp":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0, beta2=0.9)
        parts.penalty, parts.critic_steps = losses.gradient_penalty, 3
        parts.penalty_weight = 1.0 if kind == "points" else 10.0
    if case.style in ("combined", "stepping") and case.family.startswith("wgan") and not case.steps:
        parts.steps *= 2  # the generator is trained in every few of them
    if case.style == "growing":
        parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 8, 0.1
        parts.average_decay = 0.98
    elif case.style == "periods":
        parts.optimizers = adam(1e-3, 2e-3, beta1=0.5)
    elif case.style == "star":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.5)
    elif case.style == "vaegan":
        parts.optimizers, parts.pixel_weight = adam(1e-3, 1e-3, beta1=0.5), 1.0
    elif case.style == "packed":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.5, beta2=0.9)
        if case.family == "wgan-gp":
            parts.critic_steps = 2
    elif case.style == "committee":
        parts.accumulate = 2
