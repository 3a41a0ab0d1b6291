"""Healthy variants: ordinary trainings, and every configuration that has been reported as a fault and is
none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from benchmarks.failures import networks
from benchmarks.failures.losses import LabelLoss, TermLoss
from benchmarks.failures.parts import Case, Parts, adam, rmsprop


@dataclass(frozen=True)
class Healthy:
    """One healthy script. `tolerated`: warnings that are right here, with reasons fixed beforehand."""

    name: str
    description: str
    source: str
    cases: tuple[Case, ...]
    apply: Callable[[Parts], None]
    tolerated: dict[str, str] = field(default_factory=dict)


HEALTHY: dict[str, Healthy] = {}


def healthy(
    name: str,
    *,
    cases: tuple[Case, ...],
    source: str = "",
    tolerated: dict[str, str] | None = None,
    registry: dict[str, Healthy] = HEALTHY,
) -> Callable[[Callable[[Parts], None]], Callable[[Parts], None]]:
    def add(apply: Callable[[Parts], None]) -> Callable[[Parts], None]:
        assert name not in registry, name
        description = " ".join((apply.__doc__ or "").split())
        registry[name] = Healthy(name, description, source, cases, apply, tolerated or {})
        return apply

    return add


@healthy(
    "ordinary",
    cases=(
        Case("tutorial", "bce", "ring"),
        Case("tutorial", "lsgan", "ring"),
        Case("tutorial", "bce", "digits"),
        Case("tutorial", "bce", "fashion"),
        Case("tutorial", "bce-sigmoid", "digits"),
        Case("concatenated", "bce", "ring"),
        Case("concatenated", "lsgan", "digits"),
        Case("wasserstein", "wgan-gp", "ring"),
        Case("wasserstein", "wgan-clip", "ring"),
        Case("class-trainer", "hinge", "ring"),
        Case("class-trainer", "hinge", "digits"),
        Case("class-trainer", "lsgan", "fashion"),
        Case("conditional", "bce", "digits"),
        Case("conditional", "hinge", "ring"),
        Case("tabular", "bce", "table"),
        Case("tabular", "bce", "sequence"),
        Case("relativistic", "rpgan", "ring"),
        Case("wasserstein", "wgan-gp", "table"),
    ),
)
def ordinary(parts: Parts) -> None:
    """Nothing changed."""


@healthy(
    "relativistic-hinge-at-zero",
    source="akanimax/BMSG-GAN#2",
    cases=(
        Case("relativistic", "rahinge", "ring"),
        Case("relativistic", "rahinge", "digits", network="spectral"),
    ),
)
def relativistic_hinge(parts: Parts) -> None:
    """Relativistic average hinge: its loss is at zero for long stretches, and nothing is wrong."""
    parts.penalty_every = 1


@healthy(
    "large-negative-wasserstein-loss",
    source="igul222/improved_wgan_training#44, sdv-dev/CTGAN#28, #99, sdv-dev/SDV#812, "
    "lilianweng/unified-gan-tensorflow#3, igul222/improved_wgan_training#17",
    cases=(Case("wasserstein", "wgan-gp", "digits"), Case("tabular", "wgan-gp", "table")),
)
def large_negative_loss(parts: Parts) -> None:
    """A small penalty weight: critic losses that are large and negative at first and then rise."""
    parts.penalty_weight = 1.0


@healthy(
    "composite-with-strong-discriminator",
    source="Vandermode/ERRNet#30, krasserm/super-resolution#45, Lornatang/SRGAN-PyTorch#46",
    cases=(Case("composite", "bce", "digits"), Case("composite", "lsgan", "fashion")),
)
def composite_strong(parts: Parts) -> None:
    """The pixel term dominates and the discriminator is strong: its loss is small, the pictures are good."""
    parts.pixel_weight = 50.0
    parts.optimizers = adam(1e-3, 2e-3, beta1=0.5)


@healthy(
    "composite-ordinary",
    source="taming-transformers#137, jik876/hifi-gan#17, FoundationVision/LlamaGen#27",
    cases=(Case("composite", "hinge", "digits"),),
)
def composite_ordinary(parts: Parts) -> None:
    """Hinge beside L1: the generator's term is negative at times and the losses do not fall."""


@healthy(
    "reversed-labels",
    source="keras-team/keras-io#361, lucidrains/stylegan2-pytorch#190",
    cases=(
        Case("tutorial", "bce", "digits"),
        Case("concatenated", "lsgan", "ring"),
        Case("conditional", "bce", "ring"),
    ),
)
def reversed_labels(parts: Parts) -> None:
    """Fake is 1 and real is 0 throughout, the generator's target is 0: a convention."""
    parts.loss = LabelLoss(parts.loss.criterion, real_label=0.0, fake_label=1.0)


@healthy(
    "reversed-critic-sign",
    source="martinarjovsky/WassersteinGAN#61, #72, #80",
    cases=(Case("wasserstein", "wgan-gp", "ring"),),
)
def reversed_sign(parts: Parts) -> None:
    """The critic is trained to score fakes higher, and the generator to lower its score: consistent."""
    right = parts.loss
    parts.loss = TermLoss(
        real=lambda s: right.real(-s), fake=lambda s: right.fake(-s), generated=lambda s: right.generated(-s)
    )


