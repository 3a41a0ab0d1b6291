"""Data, latents and labels: what the two networks are fed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.failures.faults.base import (
    Finished,
    fault,
    measured,
    not_finite,
    noted,
    quality_failed,
    real_batch,
)
from benchmarks.failures.networks import ProjectionDiscriminator
from benchmarks.failures.parts import Case, Parts
from benchmarks.failures.sources import Batches


@fault(
    "unit-range-reals",
    source="voletiv/self-attention-GAN-pytorch#6, khalooei/ALOCC-CVPR2018#3",
    b5=("range [0,1] vs [-1,1]",),
    expected=("range-mismatch",),
    kind="data",
    cases=(
        Case("tutorial", "bce", "digits"),
        Case("class-trainer", "hinge", "fashion"),
        Case("wasserstein", "wgan-gp", "digits"),
    ),
    proof=measured(
        "smallest real value (the generator ends in tanh)",
        lambda run: float(real_batch(run.parts).min()),
        lambda v: v >= 0,
    ),
)
def unit_range_reals(parts: Parts) -> None:
    """Reals in [0, 1], a generator that ends in tanh: any negative value gives a fake away."""
    parts.train_on((parts.source.samples + 1) / 2)


@fault(
    "unscaled-reals",
    source="carpedm20/DCGAN-tensorflow PR#24",
    b5=("/255 omitted",),
    expected=("range-mismatch",),
    equivalents={
        "dead-or-saturated": (
            "a tanh that is pulled towards 255 saturates; allowed because it names the same spot"
        )
    },
    kind="data",
    cases=(Case("tutorial", "bce", "fashion"), Case("concatenated", "lsgan", "digits")),
    proof=quality_failed,
)
def unscaled_reals(parts: Parts) -> None:
    """Pixels as 0 to 255, or samples of a signal as 16-bit integers, against a tanh generator."""
    parts.train_on(parts.source.raw)


@fault(
    "unstandardised-table",
    source="sdv-dev/CTGAN#24",
    b5=("/255 omitted",),
    expected=("range-mismatch",),
    kind="data",
    cases=(Case("tabular", "bce", "table"), Case("wasserstein", "wgan-gp", "table")),
    proof=measured(
        "ratio of the widest column's spread to the narrowest one's",
        lambda run: float(run.parts.source.raw.std(dim=0).max() / run.parts.source.raw.std(dim=0).min()),
        lambda v: v > 100,
    ),
)
def unstandardised_table(parts: Parts) -> None:
    """Columns in their own units: one is in the hundreds, another in tenths."""
    parts.train_on(parts.source.raw)


@fault(
    "mean-and-deviation-normalised-reals",
    source="yxgeee/FD-GAN#5",
    b5=("range [0,1] vs [-1,1]",),
    expected=("range-mismatch",),
    kind="data",
    cases=(Case("tutorial", "lsgan", "digits"), Case("class-trainer", "hinge", "fashion")),
    proof=measured(
        "share of real values that tanh cannot reach",
        lambda run: float((real_batch(run.parts).abs() > 1).float().mean()),
        lambda v: v > 0.05,
    ),
)
def mean_and_deviation(parts: Parts) -> None:
    """Reals normalised with the ImageNet mean and deviation, a generator that ends in tanh."""
    parts.train_on(((parts.source.samples + 1) / 2 - 0.449) / 0.226)


def _lattice_share(samples: Tensor) -> float:
    pixels = (samples + 1) * 127.5
    return float(((pixels.round() - pixels).abs() < 1e-3).float().mean())


@fault(
    "lattice",
    source="sefibk/KernelGAN#83",
    b5=("k/255 lattice",),
    expected=("quantized-reals",),
    severity="info",
    kind="data",
    cases=(Case("tutorial", "bce", "fashion"), Case("class-trainer", "hinge", "digits")),
    proof=measured(
        "share of real values on the lattice k / 255",
        lambda run: _lattice_share(real_batch(run.parts)),
        lambda v: v > 0.99,
    ),
)
def lattice(parts: Parts) -> None:
    """Real pixels are whole numbers of 1/255 and fakes are not: a discriminator can tell by that alone."""
    pixels = ((parts.source.samples + 1) * 127.5).round()
    parts.train_on(pixels / 127.5 - 1)


@fault(
    "sampling-from-another-law",
    source="buriburisuri/sugartensor#37, val-iisc/deligan#8",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    kind="data",
    cases=(Case("tutorial", "bce", "digits", network="flat"), Case("wasserstein", "wgan-gp", "ring")),
    proof=measured(
        "deviation of the latents at sampling (in training: 1)",
        lambda run: float(run.parts.sample_latent(4000).std()),
        lambda v: v < 0.7,
    ),
)
def sampling_from_another_law(parts: Parts) -> None:
    """Trained with normal latents, sampled with uniform ones in [-1, 1]."""
    parts.sample_latent = lambda count: torch.rand(count, parts.latent_size) * 2 - 1


@fault(
    "sampling-three-times-as-wide",
    source="carpedm20/DCGAN-tensorflow PR#231",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    kind="data",
    cases=(Case("tutorial", "bce", "ring"), Case("concatenated", "bce", "digits", network="flat")),
    proof=measured(
        "deviation of the latents at sampling (in training: 1)",
        lambda run: float(run.parts.sample_latent(4000).std()),
        lambda v: v > 2.0,
    ),
)
def sampling_wider(parts: Parts) -> None:
    """Samples for the reader are drawn three times as wide as in training (a "truncation" above one)."""
    parts.sample_latent = lambda count: 3.0 * torch.randn(count, parts.latent_size)


@fault(
    "constant-latent",
    source="failures research, operator 'constant z'",
    b5=("constant z",),
    expected=("batch-repeat",),
    equivalents={
        "latent-mismatch": "a latent batch that never changes is not the law that samples are drawn from"
    },
    kind="data",
    cases=(Case("tutorial", "bce", "ring"), Case("concatenated", "bce", "digits", network="flat")),
    proof=noted("different latent batches seen", "latents", lambda v: v == 1),
)
def constant_latent(parts: Parts) -> None:
    """The `fixed_noise` of the sample grid is used for training too: always the same latents."""
    fixed = torch.randn(parts.batch_size, parts.latent_size)
    parts.sample_latent = lambda count: torch.randn(count, parts.latent_size)
    parts.latent = lambda count: fixed[:count]
    parts.notes["latents"] = 1


class _Always(Iterator):
    """`next(iter(loader))` inside the loop, without shuffling: the first batch for ever."""

    def __init__(self, samples: Tensor, labels: Tensor) -> None:
        self.batch = samples, labels

    def __next__(self) -> tuple[Tensor, Tensor]:
        return self.batch


@fault(
    "first-batch-for-ever",
    source="zhangqianhui/Conditional-GAN PR#3, valentingol/GANJax#11",
    b5=("unshuffled/duplicate batches",),
    expected=("batch-repeat",),
    equivalents={
        "discriminator-overfitting": "one batch is a tiny data set: the discriminator learns it by heart"
    },
    kind="data",
    cases=(Case("tutorial", "bce", "fashion"), Case("wasserstein", "wgan-gp", "ring")),
    proof=measured(
        "different reals in two batches",
        lambda run: len(
            torch.unique(torch.cat([real_batch(run.parts), real_batch(run.parts)]).flatten(1), dim=0)
        ),
        lambda v: v <= 128,
    ),
)
def first_batch_for_ever(parts: Parts) -> None:
    """The loader's iterator is made anew in every step, unshuffled: every step trains on the first batch."""
    size = 32 if parts.source.kind == "points" else parts.batch_size
    parts.batches = _Always(parts.source.samples[:size], parts.source.labels[:size])


