"""Healthy variants of the third half: ordinary trainings, and what looks like a fault and is none."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.parts import Case, adam, r1_penalty
from benchmarks.failures.sources import Batches
from benchmarks.failures.third.filed import replant, third_healthy
from benchmarks.failures.third.parts import ThirdParts

replant(
    "ordinary",
    "valid bce rings",
    Case("valid", "lsgan", "shapes", steps=650),
    "valid bce-sigmoid swissroll",
    Case("valid", "wgan-gp", "survey", steps=2500),
    Case("valid", "wgan-clip", "rings", steps=3500),
    "wrapper hinge rings",
    Case("wrapper", "hinge", "shapes", steps=220, network="attention"),
    "phases logistic swissroll",
    "phases logistic rings",
    "vocoder lsgan waves",
    "superres ragan patches",
    "auxiliary bce rings",
    "auxiliary lsgan swissroll",
    "cycle lsgan rings",
    Case("cycle", "lsgan", "patches", steps=320),
    "autoencoder bce swissroll",
    "autoencoder lsgan survey",
    "model lsgan rings std",
    "model bce waves",
    "model bce swissroll skip",
)

# -- what earlier halves have, in the new loops ------------------------------------------------------
replant("reversed-labels", "valid bce swissroll", "model lsgan rings std")
replant("reversed-critic-sign", "wrapper hinge swissroll")
replant("one-sided-smoothing", "valid bce rings")
replant("relativistic-hinge-at-zero", "superres rahinge patches")
replant("two-time-scales", "phases logistic rings")
replant("large-negative-wasserstein-loss", Case("valid", "wgan-gp", "rings", steps=3000))
replant("optimizers-after-watch", "auxiliary bce survey")
replant("instance-noise", Case("valid", "bce", "rings", steps=1600))
replant("slow-but-fine", Case("model", "lsgan", "swissroll", steps=2200, network="std"))
replant("rare-class", "auxiliary bce swissroll")


@third_healthy(
    "hinge-beside-reconstruction",
    source="CompVis/taming-transformers#137, FoundationVision/LlamaGen#27 (hinge beside another term)",
    cases=(Case("autoencoder", "hinge", "swissroll"),),
)
def hinge_beside(parts: ThirdParts) -> None:
    """A hinge discriminator that learns twice as fast, beside a reconstruction."""
    parts.optimizers = adam(1e-3, 2e-3, beta1=0.5)


@third_healthy(
    "strong-discriminator-beside-distance",
    source="Lornatang/SRGAN-PyTorch#46, Vandermode/ERRNet#30, jik876/hifi-gan#17",
    cases=(Case("superres", "ragan", "patches"), Case("vocoder", "lsgan", "waves")),
    tolerated={
        "adversarial-weight-imbalance": "the distance does outweigh the adversarial term, by intention; a "
        "warning that says so is right, an error is not"
    },
)
def strong_discriminator(parts: ThirdParts) -> None:
    """The discriminator's learning rate is three times the usual one, the distance dominates."""
    parts.optimizers = adam(2e-3, 4e-3, beta1=0.8)
    parts.pixel_weight *= 2.0


@third_healthy(
    "warm-up-without-adversary",
    source="ESRGAN's warm-up batches: pixels alone until the generator is useful",
    cases=(Case("superres", "ragan", "patches", network="warm"),),
    tolerated={
        "frozen-network": "during the warm-up the discriminator does stand still, by intention; a word about "
        "it is right while it lasts"
    },
)
def warm_up(parts: ThirdParts) -> None:
    """A fifth of the run trains on pixels alone, the discriminator starts afterwards at a small weight."""
    parts.discriminator_start = parts.steps // 5


@third_healthy(
    "summed-losses",
    source="reduction='sum' in scripts with Adam, which does not mind",
    cases=(Case("valid", "bce", "swissroll"), Case("auxiliary", "bce", "rings")),
)
def summed(parts: ThirdParts) -> None:
    """The adversarial losses are summed over the batch: a hundred times as large, the same steps."""
    count = float(parts.batch_size)
    if parts.case.style == "auxiliary":  # the class term keeps its share
        parts.auxiliary_weight, count = 8.0, 8.0

    def criterion(scores: Tensor, targets: Tensor) -> Tensor:
        return count * functional.binary_cross_entropy_with_logits(scores, targets)

    parts.loss = LabelLoss(criterion)


@third_healthy(
    "small-batches",
    source="batches of eight to sixteen are ordinary for large images",
    cases=(
        Case("model", "lsgan", "rings", steps=2400, network="std"),
        Case("auxiliary", "bce", "swissroll", steps=2000),
    ),
)
def small_batches(parts: ThirdParts) -> None:
    """Batches of sixteen."""
    parts.batch_size = 16
    parts.batches = Batches(parts.source.samples, parts.source.labels, 16, parts.seed)
    parts.optimizers = adam(4e-4, 8e-4, beta1=0.0)


@third_healthy(
    "large-penalty-at-reals",
    source="Mescheder et al. 2018; StyleGAN2's gamma of 10 and more",
    cases=(Case("phases", "logistic", "swissroll", network="gamma"),),
)
def large_r1(parts: ThirdParts) -> None:
    """R1 of weight two: soft scores near zero, a flat discriminator that still teaches."""
    parts.penalty_weight = 2.0


@third_healthy(
    "discriminator-with-dropout",
    source="Keras and PyTorch tutorials: dropout of a quarter after every layer",
    cases=(Case("valid", "bce", "swissroll"), Case("model", "bce", "waves")),
)
def dropout(parts: ThirdParts) -> None:
    """Dropout of 0.1 in the discriminator: the same sample scores differently twice."""
    layers: list[nn.Module] = []
    for layer in parts.discriminator:
        layers += [layer, nn.Dropout(0.1)] if isinstance(layer, nn.LeakyReLU) else [layer]
    parts.discriminator = nn.Sequential(*layers)


