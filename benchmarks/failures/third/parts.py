"""The healthy ingredients of a case of the third half, and the lines that only its loops have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures import losses
from benchmarks.failures.losses import PairLoss, TermLoss
from benchmarks.failures.networks import flat_trunk, perceptron
from benchmarks.failures.parts import Case, adam, assembled, r1_penalty, rmsprop
from benchmarks.failures.second.parts import SecondParts
from benchmarks.failures.sources import Batches, Source, load_source
from benchmarks.failures.third import networks, signals
from benchmarks.failures.third.sources import CATEGORIES

STEPS = {"rings": 1300, "swissroll": 1300, "survey": 1000, "waves": 1000, "shapes": 380, "patches": 280}


@dataclass
class ThirdParts(SecondParts):
    """Further switches; each is one line of a script."""

    kept_term: str = ""  # "real" or "fake": the variable of the loss was overwritten, only that term is left
    zero_every: int = 1  # zero_grad under an `if step % n == 0`
    step_before_backward: bool = False
    generator_judges_reals: bool = False  # the copied line scores the reals in the generator's step
    generator_clipped: bool = False  # the weights that are clipped are the generator's
    clip_early: bool = False  # gradients are clipped before backward
    average_updated: bool = True
    average_copied_back: bool = False  # the averaged weights overwrite those that are trained
    fakes_from_average: bool = False  # the discriminator is shown the averaged generator's samples
    toggle: str = (
        ""  # "generator": requires_grad is turned off for the wrong one; "never-thawed": not back on
    )
    discriminator_latent: Callable[[int], Tensor] | None = None  # the latents of the discriminator's fakes
    chunks_exchanged: bool = False  # concatenated one way, split the other way
    generator_labels: Callable[[Tensor], Tensor] | None = None  # what the generator's fakes are judged with
    auxiliary_weight: float = 1.0
    auxiliary_for_generator: bool = True
    style_rate: float = 1.0  # factor of the mapping network's learning rate
    optimizer_of_twin: bool = False  # of two discriminators the first one's weights were given twice
    terms: Callable[[], tuple[Tensor, Tensor]] | None = None  # adversarial and other term, as weighted

    def joined(self, real: Tensor, fake: Tensor) -> Tensor:
        """`d_loss = real_loss + fake_loss`, or what is left of it."""
        return {"": real + fake, "real": real, "fake": fake}[self.kept_term]

    def clip(self, network: nn.Module, *, early: bool) -> None:
        if self.clip_gradients is not None and early is self.clip_early:
            self.clip_gradients(network.parameters())

    def zero_due(self, step: int) -> bool:
        return step % self.zero_every == 0


def epochs(parts: ThirdParts) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled batches without end; the last one of each epoch is smaller, as a DataLoader's is."""
    data = parts.batches
    if not isinstance(data, Batches):
        yield from data
        return
    random = torch.Generator().manual_seed(parts.seed)
    while True:
        count = len(data.samples)
        order = torch.randperm(count, generator=random) if data.shuffle else torch.arange(count)
        for chosen in order.split(data.batch_size):
            yield data.samples[chosen], data.labels[chosen]


def make_loss(family: str) -> Any:
    if family == "logistic":
        return TermLoss(
            real=lambda s: functional.softplus(-s).mean(),
            fake=lambda s: functional.softplus(s).mean(),
            generated=lambda s: functional.softplus(-s).mean(),
        )
    if family == "ragan":

        def apart(up: Tensor, down: Tensor) -> Tensor:
            return (
                functional.softplus(-(up - down.mean())).mean() + functional.softplus(down - up.mean()).mean()
            ) / 2

        return PairLoss(discriminator=apart, generator=lambda fake, real: apart(fake, real))
    return losses.make_loss(family)


