"""Collapsed generators, discriminators that know their data by heart, augmentation that runs away."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    fault,
    measured,
    noted,
    score,
    spread_collapsed,
)
from benchmarks.failures.networks import perceptron
from benchmarks.failures.parts import Case, Parts, adam
from benchmarks.failures.sources import Batches


@fault(
    "collapse-to-one",
    source=(
        "wiseodd/generative-models#14, Salimans et al. 2016 section 3.2 (a discriminator that sees "
        "one sample)"
    ),
    expected=("mode-collapse",),
    equivalents={
        "batch-blindness": "the discriminator sees one sample at a time and cannot call for variety"
    },
    forbidden=("bn-erases-latent", "frozen-network"),
    kind="dynamics",
    cases=(
        Case("tutorial", "bce", "ring"),
        Case("concatenated", "bce", "digits", network="flat"),
        Case("class-trainer", "hinge", "ring"),
    ),
    proof=spread_collapsed(0.35),
)
def collapse_to_one(parts: Parts) -> None:
    """A generator that learns much faster than the discriminator runs after its best point: one mode at a
    time."""
    _collapse(parts, 1)


@fault(
    "collapse-to-three",
    source="failures research check 33 (partial), NDB (Richardson and Weiss 2018)",
    expected=("mode-collapse",),
    equivalents={
        "batch-blindness": "the discriminator sees one sample at a time and cannot call for variety"
    },
    forbidden=("bn-erases-latent", "frozen-network"),
    kind="dynamics",
    cases=(Case("tutorial", "bce", "ring"), Case("relativistic", "rahinge", "digits", network="flat")),
    proof=measured(
        "clusters that hold nine tenths of the samples", lambda run: _clusters(run), lambda v: v <= 3
    ),
)
def collapse_to_three(parts: Parts) -> None:
    """Three faces: the generator answers with one of three outputs, whatever the latent."""
    _collapse(parts, 3)


def _clusters(run: Finished) -> float:
    """Greedy leader clustering with a tenth of the reals' mean distance as radius."""
    samples = run.sample(400).flatten(1)
    radius = 0.1 * float(torch.nn.functional.pdist(run.parts.source.held_out[:300].flatten(1)).mean())
    left, clusters, wanted = samples, 0, len(samples) // 10
    while len(left) > wanted:
        near = torch.cdist(left, left) <= radius
        left = left[~near[int(near.sum(dim=1).argmax())]]
        clusters += 1
    return float(clusters)


class _Faces(nn.Module):
    """A generator whose latent reaches the output only through which of a few units is largest."""

    def __init__(self, body: nn.Module, latent: int, faces: int) -> None:
        super().__init__()
        self.choose = nn.Linear(latent, faces, bias=False)
        self.mix = nn.Linear(faces, latent)
        self.body = body

    def forward(self, z: Tensor) -> Tensor:
        return self.body(self.mix(torch.softmax(50.0 * self.choose(z), dim=1)))


def _collapse(parts: Parts, faces: int) -> None:
    if faces == 3:
        parts.generator = _Faces(parts.generator, parts.latent_size, 3)
    else:
        parts.penalty, parts.average_decay = None, None
        if parts.source.kind == "points":
            parts.optimizers = adam(5e-3, 1e-3, beta1=0.5)
        else:  # without BatchNorm, which keeps the samples of a batch apart
            size = parts.source.shape[-1]
            parts.generator = nn.Sequential(
                perceptron(parts.latent_size, 64, 128, size * size),
                nn.Tanh(),
                nn.Unflatten(1, (1, size, size)),
            )
            parts.optimizers = adam(2e-3, 1e-3, beta1=0.9)


@fault(
    "collapsed-and-blind",
    source="Salimans et al. 2016 section 3.2; HyperGAN/HyperGAN#177 (absorbing state)",
    expected=("mode-collapse", "batch-blindness"),
    forbidden=("frozen-network",),
    kind="dynamics",
    cases=(Case("concatenated", "bce", "ring"), Case("tutorial", "lsgan", "digits", network="flat")),
    proof=spread_collapsed(0.1),
)
def collapsed_and_blind(parts: Parts) -> None:
    """The generator has lost its latent (its first layer's weights are decayed to nothing by a weight decay
    on that layer); all fakes are one point, which wanders, and the discriminator has no way to
    see that they are alike."""
    rates = 1e-3

    def make(generator: nn.Module, discriminator: nn.Module):
        linear = [m for m in generator.modules() if isinstance(m, nn.Linear)]
        first = [linear[0].weight]
        others = [p for p in generator.parameters() if p is not first[0]]
        groups = [{"params": first, "weight_decay": 300.0}, {"params": others, "weight_decay": 0.0}]
        return (
            torch.optim.AdamW(groups, lr=rates, betas=(0.0, 0.99)),
            torch.optim.Adam(discriminator.parameters(), lr=rates, betas=(0.0, 0.99)),
        )

    parts.optimizers = make
    if parts.source.kind == "image":  # BatchNorm would blow the vanishing differences up again
        size = parts.source.shape[-1]
        parts.generator = nn.Sequential(
            perceptron(parts.latent_size, 64, 128, size * size), nn.Tanh(), nn.Unflatten(1, (1, size, size))
        )


