"""The healthy ingredients of a case of the fifth half, and what several of its loops do in the same way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures import losses
from benchmarks.failures.fifth import networks
from benchmarks.failures.fifth.sources import BASES, CATEGORIES, PLACES
from benchmarks.failures.fourth.networks import GrowingDiscriminator, GrowingGenerator, Letters, Packed
from benchmarks.failures.fourth.parts import PAC, FourthParts
from benchmarks.failures.losses import PairLoss
from benchmarks.failures.networks import FeatureDiscriminator, flat_trunk, perceptron
from benchmarks.failures.parts import Case, adam, assembled, r1_and_r2_penalty, r1_penalty, rmsprop
from benchmarks.failures.sources import Source, load_source
from benchmarks.failures.third.networks import (
    Columns,
    ConcatenatedLabel,
    MinibatchStd,
    Projection,
    StyleGenerator,
    features_of,
)
from benchmarks.failures.third.parts import make_loss

STEPS = {
    "heart": 650,
    "blobs": 650,
    "helix": 600,
    "linnerud": 600,
    "orders": 600,
    "sines": 450,
    "strands": 450,
    "ellipses": 360,
    "stripes": 300,
    "shoes": 300,
}
LATENT_BESIDE = 3  # of a generator that has a condition and a latent


@dataclass
class FifthParts(FourthParts):
    """What several loops of this half do in the same way."""

    damage: Callable[[Tensor], Tensor] | None = None  # makes the condition of a loop that restores
    plain: Callable[[Tensor], Tensor] | None = None  # the restoration to compare with
    generator_due: Callable[[int], bool] = lambda step: True  # an `if` in front of the generator's step

    def shown(self, x: Tensor) -> Tensor:
        """What the discriminator is given of a batch."""
        return x if self.augment is None else self.augment(x)

    def sampled(self, count: int) -> Tensor:
        """The latents of a sample for the reader."""
        return (self.sample_latent or self.latent)(count)

    def fake_latent(self, count: int) -> Tensor:
        """The latents of the discriminator's fakes."""
        return (self.discriminator_latent or self.latent)(count)

    def cut(self, fake: Tensor) -> Tensor:
        """The fakes of the generator's step, as its script hands them to the discriminator."""
        return fake.detach() if self.detach_for_generator else fake

    def discriminator_loss(self, real: Any, fake: Any, labels: Tensor | None = None) -> Tensor:
        """Of the scores; `labels` are those of the reals, for a further term."""
        real, fake = first(real), first(fake)
        if self.kept_term:
            loss = self.joined(self.loss.real(real), self.loss.fake(fake))
        else:
            loss = self.loss.discriminator(real, fake)
        if self.extra_term is not None and labels is not None:
            loss = loss + self.extra_term(real, labels)
        return loss

    def regularised(self, loss: Tensor, count: int, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        """With the penalty where it is due; `count` is one at the first step."""
        if self.penalty is None or count % self.penalty_every:
            return loss
        return loss + self.penalty_weight * self.penalty_every * self.penalty(critic, real, fake.detach())

    def others(self, judge: Callable[[Tensor], Tensor], real: Tensor) -> Tensor | None:
        """The reals' scores in the generator's step, where its loss asks for them."""
        if not isinstance(self.loss, PairLoss):
            return None
        with torch.no_grad():
            return judge(real)

    def tidy(self, discriminator: nn.Module, generator: nn.Module) -> None:
        """Weights are clipped: the critic's, or by mistake the generator's."""
        self.clamp(generator if self.generator_clipped else discriminator)


def first(scores: Any) -> Tensor:
    """The score of a discriminator that returns more than it."""
    if isinstance(scores, dict):
        return scores["score"]
    return scores[0] if isinstance(scores, tuple) else scores


def make_parts(case: Case, seed: int) -> FifthParts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 5, "table": 10}.get(source.kind, 14)
    if case.style in ("inpaint", "denoise"):
        latent_size = LATENT_BESIDE
    batch_size = {"image": 32, "sequence": 64}.get(source.kind, 112)
    generator, discriminator = make_networks(case, source, latent_size)
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(*discriminator, nn.Sigmoid())
    players, loss = (generator, discriminator), make_loss(case.family)
    parts = assembled(FifthParts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case; `case.network` may ask for a variant."""
    shape, style, variant, classes = source.shape, case.style, case.network, source.classes
    channels, features = shape[0], math.prod(shape)
    if style == "inpaint":
        return networks.Inpainter(channels, latent if "latent" in variant else 0), networks.PatchJudge(
            channels
        )
    if style == "denoise":
        return networks.Enhancer(channels, latent if "latent" in variant else 0), networks.PairJudge(
            channels, shape[1]
        )
    if style == "condvec":
        body = body_of(case, source, latent + classes)
        blind = "blind" in variant
        return networks.VectorGenerator(body, classes), networks.VectorDiscriminator(
            features, classes, blind=blind
        )
    trunk, width = trunk_of(case, source)
    if style == "projection":
        body = body_of(case, source, latent + 12)
        return ConcatenatedLabel(body, classes), Projection(trunk, width, classes)
    if "growing" in variant:
        return GrowingGenerator(channels, latent), GrowingDiscriminator(channels)
    if "style" in variant:
        end: nn.Module = nn.Tanh() if source.kind == "image" else nn.Identity()
        generator: nn.Module = StyleGenerator(shape, latent, 18 if source.kind == "image" else 64, end)
    else:
        generator = body_of(case, source, latent)
    if "packed" in variant:
        return generator, Packed(features, PAC)
    if variant in ("dict", "tuple"):
        return generator, FeatureDiscriminator(trunk, width, as_dict=variant == "dict")
    if "std" in variant or "style" in variant:
        return generator, nn.Sequential(*trunk, MinibatchStd(), nn.Linear(width + 1, 1))
    return generator, nn.Sequential(*trunk, nn.Linear(width, 1))


def body_of(case: Case, source: Source, latent: int) -> nn.Sequential:
    """From a latent to a sample."""
    shape, features = source.shape, math.prod(source.shape)
    if source.kind == "image" and "flat" not in case.network:
        return networks.subpixel_generator(shape, latent)
    if source.name == "strands":
        return nn.Sequential(*perceptron(latent, 96, 96, features, norm=True), Letters(BASES, PLACES))
    if source.kind in ("image", "sequence"):
        return nn.Sequential(
            *perceptron(latent, 112, 128, features, norm=True), nn.Tanh(), nn.Unflatten(1, shape)
        )
    body = perceptron(latent, 72, 72, features)
    return nn.Sequential(*body, Columns(features - CATEGORIES)) if source.name == "orders" else body


def trunk_of(case: Case, source: Source) -> tuple[nn.Sequential, int]:
    """A discriminator without its head, and how many features it ends in."""
    spectral = "spectral" in case.network or case.style == "projection"
    if source.kind == "image" and "flat" not in case.network:
        trunk = networks.strided_trunk(source.shape, spectral=spectral)
        return trunk, features_of(trunk, source.shape)
    start = math.prod(source.shape)
    sizes = (start, 72, 72) if source.kind in ("points", "table") else (start, 112, 56)
    return flat_trunk(*sizes, spectral=spectral), sizes[-1]


def settle_family(parts: FifthParts) -> bool:
    """Rates and constraints of a loss family, whatever the loop; whether the data are points or a table."""
    case, kind = parts.case, parts.source.kind
    flat = kind in ("points", "table")
    parts.optimizers = adam(1e-3, 2e-3, beta1=0.0) if flat else adam(2e-3, 2e-3, beta1=0.0)
    if case.family == "wgan-clip":
        parts.optimizers = rmsprop(1e-3)
        parts.clip_weights, parts.critic_steps = 0.2, 3
    elif case.family == "wgan-gp":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0, beta2=0.9)
        parts.penalty, parts.critic_steps = losses.gradient_penalty, 3
        parts.penalty_weight = 1.0 if kind == "points" else 8.0
    if case.family in ("wgan-clip", "wgan-gp") and not case.steps:
        parts.steps = parts.steps * 2 // 3
    if case.family == "rpgan":
        parts.penalty, parts.penalty_weight = r1_and_r2_penalty, 0.1
    elif case.family in ("rahinge", "ragan"):
        parts.penalty, parts.penalty_weight = r1_penalty, 0.1
    return flat


def _settle(parts: FifthParts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case = parts.case
    flat = settle_family(parts)
    if case.style == "gradients" and parts.penalty is None:
        parts.penalty, parts.penalty_weight = r1_penalty, 0.05
    if case.style in ("agent", "runner"):
        parts.average_decay = 0.97
    if "style" in case.network:
        parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 4, 0.1
    if case.style == "projection":
        parts.average_decay = 0.97
        parts.optimizers = adam(1e-3, 3e-3, beta1=0.0) if flat else adam(2e-3, 4e-3, beta1=0.0)
    elif case.style == "accelerated":
        parts.accumulate = 2
        parts.batch_size //= 2
        parts.batches.batch_size = parts.batch_size
    elif case.style == "inpaint":
        parts.optimizers, parts.pixel_weight = adam(2e-3, 1e-3, beta1=0.5), 10.0
        parts.adversarial_weight, parts.cycle_weight = 0.3, 1.0
        parts.damage, parts.plain = with_hole, without_filling
    elif case.style == "denoise":
        parts.optimizers, parts.pixel_weight = adam(2e-3, 1e-3, beta1=0.5), 10.0
        parts.adversarial_weight, parts.feature_weight = 0.5, 0.5
        parts.damage, parts.plain = with_noise, lambda noisy: noisy
        parts.steps = case.steps or 300


# -- what is restored ------------------------------------------------------------------------------

HOLE = 7


def with_hole(picture: Tensor) -> Tensor:
    """The picture with a square hole at a random place, and its mask as a further channel."""
    size = picture.shape[-1]
    corner = torch.randint(1, size - HOLE, (len(picture), 2))
    line = torch.arange(size)
    inside = (line >= corner[:, :, None]) & (line < corner[:, :, None] + HOLE)
    mask = (inside[:, 0, :, None] & inside[:, 1, None, :]).float().unsqueeze(1)
    return torch.cat([picture * (1 - mask), mask], dim=1)


def without_filling(broken: Tensor) -> Tensor:
    """The hole filled with the mean of what is around it."""
    picture, mask = broken[:, :-1], broken[:, -1:]
    mean = picture.sum(dim=(2, 3), keepdim=True) / (1 - mask).sum(dim=(2, 3), keepdim=True)
    return picture + mask * mean


def with_noise(signal: Tensor) -> Tensor:
    """The signal with white noise of a third of the range."""
    return signal + 0.35 * torch.randn_like(signal)