def make_parts(case: Case, seed: int) -> ThirdParts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 6, "table": 12}.get(source.kind, 20)
    if case.style == "autoencoder":
        latent_size = 2 if source.kind == "points" else 4
    batch_size = {"image": 32, "sequence": 48}.get(source.kind, 96)
    generator, discriminator = make_networks(case, source, latent_size)
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(discriminator, nn.Sigmoid())
    loss = make_loss(case.family)
    players = generator, discriminator
    parts = assembled(ThirdParts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case; `case.network` may ask for a variant."""
    shape, style, classes = source.shape, case.style, source.classes
    channels = shape[0]
    if style == "superres":
        return networks.Enlarger(channels), networks.patch_discriminator(channels)
    if style == "vocoder":
        return signals.Vocoder(3 * channels, channels), signals.ManyScales(channels)
    if style == "cycle":
        judge = (
            networks.patch_discriminator(channels, norm=False)
            if source.kind == "image"
            else perceptron(channels, 64, 64, 1, activation=nn.LeakyReLU)
        )
        return networks.Translator(shape), judge
    if style == "autoencoder":
        features = math.prod(shape)
        encoder: nn.Module = nn.Sequential(nn.Flatten(), perceptron(features, 96, 64, latent))
        return encoder, perceptron(latent, 64, 64, 1, activation=nn.LeakyReLU)
    if style == "phases":
        end: nn.Module = nn.Tanh() if source.kind == "image" else nn.Identity()
        if source.name == "survey":
            end = networks.Columns(channels - CATEGORIES)
        width = 20 if source.kind == "image" else 64
        generator: nn.Module = networks.StyleGenerator(shape, latent, width, end)
        trunk, features = _trunk(case, source)
        return generator, nn.Sequential(trunk, networks.MinibatchStd(), nn.Linear(features + 1, 1))
    trunk, features = _trunk(case, source)
    if style == "wrapper":
        body = _body(case, source, latent + 12)
        return networks.ConcatenatedLabel(body, classes), networks.Projection(trunk, features, classes)
    body = _body(case, source, latent)
    if style == "auxiliary":
        return networks.MultipliedLabel(body, latent, classes), networks.AuxiliaryDiscriminator(
            trunk, features, classes
        )
    if "std" in case.network:
        return body, nn.Sequential(*trunk, networks.MinibatchStd(), nn.Linear(features + 1, 1))
    if "skip" in case.network:
        return body, networks.SkipPerceptron(channels, 64, 1)
    return body, nn.Sequential(*trunk, nn.Linear(features, 1))


def _body(case: Case, source: Source, latent: int) -> nn.Module:
    """From a latent to a sample."""
    shape, features = source.shape, math.prod(source.shape)
    if source.kind == "image":
        if "flat" in case.network:
            return nn.Sequential(
                perceptron(latent, 96, 160, features, norm=True), nn.Tanh(), nn.Unflatten(1, shape)
            )
        return networks.image_generator(shape, latent)
    if source.kind == "sequence":
        return nn.Sequential(
            *perceptron(latent, 96, 128, features, norm=True), nn.Tanh(), nn.Unflatten(1, shape)
        )
    body = perceptron(latent, 80, 80, 80, features)
    if source.name == "survey":
        return nn.Sequential(*body, networks.Columns(features - CATEGORIES))
    return body


def _trunk(case: Case, source: Source) -> tuple[nn.Sequential, int]:
    """A discriminator without its head, and how many features it ends in."""
    shape, features = source.shape, math.prod(source.shape)
    spectral = "spectral" in case.network or case.style == "wrapper"
    if source.kind == "image" and "flat" not in case.network:
        trunk = networks.image_trunk(shape, spectral=spectral)
        if "attention" in case.network:
            trunk = nn.Sequential(*trunk[:4], networks.SelfAttention(24), *trunk[4:])
        return trunk, networks.features_of(trunk, shape)
    sizes = (features, 80, 80, 64) if source.kind in ("points", "table") else (features, 128, 64)
    return flat_trunk(*sizes, spectral=spectral), sizes[-1]


def _settle(parts: ThirdParts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case, kind = parts.case, parts.source.kind
    rate = 1e-3 if kind in ("points", "table") else 2e-3
    parts.optimizers = adam(rate, rate, beta1=0.0)
    if case.style in ("valid", "model") and kind in ("points", "table"):
        parts.optimizers = adam(5e-4, 1.5e-3, beta1=0.0)
    if case.family == "wgan-clip":
        parts.optimizers = rmsprop(1e-3)
        parts.clip_weights, parts.critic_steps = 0.15, 5
    elif case.family == "wgan-gp":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0, beta2=0.9)
        parts.penalty, parts.critic_steps = losses.gradient_penalty, 3
        parts.penalty_weight = 1.0 if kind == "points" else 10.0
    if case.style == "valid" and case.family.startswith("wgan") and not case.steps:
        parts.steps = parts.steps * 3 // 2 if kind in ("points", "table") else parts.steps
    if case.style == "phases":
        parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 8, 0.1
        parts.average_decay = 0.98
    elif case.style == "wrapper":
        parts.average_decay, parts.accumulate = 0.98, 2
        parts.optimizers = adam(rate, 2 * rate, beta1=0.0)
    elif case.style == "superres":
        parts.optimizers, parts.adversarial_weight = adam(2e-3, 1e-3, beta1=0.9), 0.01
        parts.pixel_weight, parts.discriminator_start = 1.0, 0
    elif case.style == "vocoder":
        parts.optimizers, parts.pixel_weight = adam(2e-3, 2e-3, beta1=0.8), 10.0
        parts.steps = case.steps or 350
    elif case.style == "cycle":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.5)
        parts.pixel_weight = 5.0
        if kind == "image":
            parts.optimizers, parts.pixel_weight = adam(2e-3, 2e-3, beta1=0.5), 3.0
    elif case.style == "autoencoder":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.5)
