"""What a training script is made of: the ingredients that a fault operator may exchange.

`Case` names a run (style, loss family, data, length). `make_parts` makes the healthy ingredients for it; an
operator then changes what it must, and the loop of the style trains with what it is given. The loops read
the switches below exactly where a script has its own line, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from benchmarks.failures import losses, networks
from benchmarks.failures.sources import Batches, Source, load_source

Optimizers = tuple[torch.optim.Optimizer, torch.optim.Optimizer]


@dataclass(frozen=True)
class Case:
    """One script: which loop, which loss family, which data, how many steps; ``network`` picks a variant."""

    style: str
    family: str
    data: str
    steps: int = 0
    network: str = ""

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.style, self.family, self.data, self.network) if part)


@dataclass
class Parts:
    case: Case
    seed: int
    source: Source
    generator: nn.Module
    discriminator: nn.Module
    loss: Any
    batches: Iterator[tuple[Tensor, Tensor]]
    latent: Callable[[int], Tensor]
    optimizers: Callable[[nn.Module, nn.Module], Optimizers]
    steps: int
    batch_size: int
    latent_size: int

    # Switches: each is one line of a script.
    sample_latent: Callable[[int], Tensor] | None = None  # the law at sampling; None: the one of training
    detach_for_generator: bool = False  # `.detach()` copied into the generator's step
    detach_for_discriminator: bool = True
    zero_discriminator: bool = True
    zero_generator: bool = True
    zero_after_step: bool = False  # zero_grad only after one's own step: the other player's backward leaks in
    flat_targets: bool = False  # targets of shape (N,) for scores of shape (N, 1)
    critic_steps: int = 1
    accumulate: int = 1
    penalty: Callable[[Callable[[Tensor], Any], Tensor, Tensor], Tensor] | None = None
    penalty_weight: float = 0.0
    penalty_every: int = 1
    clip_weights: float | None = None
    clip_before_step: bool = False
    clip_gradients: Callable[[Iterator[nn.Parameter]], Any] | None = None
    schedule: Callable[[int, torch.optim.Optimizer, torch.optim.Optimizer], None] | None = None
    augment: Callable[[Tensor], Tensor] | None = None
    controller: Callable[[Tensor], None] | None = None  # sees the scores of the reals, as ADA does
    half_precision: bool = False
    adversarial_weight: float = 1.0
    pixel_weight: float = 10.0
    discriminator_start: int = 0  # before it both adversarial terms are multiplied by zero
    average_decay: float | None = None
    average_buffers: bool = True
    sample_every: int = 100
    optimizers_first: bool = True  # made before or after `watch` is called
    label_stream: Callable[[Tensor], Tensor] | None = None  # labels as the script pairs them with the samples
    log: Callable[[int, float, float], None] = lambda step, d, g: None
    notes: dict[str, Any] = field(default_factory=dict)

    def train_on(self, samples: Tensor, *, shuffle: bool = True) -> None:
        """Take the batches from other samples, with the labels as they are."""
        self.batches = Batches(samples, self.source.labels, self.batch_size, self.seed, shuffle=shuffle)


def adam(
    lr_generator: float, lr_discriminator: float, beta1: float = 0.5, beta2: float = 0.99
) -> Callable[[nn.Module, nn.Module], Optimizers]:
    def make(generator: nn.Module, discriminator: nn.Module) -> Optimizers:
        return (
            torch.optim.Adam(generator.parameters(), lr=lr_generator, betas=(beta1, beta2)),
            torch.optim.Adam(discriminator.parameters(), lr=lr_discriminator, betas=(beta1, beta2)),
        )

    return make


def rmsprop(lr: float) -> Callable[[nn.Module, nn.Module], Optimizers]:
    def make(generator: nn.Module, discriminator: nn.Module) -> Optimizers:
        return (
            torch.optim.RMSprop(generator.parameters(), lr=lr),
            torch.optim.RMSprop(discriminator.parameters(), lr=lr),
        )

    return make


STEPS = {"ring": 1500, "digits": 700, "fashion": 450, "table": 1500, "sequence": 800}


AnyParts = TypeVar("AnyParts", bound=Parts)


def assembled(
    kind: type[AnyParts],
    case: Case,
    seed: int,
    source: Source,
    players: tuple[nn.Module, nn.Module],
    loss: Any,
    steps: Mapping[str, int],
    latent_size: int,
    batch_size: int,
) -> AnyParts:
    """The ingredients that every half puts together alike: normal latents, and Adam until it is settled."""
    generator, discriminator = players
    return kind(
        case=case,
        seed=seed,
        source=source,
        generator=generator,
        discriminator=discriminator,
        loss=loss,
        batches=Batches(source.samples, source.labels, batch_size, seed),
        latent=lambda count: torch.randn(count, latent_size),
        optimizers=adam(1e-3, 1e-3, beta1=0.0),
        steps=case.steps or steps[case.data],
        batch_size=batch_size,
        latent_size=latent_size,
    )


def make_parts(case: Case, seed: int) -> Parts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 8, "table": 16}.get(source.kind, 16)
    batch_size = 128 if source.kind in ("points", "table") else 64
    players = make_networks(case, source, latent_size)
    loss = losses.make_loss(case.family)
    parts = assembled(Parts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case without its loss's head; `case.network` may ask for a variant."""
    shape = source.shape
    features = int(torch.tensor(shape).prod())
    if case.style == "composite":
        z = 4 if "latent" in case.network else 0
        width = 16 if shape[-1] == 8 else 10
        return networks.Upscaler(latent=z, width=width), networks.PatchDiscriminator(width)
    if case.style == "conditional":
        if source.kind == "image":
            body: nn.Module = networks.flat_image_generator(shape[-1], latent + 8)
        else:
            body = networks.perceptron(latent + 8, 64, 64, features)
        kind = (
            networks.ProjectionDiscriminator if case.family == "hinge" else networks.ConditionalDiscriminator
        )
        return networks.ConditionalGenerator(body, source.classes), kind(features, source.classes)
    if source.kind == "image":
        size = shape[-1]
        if "flat" in case.network:
            generator: nn.Module = networks.flat_image_generator(size, latent)
            discriminator: nn.Module = networks.flat_image_discriminator(size)
        else:
            width = 16 if size == 8 else 10
            generator = networks.image_generator(size, latent, width)
            discriminator = networks.image_discriminator(size, width, spectral="spectral" in case.network)
    elif source.kind == "sequence":
        generator, discriminator = (
            networks.sequence_generator(shape[-1], latent),
            networks.sequence_discriminator(),
        )
    else:
        width = 64 if source.kind == "points" else 96
        generator = networks.perceptron(latent, width, width, features)
        discriminator = networks.perceptron(features, width, width, 1, activation=nn.LeakyReLU)
    if case.network in ("dict", "tuple"):
        if source.kind == "image":
            size = 4 if shape[-1] == 8 else 7
            trunk: nn.Module = nn.Sequential(
                nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16 * size * size, 64)
            )
        else:
            trunk = networks.perceptron(features, 64, 64, activation=nn.LeakyReLU)
        discriminator = networks.FeatureDiscriminator(trunk, 64, as_dict=case.network == "dict")
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(discriminator, nn.Sigmoid())
    return generator, discriminator