@healthy(
    "undetached-but-zeroed",
    source=(
        "yunjey/pytorch-tutorial#56, yifanjiang19/Pedestrian-Synthesis-GAN#32, "
        "eriklindernoren/PyTorch-GAN#136"
    ),
    cases=(Case("tutorial", "bce", "ring"), Case("tutorial", "bce", "digits")),
)
def undetached(parts: Parts) -> None:
    """No detach in the discriminator's step; the generator's gradients are zeroed before its own step."""
    parts.detach_for_discriminator = False


@healthy(
    "no-tanh-by-design",
    source="rosinality/style-based-gan-pytorch#30, soumith/dcgan.torch#42",
    cases=(Case("class-trainer", "hinge", "digits", network="linear"),),
)
def no_tanh(parts: Parts) -> None:
    """The generator's output is linear and the reals are standardised."""
    parts.generator = networks.image_generator(parts.source.shape[-1], parts.latent_size, tanh=False)


@healthy(
    "batchnorm-in-critic-that-works",
    source="cyclomon/3dbraingen#6",
    cases=(Case("wasserstein", "wgan-gp", "digits", network="bn"),),
    tolerated={
        "batch-coupling": (
            "the catalogue warns of BatchNorm under a per-sample penalty; here it happens to work, "
            "and a warning that says so is right, an error is not"
        )
    },
)
def batchnorm_critic(parts: Parts) -> None:
    """BatchNorm in a critic with a gradient penalty, which happens to train well."""
    parts.discriminator = networks.image_discriminator(parts.source.shape[-1], norm=True)


@healthy(
    "least-squares-that-oscillates",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#772, #866",
    cases=(Case("tutorial", "lsgan", "digits"), Case("concatenated", "lsgan", "fashion")),
)
def least_squares(parts: Parts) -> None:
    """Least squares with momentum 0.5: the losses swing, the samples get better."""
    parts.optimizers = adam(1e-3, 2e-3, beta1=0.5)


@healthy(
    "similar-at-first",
    source="autonomousvision/projected-gan#34, NVlabs/stylegan2-ada-pytorch#104",
    cases=(Case("tutorial", "bce", "digits", network="flat"), Case("wasserstein", "wgan-gp", "ring")),
)
def similar_at_first(parts: Parts) -> None:
    """The generator starts with a tiny last layer: all samples look alike at first and differ later."""
    with torch.no_grad():
        last = [m for m in parts.generator.modules() if isinstance(m, nn.Linear)][-1]
        last.weight.mul_(0.05)


@healthy(
    "clip-before-step",
    source="jiamings/wgan#2",
    cases=(Case("wasserstein", "wgan-clip", "ring"), Case("wasserstein", "wgan-clip", "table")),
)
def clip_before(parts: Parts) -> None:
    """Weights are clipped before the optimizer's step instead of after it: irrelevant at a small learning
    rate."""
    parts.clip_before_step = True
    parts.optimizers = rmsprop(5e-4)
    parts.steps = parts.steps * 5 // 3


@healthy(
    "slow-but-fine",
    source="failures research A11: slow trainings are not broken",
    cases=(
        Case("relativistic", "rpgan", "ring", steps=2400),
        Case("class-trainer", "hinge", "digits", steps=1500, network="flat"),
        Case("tabular", "bce", "table", steps=3000),
    ),
)
def slow(parts: Parts) -> None:
    """Half or a quarter of the usual learning rate and twice the steps."""
    parts.optimizers = adam(5e-4, 5e-4, beta1=0.0)


@healthy(
    "score-in-a-dictionary",
    source="issue 3, section 1: discriminators that return tuples and dictionaries",
    cases=(
        Case("class-trainer", "bce", "digits", network="dict"),
        Case("class-trainer", "hinge", "ring", network="tuple"),
    ),
)
def structured_output(parts: Parts) -> None:
    """The discriminator returns its score together with its features."""


@healthy(
    "gradient-accumulation",
    source="issue 3, section 1",
    cases=(Case("class-trainer", "lsgan", "ring"),),
)
def accumulation(parts: Parts) -> None:
    """Two micro-batches a step for both players."""
    parts.accumulate = 2


@healthy(
    "optimizers-after-watch",
    source="issue 3, section 1",
    cases=(Case("wasserstein", "wgan-gp", "table", steps=500), Case("tutorial", "bce-sigmoid", "ring")),
)
def optimizers_after(parts: Parts) -> None:
    """The optimizers are made after `watch` was called."""
    parts.optimizers_first = False


@healthy(
    "one-sided-smoothing",
    source="failures research B3: 0.325 is the floor of labels 0.9 and 0",
    cases=(Case("tutorial", "bce", "ring", network="smooth"), Case("concatenated", "bce", "digits")),
)
def smoothing(parts: Parts) -> None:
    """The discriminator's label for reals is 0.9; the generator's target is 1."""
    parts.loss.real_label, parts.loss.generator_label = 0.9, 1.0


@healthy(
    "minimax-that-works",
    source="Goodfellow et al. 2014: the saturating loss, well balanced",
    cases=(Case("wasserstein", "minimax", "ring"),),
)
def minimax_that_works(parts: Parts) -> None:
    """The saturating loss with equal steps: it trains."""
    parts.critic_steps = 1