@fault(
    "sorted-and-unshuffled",
    source="zhangqianhui/Conditional-GAN PR#3",
    b5=("unshuffled/duplicate batches",),
    expected=("batch-repeat",),
    kind="data",
    cases=(Case("tutorial", "bce", "digits"), Case("concatenated", "lsgan", "ring")),
    proof=measured(
        "labels in a batch",
        lambda run: len(torch.unique(next(run.parts.batches)[1])),
        lambda v: v <= 2,
    ),
)
def sorted_and_unshuffled(parts: Parts) -> None:
    """The data are sorted by class and never shuffled: every batch is one class, every epoch the same."""
    keep = slice(0, 8 * parts.batch_size * 2)
    samples, labels = parts.source.samples[keep], parts.source.labels[keep]
    order = labels.argsort(stable=True)
    parts.batches = Batches(samples[order], labels[order], parts.batch_size, parts.seed, shuffle=False)


class _Repeated(Iterator):
    def __init__(self, batches: Iterator[tuple[Tensor, Tensor]], times: int) -> None:
        self.batches, self.times = batches, times

    def __next__(self) -> tuple[Tensor, Tensor]:
        samples, labels = next(self.batches)
        keep = len(samples) // self.times
        return samples[:keep].repeat(self.times, *[1] * (samples.dim() - 1)), labels[:keep].repeat(self.times)


