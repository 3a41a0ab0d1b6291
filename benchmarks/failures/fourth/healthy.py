"""Healthy variants of the fourth half: ordinary trainings, and what looks like a fault and is none."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.failures.fourth.filed import fourth_healthy, replant
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case, adam, r1_penalty
from benchmarks.failures.sources import Batches

replant(
    "ordinary",
    "combined bce grid",
    "combined lsgan diabetes",
    "combined bce tokens",
    "stepping lsgan pinwheel",
    "stepping bce tiles",
    "stepping rpgan scurve",
    "switcher hinge scurve",
    "switcher lsgan chirps",
    "switcher bce digits16",
    "diters wgan-gp grid",
    "diters wgan-gp tokens",
    "diters wgan-clip pinwheel",
    "committee bce diabetes",
    "committee lsgan grid",
    "growing logistic digits16",
    "growing logistic tiles",
    "star lsgan pinwheel",
    "star lsgan tiles",
    "vaegan bce grid",
    "vaegan bce digits16",
    "packed wgan-gp iris",
    "packed bce diabetes",
    "periods lsgan tides",
    "combined bce tides",
)

# -- what earlier halves have, in the new loops ------------------------------------------------------
replant("reversed-labels", "combined bce pinwheel", "stepping lsgan scurve")
replant("reversed-critic-sign", "diters wgan-gp pinwheel", "switcher hinge grid")
replant("one-sided-smoothing", "combined bce scurve")
replant("relativistic-hinge-at-zero", "stepping rahinge pinwheel")
replant("two-time-scales", "switcher hinge pinwheel")
replant("large-negative-wasserstein-loss", "diters wgan-gp scurve")
replant("instance-noise", "stepping bce grid")
replant("slow-but-fine", Case("star", "lsgan", "pinwheel", steps=2000, network="slow"))
replant("discriminator-with-dropout", "stepping bce scurve", "combined bce chirps")
replant("small-batches", Case("switcher", "lsgan", "scurve", steps=2000))
replant("summed-losses", "stepping bce grid")
replant("decay-to-zero-at-the-end", "vaegan bce pinwheel", "switcher bce grid")
replant("clipping-that-never-acts", "packed bce diabetes", "star lsgan grid")
replant("data-with-duplicates", "combined bce scurve")
replant("r1-at-every-step", "stepping bce pinwheel")
replant("similar-at-first", "stepping lsgan grid")
replant("augmented-reals-and-fakes", "combined bce tides")
replant("saturating-that-works", "diters minimax grid")


@fourth_healthy(
    "labels-flipped-now-and-then",
    source="soumith/ganhacks: occasionally flip the labels when training the discriminator",
    cases=(Case("combined", "bce", "grid"), Case("stepping", "bce", "scurve")),
)
def flipped_labels(parts: FourthParts) -> None:
    """One discriminator label in twenty is flipped."""
    right = parts.loss.criterion

    def noisy(scores: Tensor, targets: Tensor) -> Tensor:
        flip = (torch.rand_like(targets) < 0.05).float()
        return right(scores, (1 - flip) * targets + flip * (1 - targets))

    parts.loss.criterion = noisy


@fourth_healthy(
    "soft-random-labels",
    source="soumith/ganhacks: labels between 0.8 and 1.1 for the reals",
    cases=(Case("stepping", "bce", "pinwheel"),),
)
def soft_labels(parts: FourthParts) -> None:
    """Targets of the reals are drawn from [0.8, 1.1], those of the fakes from [-0.0, 0.15]."""
    right = parts.loss.criterion

    def soft(scores: Tensor, targets: Tensor) -> Tensor:
        drawn = torch.where(
            targets > 0.5, 0.8 + 0.3 * torch.rand_like(targets), 0.15 * torch.rand_like(targets)
        )
        return right(scores, drawn)

    parts.loss.criterion = soft


@fourth_healthy(
    "clipping-that-acts",
    source="TimeGAN and vocoders clip gradients at a norm of one in every step",
    cases=(Case("switcher", "hinge", "diabetes"), Case("periods", "lsgan", "tides")),
)
def clipping(parts: FourthParts) -> None:
    """Both gradients are clipped at a norm of 0.5 in every step; Adam does not mind."""
    parts.clip_gradients = lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.5)


@fourth_healthy(
    "rule-that-skips-the-stronger-player",
    source="soumith/ganhacks#14 (rules that balance by the losses), the right way round",
    cases=(Case("switcher", "lsgan", "pinwheel"),),
)
def skips(parts: FourthParts) -> None:
    """The discriminator's step is left out as long as its loss is below 0.35: now and then."""
    skipped = [0]

    def rule(loss: float) -> bool:
        skipped[0] = skipped[0] + 1 if loss < 0.35 else 0
        return skipped[0] != 1  # one step is left out, then it is looked at again

    parts.train_discriminator_if = rule


@fourth_healthy(
    "latents-on-the-sphere",
    source="White 2016 (spherical latents), Karras et al. 2018 (normalised latents)",
    cases=(Case("stepping", "lsgan", "scurve"),),
)
def sphere(parts: FourthParts) -> None:
    """Latents are drawn normal and scaled to one length, in training and at sampling."""
    size = parts.latent_size

    def draw(count: int) -> Tensor:
        z = torch.randn(count, size)
        return z / z.norm(dim=1, keepdim=True) * size**0.5

    parts.latent = draw