def _memorised(run: Finished) -> float:
    """Mean score of the training reals minus that of held-out reals, over the deviation of the held-out
    ones."""
    with torch.no_grad():
        seen = score(run.parts, run.parts.batches.samples[:200])
        unseen = score(run.parts, run.parts.source.held_out[:200])
    return float((seen.mean() - unseen.mean()) / unseen.std().clamp_min(1e-6))


# A healthy discriminator of the same table is at 0.0.
_MEMORISED = measured(
    "score of training reals over held-out reals, in deviations", _memorised, lambda v: v > 0.4
)

_OVERFITTED = {
    "batch-repeat": (
        "the data set is so small that every batch repeats: too few different reals, seen at the reals"
    )
}


@fault(
    "tiny-data",
    source="NVlabs/stylegan2-ada#20, zhangxiann/PyTorch_Practice#1, akanimax/BMSG-GAN#38",
    b5=("tiny data set",),
    expected=("discriminator-overfitting",),
    equivalents=_OVERFITTED
    | {
        "perfect-discriminator": (
            "on its few training samples the discriminator is perfect; held-out reals tell why"
        )
    },
    forbidden=("range-mismatch",),
    kind="dynamics",
    cases=(
        Case("tutorial", "bce", "digits", network="flat"),
        Case("class-trainer", "bce", "fashion", network="flat"),
    ),
    proof=_MEMORISED,
)
def tiny_data(parts: Parts) -> None:
    """Forty images: the discriminator knows them by heart."""
    _few(parts, 40)
    parts.penalty = None
    parts.optimizers = adam(5e-4, 1e-3, beta1=0.5)


def _few(parts: Parts, count: int) -> None:
    keep = torch.randperm(len(parts.source.samples))[:count]
    parts.batches = Batches(parts.source.samples[keep], parts.source.labels[keep], min(32, count), parts.seed)
    parts.batch_size = min(32, count)


@fault(
    "tiny-table",
    source="lucidrains/stylegan2-pytorch#85",
    b5=("tiny data set",),
    expected=("discriminator-overfitting",),
    equivalents=_OVERFITTED
    | {
        "perfect-discriminator": (
            "on its few training samples the discriminator is perfect; held-out reals tell why"
        )
    },
    kind="dynamics",
    cases=(Case("tabular", "bce", "table"), Case("concatenated", "lsgan", "table")),
    proof=_MEMORISED,
)
def tiny_table(parts: Parts) -> None:
    """Thirty rows, and a discriminator wide enough to know them by heart."""

    _few(parts, 30)
    parts.discriminator = perceptron(parts.source.shape[0], 256, 256, 1, activation=nn.LeakyReLU)
    parts.optimizers = adam(5e-4, 2e-3, beta1=0.5)


@fault(
    "augmentation-without-cap",
    source="NVlabs/stylegan2-ada-pytorch#175, NVlabs/stylegan2-ada#27",
    b5=("ADA without cap",),
    expected=("discriminator-overfitting",),
    equivalents=_OVERFITTED
    | {
        "augmentation-runaway": "the name of this state of the controller",
        "uninformative-discriminator": "under that much augmentation nothing can be told apart",
        "range-mismatch": "the augmentation takes both batches out of the generator's range",
    },
    kind="dynamics",
    cases=(
        Case("class-trainer", "bce", "digits", network="flat"),
        Case("class-trainer", "bce", "table"),
    ),
    proof=noted("augmentation strength at the end (cap: 1)", "strength", lambda v: v > 1.0),
)
def augmentation_without_cap(parts: Parts) -> None:
    """Thirty-two images and an adaptive augmentation (noise, brightness) whose strength is unbounded."""
    _few(parts, 32)
    parts.penalty = None
    parts.notes["strength"] = 0.0
    step = 8.0 / parts.steps

    def controller(real_scores: Tensor) -> None:
        sign = float(real_scores.sign().mean())
        parts.notes["strength"] = max(0.0, parts.notes["strength"] + (step if sign > 0.6 else -step))

    def augment(x: Tensor) -> Tensor:
        p = parts.notes["strength"]
        shift = 0.3 * p * torch.randn(len(x), *[1] * (x.dim() - 1))
        return x + shift + 0.1 * p * torch.randn_like(x)

    parts.controller, parts.augment = controller, augment
    parts.optimizers = adam(5e-4, 2e-3, beta1=0.5)