@fault(
    "duplicated-reals",
    source="valentingol/GANJax#11",
    b5=("unshuffled/duplicate batches",),
    expected=("batch-repeat",),
    kind="data",
    cases=(Case("class-trainer", "lsgan", "digits", network="flat"), Case("tabular", "bce", "table")),
    proof=measured(
        "different reals in a batch",
        lambda run: len(torch.unique(real_batch(run.parts).flatten(1), dim=0)),
        lambda v: v <= 16,
    ),
)
def duplicated_reals(parts: Parts) -> None:
    """Every batch holds each of its samples eight times (a repeat that was meant for the epochs)."""
    parts.batches = _Repeated(parts.batches, 8)


def _paired(run: Finished) -> float:
    labels = next(run.parts.batches)[1]
    return float((run.parts.label_stream(labels) == labels).float().mean())


def _label_matters(run: Finished) -> float:
    samples, labels = next(run.parts.batches)
    other = (labels + 1) % run.parts.source.classes
    judge = run.parts.discriminator
    first = isinstance(judge, ProjectionDiscriminator)
    with torch.no_grad():
        scores = [judge(y, samples) if first else judge(samples, y) for y in (labels, other)]
    return float((scores[0] - scores[1]).abs().max())


@fault(
    "labels-shuffled",
    source="amoodie/StratGAN#3",
    b5=("label permutation",),
    expected=("condition-ignored",),
    forbidden=("mode-collapse",),
    kind="data",
    cases=(Case("conditional", "bce", "digits"), Case("conditional", "hinge", "ring")),
    proof=measured(
        "share of the samples that are given their own label",
        lambda run: _paired(run),
        lambda v: v < 0.5,
    ),
)
def labels_shuffled(parts: Parts) -> None:
    """Images and labels are shuffled independently: a label says nothing about its image."""
    parts.label_stream = lambda labels: labels[torch.randperm(len(labels))]


@fault(
    "label-not-used-by-discriminator",
    source="opendp/smartnoise-sdk PR#288, martinarjovsky/WassersteinGAN#16",
    expected=("condition-ignored",),
    kind="wiring",
    cases=(Case("conditional", "hinge", "digits"), Case("conditional", "bce", "ring")),
    proof=measured(
        "change of the scores when every label is exchanged",
        lambda run: _label_matters(run),
        lambda v: v == 0.0,
    ),
)
def label_not_used(parts: Parts) -> None:
    """The discriminator takes the label and does nothing with it, so the generator may ignore it too."""
    parts.discriminator.ignore = True


@fault(
    "missing-values",
    source="failures research B6, row NaN: data before everything else",
    expected=("non-finite",),
    kind="data",
    cases=(Case("tabular", "bce", "table"), Case("tutorial", "bce", "ring")),
    proof=not_finite,
)
def missing_values(parts: Parts) -> None:
    """A few rows of the data are not a number."""
    samples = parts.source.samples.clone()
    samples[torch.randperm(len(samples))[:5]] = float("nan")
    parts.train_on(samples)


def _outlier_ratio(run: Finished) -> float:
    samples = run.parts.batches.samples.abs()
    return float(samples.max() / samples.median().clamp_min(1e-6))


@fault(
    "corrupt-records",
    source="lucidrains/stylegan2-pytorch#85 (jumps), failures research check 27",
    expected=("exploding-gradient",),
    equivalents={
        "range-mismatch": "the corrupt records lie far outside the range of everything else",
        "critic-magnitude-race": "scores of the corrupt records are orders of magnitude above the others",
    },
    kind="data",
    cases=(Case("wasserstein", "wgan-gp", "table"), Case("tutorial", "lsgan", "digits", network="flat")),
    proof=measured("largest real value over the median one", _outlier_ratio, lambda v: v > 100),
)
def corrupt_records(parts: Parts) -> None:
    """One record in two hundred is a thousand times too large (a unit error): the gradient jumps when it
    comes."""
    samples = parts.source.samples.clone()
    samples[torch.randperm(len(samples))[: max(4, len(samples) // 200)]] *= 1000.0
    parts.train_on(samples)