@fourth_healthy(
    "uniform-latents",
    source="DCGAN (Radford et al. 2015): z ~ U(-1, 1), in training and at sampling",
    cases=(Case("combined", "bce", "pinwheel"), Case("committee", "hinge", "scurve")),
)
def uniform(parts: FourthParts) -> None:
    """Latents are drawn from [-1, 1] everywhere."""
    size = parts.latent_size
    parts.latent = lambda count: 2.0 * torch.rand(count, size) - 1.0


@fourth_healthy(
    "discriminator-warmed-up-first",
    source="adversarial fine tuning: the discriminator is trained alone before the game begins",
    cases=(Case("stepping", "bce", "grid", network="warm"),),
)
def warmed_up(parts: FourthParts) -> None:
    """The first forty steps train the discriminator only."""

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        for group in opt_g.param_groups:
            group["lr"] = 0.0 if step < 40 else 5e-4

    make = parts.optimizers

    def waiting(generator: nn.Module, discriminator: nn.Module) -> tuple:
        opt_g, opt_d = make(generator, discriminator)
        for group in opt_g.param_groups:
            group["lr"] = 0.0
        return opt_g, opt_d

    parts.optimizers, parts.schedule = waiting, schedule


@fourth_healthy(
    "discriminator-from-a-warm-up-of-reconstruction",
    source="taming-transformers: the adversary is switched on when the reconstruction is good",
    cases=(Case("vaegan", "bce", "grid", network="late"),),
    tolerated={
        "frozen-network": "until it is started the discriminator does stand still, by intention",
        "adversarial-weight-imbalance": "until it is started the adversarial term does weigh nothing",
    },
)
def late_start(parts: FourthParts) -> None:
    """The adversary starts after a tenth of the run, beside a reconstruction that is already learnt."""
    parts.discriminator_start = parts.steps // 10


@fourth_healthy(
    "weight-decay-as-usual",
    source="AdamW's default of 0.01 in HiFi-GAN's and others' configurations",
    cases=(Case("periods", "lsgan", "tides"), Case("combined", "lsgan", "scurve")),
)
def weight_decay(parts: FourthParts) -> None:
    """AdamW with a weight decay of 0.01 for both."""
    make = parts.optimizers

    def decayed(generator: nn.Module, discriminator: nn.Module) -> tuple:
        pair = make(generator, discriminator)
        groups = [optimizer.param_groups[0] for optimizer in pair]
        return tuple(
            torch.optim.AdamW(network.parameters(), lr=group["lr"], betas=group["betas"], weight_decay=0.01)
            for network, group in zip((generator, discriminator), groups, strict=True)
        )

    parts.optimizers = decayed


@fourth_healthy(
    "batches-that-lean-to-one-class",
    source="samplers that draw a part of every batch from one class, classes in random order",
    cases=(Case("stepping", "bce", "scurve", network="classes"),),
    tolerated={"batch-repeat": "batches that lean to one class are an order in the reals, drawn at random"},
)
def mixed_order(parts: FourthParts) -> None:
    """Half of every batch is of one class, which changes at random."""
    parts.batches = _Leaning(parts.source.samples, parts.source.labels, parts.batch_size, parts.seed)


class _Leaning(Iterator):
    def __init__(self, samples: Tensor, labels: Tensor, batch_size: int, seed: int) -> None:
        self.everything = Batches(samples, labels, batch_size // 2, seed)
        self.classes = [
            Batches(samples[labels == c], labels[labels == c], batch_size // 2, seed + 1 + int(c))
            for c in labels.unique()
        ]
        self.random = torch.Generator().manual_seed(seed)

    def __next__(self) -> tuple[Tensor, Tensor]:
        one = int(torch.randint(0, len(self.classes), (), generator=self.random))
        pairs = next(self.everything), next(self.classes[one])
        return torch.cat([pairs[0][0], pairs[1][0]]), torch.cat([pairs[0][1], pairs[1][1]])


@fourth_healthy(
    "larger-second-network",
    source="BigGAN and StyleGAN: a discriminator of several times the generator's size, held by R1",
    cases=(Case("stepping", "bce", "grid", network="wide"),),
)
def wide_discriminator(parts: FourthParts) -> None:
    """A discriminator of four times the width, with R1."""
    features = parts.source.shape[0]
    parts.discriminator = nn.Sequential(
        nn.Linear(features, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)
    )
    parts.penalty, parts.penalty_weight = r1_penalty, 0.05


@fourth_healthy(
    "momentum-with-penalty",
    source="WGAN-GP's and SNGAN's Adam(0.5, 0.9)",
    cases=(Case("diters", "wgan-gp", "diabetes"),),
)
def momentum(parts: FourthParts) -> None:
    """Adam with betas 0.5 and 0.9 under a gradient penalty."""
    parts.optimizers = adam(1e-3, 1e-3, beta1=0.5, beta2=0.9)
