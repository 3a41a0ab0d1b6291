"""The healthy ingredients of a case of the sixth half."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.fifth.networks import strided_trunk
from benchmarks.failures.fifth.parts import FifthParts, settle_family
from benchmarks.failures.losses import TermLoss
from benchmarks.failures.networks import FeatureDiscriminator, flat_trunk, perceptron
from benchmarks.failures.parts import Case, adam, assembled, r1_penalty
from benchmarks.failures.sixth import networks, restorers
from benchmarks.failures.sixth.sources import SKIES
from benchmarks.failures.sources import Source, load_source
from benchmarks.failures.third.networks import Columns, ConcatenatedLabel, MinibatchStd, features_of
from benchmarks.failures.third.parts import make_loss

STEPS = {
    "lissajous": 650,
    "clover": 600,
    "sphere": 600,
    "components": 600,
    "weather": 600,
    "sawtooth": 450,
    "bursts": 400,
    "bars": 580,
    "discs": 400,
    "clothes": 320,
}
LATENT_BESIDE = 3  # of a generator that has a condition and a latent
BESIDE = ("adaptive", "mel")  # loops with a distance beside the adversarial term
LABELLED = ("stability", "labelmaps")


@dataclass
class SixthParts(FifthParts):
    """Further switches; each is one line of a script."""

    path_weight: float = 0.0  # of the path length regulariser
    path_every: int = 4


def make_parts(case: Case, seed: int) -> SixthParts:
    """The healthy ingredients of a case; everything random comes from the seed."""
    torch.manual_seed(seed)
    source = load_source(case.data)
    latent_size = {"points": 6, "table": 10}.get(source.kind, 16)
    if case.style in BESIDE:
        latent_size = LATENT_BESIDE
    elif case.style == "mutual":
        latent_size += source.classes + 1
    batch_size = {"image": 32, "sequence": 64}.get(source.kind, 100)
    generator, discriminator = make_networks(case, source, latent_size)
    if case.family == "bce-sigmoid":
        discriminator = nn.Sequential(*discriminator.children(), nn.Sigmoid())
    players, loss = (generator, discriminator), make_loss(case.family)
    parts = assembled(SixthParts, case, seed, source, players, loss, STEPS, latent_size, batch_size)
    _settle(parts)
    return parts


def make_networks(case: Case, source: Source, latent: int) -> tuple[nn.Module, nn.Module]:
    """Networks of a case; `case.network` may ask for a variant."""
    shape, style, variant, classes = source.shape, case.style, case.network, source.classes
    channels = shape[0]
    if style == "adaptive":
        return restorers.Quantised(channels), restorers.Patches(channels)
    if style == "mel":
        z = latent if "latent" in variant else 0
        return restorers.FrameGenerator(channels, z), restorers.Scales(channels)
    if style == "labelmaps":
        body = body_of(case, source, 36)
        return networks.TwoInputs(latent, classes, body), networks.MapJudge(shape, classes)
    trunk, width = trunk_of(case, source)
    if style == "stability":
        body = body_of(case, source, latent + 12)
        return ConcatenatedLabel(body, classes), networks.PerClass(trunk, width, classes)
    if "style" in variant:
        end: nn.Module = nn.Tanh() if source.kind == "image" else nn.Identity()
        size = 18 if source.kind == "image" else 64
        generator: nn.Module = networks.StyledGenerator(shape, latent, size, end)
    else:
        generator = body_of(case, source, latent)
    if style == "diffaug":
        return generator, networks.Reconstructing(trunk, width, shape)
    if style == "mutual" or variant in ("dict", "tuple"):
        return generator, FeatureDiscriminator(trunk, width, as_dict=variant == "dict")
    if "std" in variant or "style" in variant:
        return generator, nn.Sequential(*trunk, MinibatchStd(), nn.Linear(width + 1, 1))
    return generator, nn.Sequential(*trunk, nn.Linear(width, 1))


def body_of(case: Case, source: Source, latent: int) -> nn.Sequential:
    """From a latent to a sample."""
    shape, features = source.shape, math.prod(source.shape)
    if source.kind == "image" and "flat" not in case.network:
        return networks.deconvolving_generator(shape, latent)
    if source.kind in ("image", "sequence"):
        return nn.Sequential(
            *perceptron(latent, 112, 128, features, norm=True), nn.Tanh(), nn.Unflatten(1, shape)
        )
    body = perceptron(latent, 80, 80, features)
    return nn.Sequential(*body, Columns(features - SKIES)) if source.name == "weather" else body


def trunk_of(case: Case, source: Source) -> tuple[nn.Sequential, int]:
    """A discriminator without its head, and how many features it ends in."""
    spectral = "spectral" in case.network
    if source.kind == "image" and "flat" not in case.network:
        trunk = strided_trunk(source.shape, width=16, spectral=spectral)
        return trunk, features_of(trunk, source.shape)
    start = math.prod(source.shape)
    sizes = (start, 80, 72) if source.kind in ("points", "table") else (start, 128, 64)
    return flat_trunk(*sizes, spectral=spectral), sizes[-1]


def _settle(parts: SixthParts) -> None:
    """Learning rates and constraints with which the healthy case trains well in its few steps."""
    case, kind = parts.case, parts.source.kind
    settle_family(parts)
    if case.style == "collection":
        parts.detach_for_discriminator = False  # as published: the next zero_grad makes up for it
    elif case.style in ("stability", "lazyreg") and parts.penalty is None:
        parts.penalty, parts.penalty_weight = r1_penalty, 0.1
    elif case.style == "diffaug":
        parts.augment, parts.average_decay = _diff_augment(kind), 0.97
        if case.family == "hinge":
            parts.loss = _hinge_with_random_margins()
    elif case.style == "mutual":
        parts.latent = _with_codes(parts.latent_size, parts.source.classes)
    elif case.style == "adaptive":
        parts.optimizers, parts.adversarial_weight = adam(2e-3, 1e-3, beta1=0.5, beta2=0.9), 0.3
        parts.damage, parts.plain = lambda picture: picture, blurred
        parts.discriminator_start = parts.steps // 10
        parts.steps = case.steps or 320
    elif case.style == "mel":
        parts.optimizers = adam(2e-3, 1e-3, beta1=0.5, beta2=0.9)
        parts.feature_weight, parts.pixel_weight = 10.0, 5.0
        parts.damage, parts.plain = restorers.frames, restorers.between_frames
        parts.steps = case.steps or 320
    if case.style == "lazyreg":
        parts.penalty_every = 4
        if "style" in case.network:
            parts.path_weight = 0.02
    if case.style in ("stability", "lazyreg"):
        parts.average_decay = 0.97


# -- what single loops have ------------------------------------------------------------------------


def _diff_augment(kind: str) -> Callable[[Tensor], Tensor]:
    """DiffAugment in small: brightness and, of pictures, contrast and a shift by at most one place."""

    def augment(x: Tensor) -> Tensor:
        single = (len(x), *[1] * (x.dim() - 1))
        x = x + 0.15 * torch.randn(single)
        if kind != "image":
            return x
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) * (0.8 + 0.4 * torch.rand(single)) + mean
        across, down = (int(torch.randint(-1, 2, ())) for _ in range(2))
        padded = functional.pad(x, (1, 1, 1, 1))
        size = x.shape[-1]
        return padded[:, :, 1 + down : 1 + down + size, 1 + across : 1 + across + size]

    return augment


def _hinge_with_random_margins() -> TermLoss:
    """FastGAN's: the margin is drawn from [0.8, 1] for every score."""

    def margin(scores: Tensor) -> Tensor:
        return 0.8 + 0.2 * torch.rand_like(scores)

    return TermLoss(
        real=lambda s: functional.relu(margin(s) - s).mean(),
        fake=lambda s: functional.relu(margin(s) + s).mean(),
        generated=lambda s: -s.mean(),
    )


def _with_codes(size: int, classes: int) -> Callable[[int], Tensor]:
    """InfoGAN's noise: normal numbers, a one-hot code and a number in [-1, 1]."""

    def draw(count: int) -> Tensor:
        code = functional.one_hot(torch.randint(0, classes, (count,)), classes).float()
        normal = torch.randn(count, size - classes - 1)
        return torch.cat([normal, code, 2 * torch.rand(count, 1) - 1], dim=1)

    return draw


def blurred(picture: Tensor) -> Tensor:
    """The picture at a quarter of its size, enlarged again."""
    small = functional.avg_pool2d(picture, 4)
    return functional.interpolate(small, scale_factor=4.0, mode="bilinear", align_corners=False)