def _settle(parts: Parts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case, kind = parts.case, parts.source.kind
    rate = 1e-3 if kind in ("points", "table") else 2e-3
    parts.optimizers = adam(rate, rate, beta1=0.0)
    if case.family == "wgan-clip":
        parts.optimizers = rmsprop(1e-3)
        parts.clip_weights, parts.critic_steps = (0.2 if kind == "points" else 0.05), 3
        parts.steps = case.steps or STEPS[case.data] * (5 if kind == "points" else 4) // 6
    elif case.family == "wgan-gp":
        parts.optimizers = adam(1e-3, 1e-3, beta1=0.0, beta2=0.9)
        parts.penalty, parts.penalty_weight, parts.critic_steps = losses.gradient_penalty, 10.0, 3
        if kind == "points":
            parts.penalty_weight = 1.0
        parts.steps = case.steps or STEPS[case.data] // 2
    if case.style == "composite":
        parts.steps = case.steps or STEPS[case.data] * 2 // 3
    if case.style == "class-trainer":
        parts.average_decay = 0.99
    if case.style in ("class-trainer", "relativistic") and not case.family.startswith("wgan"):
        parts.penalty, parts.penalty_every = r1_penalty, 4
        parts.penalty_weight = 0.3
        if case.family == "rpgan":
            parts.penalty, parts.penalty_every = r1_and_r2_penalty, 1


def r1_penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
    return losses.zero_centred_penalty(critic, real)


def r1_and_r2_penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
    return losses.zero_centred_penalty(critic, real) + losses.zero_centred_penalty(critic, fake)
