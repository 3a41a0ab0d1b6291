"""Data and latents: scaled twice, by whole numbers, with an empty column, or lost on the way."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import measured, not_finite, noted, real_batch, spread_collapsed
from benchmarks.failures.parts import Case, Parts
from benchmarks.failures.second.filed import second_fault


@second_fault(
    "normalised-twice",
    source="yxgeee/FD-GAN#5 (normalisation that does not fit tanh); a transform applied in set and loop",
    expected=("range-mismatch",),
    kind="data",
    cases=(Case("epochs", "bce", "cifar"), Case("module", "hinge", "colour")),
    proof=measured(
        "share of real values that tanh cannot reach",
        lambda run: float((real_batch(run.parts) < -1.01).float().mean()),
        lambda v: v > 0.05,
    ),
)
def normalised_twice(parts: Parts) -> None:
    """(x - 0.5) / 0.5 is applied twice: reals in [-3, 1] against a tanh."""
    parts.train_on((parts.source.samples - 0.5) / 0.5)


@second_fault(
    "integer-division",
    source="jupyter and NumPy reports of `images // 255`; DATA class (lattice)",
    expected=("quantized-reals",),
    severity="info",
    equivalents={
        "range-mismatch": "nearly all pixels are at one bound of the range",
        "batch-repeat": "black images repeat",
        "dead-or-saturated": "a generator of nearly black images sticks to its bound",
    },
    kind="data",
    cases=(Case("summed", "hinge", "colour"),),
    proof=measured(
        "different real values", lambda run: float(len(torch.unique(real_batch(run.parts)))), lambda v: v <= 2
    ),
)
def integer_division(parts: Parts) -> None:
    """Pixels are divided by 128 as whole numbers: of 256 levels two are left."""
    parts.train_on(torch.div(parts.source.raw, 128, rounding_mode="floor") * 2 - 1)


@second_fault(
    "constant-column-standardised",
    source="sdv-dev/CTGAN#24; failures research B6, row NaN: data before everything else",
    expected=("non-finite",),
    kind="data",
    cases=(Case("closures", "bce", "cancer"), Case("mixed", "bce", "gaussians")),
    proof=not_finite,
)
def constant_column(parts: Parts) -> None:
    """A column without spread is standardised by its own deviation: zero over zero in every row."""
    samples = parts.source.samples.clone()
    column = torch.full((len(samples),), 3.0)
    samples[:, 1] = (column - column.mean()) / column.std()
    parts.train_on(samples)


@second_fault(
    "sampling-much-narrower",
    source="carpedm20/DCGAN-tensorflow PR#231, BigGAN's truncation trick taken for the default",
    expected=("latent-mismatch",),
    kind="data",
    cases=(Case("epochs", "bce", "spirals"),),
    proof=measured(
        "deviation of the latents at sampling (in training: 1)",
        lambda run: float(run.parts.sample_latent(4000).std()),
        lambda v: v < 0.5,
    ),
)
def narrower(parts: Parts) -> None:
    """Samples are drawn with a third of the latent's deviation."""
    parts.sample_latent = lambda count: 0.3 * torch.randn(count, parts.latent_size)
    parts.average_decay = None


class _Erased(nn.Module):
    """The latent is overwritten by zeros before it is used."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.zeros_like(z)


@second_fault(
    "latent-overwritten",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#152 (the latent does not matter); a debugging line left in",
    expected=("z-ignored",),
    equivalents={
        "mode-collapse": "one sample for all latents: the same fact, seen at the output",
        "bn-erases-latent": "all latents are one behind the generator's first layer",
    },
    kind="wiring",
    cases=(Case("closures", "bce", "gaussians"), Case("epochs", "lsgan", "checkerboard")),
    proof=spread_collapsed(0.05),
)
def latent_overwritten(parts: Parts) -> None:
    """`z = torch.zeros_like(z)` was left in the generator."""
    parts.generator = nn.Sequential(_Erased(), *parts.generator)


class _FirstStep(nn.Module):
    """A recurrent generator that returns its first step's value for the whole signal."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor) -> Tensor:
        made = self.body(z)
        return made[..., :1].expand_as(made)


def _change_in_time(parts: Parts) -> float:
    with torch.no_grad():
        return float(parts.generator(parts.latent(64)).diff(dim=-1).abs().max())


@second_fault(
    "signals-constant-in-time",
    source="fjxmlzn/DoppelGANger#8 (time series collapse)",
    expected=("perfect-discriminator", "mode-collapse"),
    equivalents={
        "vanishing-generator-gradient": "where the discriminator is that sure little gradient is left"
    },
    kind="wiring",
    cases=(Case("sequence", "bce", "ecg"), Case("sequence", "hinge", "ecg", network="attention")),
    proof=measured(
        "largest change from step to step", lambda run: _change_in_time(run.parts), lambda v: v == 0.0
    ),
)
def constant_in_time(parts: Parts) -> None:
    """Only the first hidden state is read out: every generated signal is constant in time."""
    parts.generator = _FirstStep(parts.generator)


@second_fault(
    "same-latent-for-every-sample",
    source="failures research, operator 'constant z': here alike within the batch, anew in every step",
    expected=("batch-repeat",),
    equivalents={
        "mode-collapse": "every batch of fakes is one sample, repeated",
        "latent-mismatch": "latents that are equal within a batch are not the law of the samples",
    },
    kind="data",
    cases=(Case("closures", "bce", "spirals"),),
    proof=noted("different latents in a batch", "latents", lambda v: v == 1),
)
def same_latent(parts: Parts) -> None:
    """One latent is drawn a step and expanded to the batch."""
    parts.sample_latent = lambda count: torch.randn(count, parts.latent_size)
    parts.latent = lambda count: torch.randn(1, parts.latent_size).repeat(count, 1)
    parts.notes["latents"] = len(torch.unique(parts.latent(64), dim=0))