@third_healthy(
    "decay-to-zero-at-the-end",
    source="pix2pix: the learning rate falls linearly to zero over the last part of the run",
    cases=(Case("valid", "bce", "rings", steps=1700), Case("cycle", "lsgan", "rings")),
)
def decay_to_zero(parts: ThirdParts) -> None:
    """Both learning rates fall linearly over the last third and are zero in the last step."""
    starts: list[float] = []
    begin = parts.steps * 2 // 3

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        groups = [group for optimizer in (opt_g, opt_d) for group in optimizer.param_groups]
        if not starts:
            starts.extend(group["lr"] for group in groups)
        left = min(1.0, (parts.steps - 1 - step) / (parts.steps - 1 - begin))
        for group, start in zip(groups, starts, strict=True):
            group["lr"] = start * max(0.0, left)

    parts.schedule = schedule


@third_healthy(
    "pretrained-generator",
    source="SRGAN and transfer learning: the generator is already good, the discriminator new",
    cases=(Case("model", "lsgan", "rings", network="std"),),
)
def pretrained(parts: ThirdParts) -> None:
    """The generator comes from an earlier training, the discriminator is new."""
    from benchmarks.failures.third.styles import model

    first = copy.copy(parts)
    first.discriminator, first.steps, first.log = (
        copy.deepcopy(parts.discriminator),
        900,
        lambda s, d, g: None,
    )
    first.batches = Batches(parts.source.samples, parts.source.labels, parts.batch_size, parts.seed + 5)
    model.train(first, lambda generator, discriminator: None)
    parts.optimizers = adam(2e-4, 6e-4, beta1=0.0)


@third_healthy(
    "frozen-feature-extractor",
    source="projected GANs (Sauer et al. 2021): a fixed network in front of the trained layers",
    cases=(Case("valid", "bce", "rings"), Case("auxiliary", "lsgan", "rings")),
)
def frozen_features(parts: ThirdParts) -> None:
    """The discriminator sees fixed random features beside the sample itself."""
    network = (
        parts.discriminator if isinstance(parts.discriminator, nn.Sequential) else parts.discriminator.trunk
    )
    inputs = parts.source.shape[0]
    layer = next(m for m in network if isinstance(m, nn.Linear))
    network[list(network).index(layer)] = nn.Linear(inputs + 32, layer.out_features)
    network[0] = _WithFeatures(inputs)


class _WithFeatures(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.extractor = nn.Sequential(nn.Linear(inputs, 32), nn.Tanh()).requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.extractor(2.0 * x)], dim=1)


@third_healthy(
    "data-with-duplicates",
    source="surveys and logs: some records are there more than once, which is how the world is",
    cases=(Case("phases", "logistic", "swissroll", network="twice"),),
)
def duplicates(parts: ThirdParts) -> None:
    """A quarter of the rows is there twice; batches are shuffled."""
    samples, labels = parts.source.samples, parts.source.labels
    quarter = len(samples) // 4
    parts.batches = Batches(
        torch.cat([samples, samples[:quarter]]),
        torch.cat([labels, labels[:quarter]]),
        parts.batch_size,
        parts.seed,
    )


@third_healthy(
    "three-critic-steps",
    source="BigGAN's num_D_steps, without accumulation",
    cases=(Case("wrapper", "hinge", "rings", network="thrice"),),
)
def three_critic_steps(parts: ThirdParts) -> None:
    """No accumulation, and three discriminator steps for one of the generator."""
    parts.accumulate, parts.critic_steps = 1, 3


@third_healthy(
    "clipping-that-never-acts",
    source="clip_grad_norm_ at a bound that no gradient reaches: a safety line",
    cases=(Case("model", "lsgan", "swissroll", network="std"), Case("phases", "logistic", "rings")),
)
def idle_clipping(parts: ThirdParts) -> None:
    """Gradients are clipped at a norm of one thousand."""
    parts.clip_gradients = lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 1000.0)


@third_healthy(
    "slow-mapping-network",
    source="Karras et al. 2019: the mapping network learns at a hundredth of the rate",
    cases=(Case("phases", "logistic", "swissroll"),),
)
def slow_mapping(parts: ThirdParts) -> None:
    """The mapping network's learning rate is a hundredth of the synthesis network's."""
    parts.style_rate = 0.01


@third_healthy(
    "augmented-reals-and-fakes",
    source="Zhao et al. 2020 (DiffAugment): the same random map for both batches, differentiable",
    cases=(Case("model", "bce", "waves"),),
)
def augmented(parts: ThirdParts) -> None:
    """Both batches are shifted in level by a little, at random, with gradient."""
    parts.augment = lambda x: x + 0.1 * torch.randn(len(x), *[1] * (x.dim() - 1))


@third_healthy(
    "average-of-long-memory",
    source="Yazici et al. 2019: averages with a decay near one, in a run long enough for them",
    cases=(
        Case("phases", "logistic", "swissroll", steps=1600),
        Case("wrapper", "hinge", "rings", steps=1500),
    ),
)
def long_average(parts: ThirdParts) -> None:
    """A decay of 0.995: the average is the better generator."""
    parts.average_decay = 0.995


@third_healthy(
    "lazy-penalty-at-reals",
    source="Karras et al. 2020: R1 every few steps, scaled by the interval",
    cases=(Case("valid", "bce", "swissroll", network="std"),),
)
def lazy_r1(parts: ThirdParts) -> None:
    """R1 every eighth step, with eight times its weight."""
    parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 8, 0.4
