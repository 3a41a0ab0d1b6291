"""Data and latents."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.failures.faults.base import measured, not_finite, quality_not_good, real_batch
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import PAC, FourthParts
from benchmarks.failures.fourth.sources import SPECIES
from benchmarks.failures.parts import Case


@fourth_fault(
    "reals-clamped-at-zero",
    source="voletiv/self-attention-GAN-pytorch#6 (ranges); a clamp(0, 1) after the normalisation",
    b5=("range [0,1] vs [-1,1]",),
    expected=("range-mismatch",),
    equivalents={
        "quantized-reals": "most values are exactly zero",
        "dead-or-saturated": "most values of the data stick to a bound",
        "batch-repeat": "black images repeat",
    },
    kind="data",
    cases=(Case("combined", "lsgan", "digits16"),),
    proof=measured(
        "share of real values that are exactly zero",
        lambda run: float((real_batch(run.parts) == 0).float().mean()),
        lambda v: v > 0.2,
    ),
)
def clamped_at_zero(parts: FourthParts) -> None:
    """Reals in [-1, 1] are clamped to [0, 1], as if for display; the generator ends in tanh."""
    parts.train_on(parts.source.samples.clamp(0, 1))


@fourth_fault(
    "one-channel-left-in-pixels",
    source="carpedm20/DCGAN-tensorflow PR#24 (no division), of one channel; an alpha or depth channel",
    b5=("/255 omitted",),
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "the channel's tanh is pulled to its bound"},
    kind="data",
    cases=(Case("stepping", "lsgan", "tiles"),),
    proof=measured("largest real value", lambda run: float(real_batch(run.parts).max()), lambda v: v > 50),
)
def one_channel(parts: FourthParts) -> None:
    """Two of three channels are scaled to [-1, 1], the last one is left at 0 to 255."""
    samples = parts.source.samples.clone()
    samples[:, -1] = parts.source.raw[:, -1]
    parts.train_on(samples)


@fourth_fault(
    "one-column-in-other-units",
    source="sdv-dev/CTGAN#24; a merged file with grams in one half and kilograms in the schema",
    b5=("/255 omitted",),
    expected=("range-mismatch",),
    equivalents={
        "exploding-gradient": "a column of thousands makes gradients of thousands",
        "critic-magnitude-race": "scores follow the column of thousands",
        "perfect-discriminator": "one column tells everything",
        "vanishing-generator-gradient": "one column tells everything, and little gradient is left",
        "instability": "a column of thousands throws the players about",
    },
    kind="data",
    cases=(
        Case("combined", "bce", "diabetes"),
        Case("packed", "wgan-gp", "diabetes"),
    ),
    proof=measured(
        "widest column's spread over the narrowest one's",
        lambda run: float(real_batch(run.parts).std(dim=0).max() / real_batch(run.parts).std(dim=0).min()),
        lambda v: v > 100,
    ),
)
def one_column(parts: FourthParts) -> None:
    """One column was overwritten by its values in thousandths; all others are standardised."""
    samples = parts.source.samples.clone()
    samples[:, 1] = 1000.0 * samples[:, 1] + 5000.0
    parts.train_on(samples)


@fourth_fault(
    "missing-images-as-black",
    source="loaders that return zeros for a file that is missing (recalled); failures research DATA class",
    expected=("batch-repeat",),
    equivalents={"mode-collapse": "the generator has one image for most of its latents, as the data have"},
    kind="data",
    cases=(Case("stepping", "bce", "tiles"),),
    proof=measured(
        "share of a batch that is one image",
        lambda run: float((real_batch(run.parts).flatten(1) == -1).all(dim=1).float().mean()),
        lambda v: v > 0.4,
    ),
)
def missing_as_black(parts: FourthParts) -> None:
    """Six files in ten are missing, and the loader gives a black image for each."""
    samples = parts.source.samples.clone()
    random = torch.Generator().manual_seed(parts.seed)
    samples[torch.rand(len(samples), generator=random) < 0.6] = -1.0
    parts.train_on(samples)


class _InSuccession(Iterator):
    def __init__(self, batches: Iterator[tuple[Tensor, Tensor]], times: int) -> None:
        self.batches, self.times, self.count = batches, times, 0
        self.last: tuple[Tensor, Tensor] | None = None

    def __next__(self) -> tuple[Tensor, Tensor]:
        if self.last is None or self.count % self.times == 0:
            self.last = next(self.batches)
        self.count += 1
        return self.last


@fourth_fault(
    "workers-draw-the-same-batches",
    source="worker processes with one seed (a known NumPy report, recalled); valentingol/GANJax#11",
    b5=("unshuffled/duplicate batches",),
    expected=("batch-repeat",),
    kind="data",
    cases=(Case("combined", "bce", "grid"),),
    proof=measured(
        "difference of two batches that follow each other, the least of four",
        lambda run: min(float((real_batch(run.parts) - real_batch(run.parts)).abs().max()) for _ in range(4)),
        lambda v: v == 0.0,
    ),
)
def workers_alike(parts: FourthParts) -> None:
    """Eight workers start from one seed: every batch comes eight times in succession."""
    parts.batches = _InSuccession(parts.batches, 8)


@fourth_fault(
    "latents-from-a-small-table",
    source="martinarjovsky/WassersteinGAN PR#8 (a noise batch reused); a noise data set made once",
    b5=("constant z",),
    expected=("batch-repeat",),
    equivalents={
        "latent-mismatch": "samples are drawn from the whole law, training sees a few points of it",
        "mode-collapse": "the generator knows few latents and nothing between them",
    },
    kind="data",
    cases=(Case("stepping", "bce", "scurve"),),
    proof=measured(
        "different latents in four thousand",
        lambda run: float(len(torch.unique(run.parts.latent(4000).flatten(1), dim=0))),
        lambda v: v <= 64,
    ),
)
def small_table(parts: FourthParts) -> None:
    """Latents are drawn from a table of thirty-two that was made before the loop."""
    size = parts.latent_size
    table = torch.randn(32, size)
    parts.latent = lambda count: table[torch.randint(0, 32, (count,))]
    parts.sample_latent = lambda count: torch.randn(count, size)


@fourth_fault(
    "sampling-with-an-offset",
    source="val-iisc/deligan#8, buriburisuri/sugartensor#37 (two laws of the latent)",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    kind="data",
    cases=(
        Case("switcher", "hinge", "scurve"),
        Case("committee", "lsgan", "grid"),
    ),
    proof=measured(
        "mean of the latents at sampling (in training: 0)",
        lambda run: float(run.parts.sample_latent(4000).mean()),
        lambda v: v > 1.0,
    ),
)
def with_offset(parts: FourthParts) -> None:
    """Samples are drawn from N(1.5, 1) (a mean latent was added twice), training used N(0, 1)."""
    size = parts.latent_size
    parts.sample_latent = lambda count: 1.5 + torch.randn(count, size)


@fourth_fault(
    "hard-one-hot-reals",
    source="text GANs: one-hot reals against softmax fakes (Kusner and Hernandez-Lobato 2016)",
    b5=("k/255 lattice",),
    expected=("quantized-reals",),
    severity="info",
    equivalents={
        "perfect-discriminator": "whether a value is exactly one tells every fake",
        "vanishing-generator-gradient": "whether a value is exactly one tells every fake",
    },
    kind="data",
    cases=(
        Case("stepping", "lsgan", "tokens"),
        Case("packed", "bce", "iris"),
    ),
    proof=measured(
        "share of the last values of the reals that are exactly zero or one",
        lambda run: float(((real_batch(run.parts)[:, -SPECIES:] % 1.0) == 0).float().mean()),
        lambda v: v > 0.99,
    ),
)
def hard_one_hot(parts: FourthParts) -> None:
    """Categories are exactly one-hot in the reals and softmax values in the fakes."""
    samples = parts.source.samples.clone()
    first = 0 if samples.dim() == 3 else samples.shape[1] - SPECIES
    soft = samples[:, first:]
    samples[:, first:] = (soft == soft.amax(dim=1, keepdim=True)).float()
    parts.train_on(samples)


@fourth_fault(
    "images-standardised-by-themselves",
    source="per-image standardisation without an epsilon (failures research B6, row NaN)",
    expected=("non-finite",),
    kind="data",
    cases=(
        Case("stepping", "bce", "digits16"),
        Case("vaegan", "bce", "digits16"),
    ),
    proof=not_finite,
)
def standardised_by_itself(parts: FourthParts) -> None:
    """Every image is divided by its own deviation; a handful of blank scans have none."""
    samples = parts.source.samples.clone()
    samples[torch.randperm(len(samples))[:40]] = -1.0
    mean = samples.mean(dim=(1, 2, 3), keepdim=True)
    parts.train_on((samples - mean) / samples.std(dim=(1, 2, 3), keepdim=True) / 3)


class _Repeated(Iterator):
    def __init__(self, batches: Iterator[tuple[Tensor, Tensor]]) -> None:
        self.batches = batches

    def __next__(self) -> tuple[Tensor, Tensor]:
        rows, labels = next(self.batches)
        keep = len(rows) // PAC
        return rows[:keep].repeat_interleave(PAC, dim=0), labels[:keep].repeat_interleave(PAC)


@fourth_fault(
    "packs-of-one-row",
    source="PacGAN (Lin et al. 2018), with repeat_interleave where rows should have been put together",
    b5=("unshuffled/duplicate batches",),
    expected=("batch-repeat", "mode-collapse"),
    equivalents={
        "perfect-discriminator": "whether the rows of a pack are alike tells every fake",
        "vanishing-generator-gradient": "a discriminator that is that sure passes little gradient",
    },
    kind="data",
    cases=(
        Case("packed", "bce", "diabetes"),
        Case("packed", "wgan-gp", "iris"),
    ),
    proof=quality_not_good,
)
def packs_of_one_row(parts: FourthParts) -> None:
    """The reals' packs are one row, repeated; the fakes' packs are different rows."""
    parts.batches = _Repeated(parts.batches)
