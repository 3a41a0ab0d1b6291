"""Data, latents and labels, in forms that the first two halves do not have."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    current_fakes,
    measured,
    not_finite,
    quality_not_good,
    real_batch,
    spread_collapsed,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


class _Pixels(nn.Module):
    """The line that makes pixels for saving, left in forward."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) * 127.5


@third_fault(
    "fakes-in-pixels",
    source="voletiv/self-attention-GAN-pytorch#6 (the other way round); a de-normalisation left in forward",
    b5=("/255 omitted",),
    expected=("range-mismatch",),
    kind="data",
    cases=(Case("valid", "lsgan", "shapes"),),
    proof=measured(
        "largest generated value (the reals end at 1)",
        lambda run: float(current_fakes(run.parts, 32).max()),
        lambda v: v > 2.0,
    ),
)
def fakes_in_pixels(parts: ThirdParts) -> None:
    """The generator returns pixels of 0 to 255, the reals are in [-1, 1]."""
    parts.generator = nn.Sequential(*parts.generator, _Pixels())


@third_fault(
    "reals-augmented-out-of-range",
    source="voletiv/self-attention-GAN-pytorch#6 (ranges); brightness jitter after the normalisation",
    expected=("range-mismatch",),
    kind="data",
    cases=(Case("valid", "bce", "shapes"),),
    proof=measured(
        "share of real values that tanh cannot reach",
        lambda run: float((real_batch(run.parts).abs() > 1.01).float().mean()),
        lambda v: v > 0.1,
    ),
)
def jitter(parts: ThirdParts) -> None:
    """The transform brightens every real image by up to two, after it was scaled to [-1, 1]."""
    random = torch.Generator().manual_seed(parts.seed)
    samples = parts.source.samples
    shift = 4.0 * torch.rand(len(samples), 1, 1, 1, generator=random) - 2.0
    parts.train_on(samples + shift)


@third_fault(
    "tanh-for-standardised-data",
    source="yxgeee/FD-GAN#5 (normalisation that does not fit tanh), on a table",
    b5=("range [0,1] vs [-1,1]",),
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "outputs that are pulled beyond one stick to the bound of tanh"},
    kind="data",
    cases=(
        Case("valid", "lsgan", "swissroll"),
        Case("phases", "logistic", "rings"),
    ),
    proof=measured(
        "share of real values that tanh cannot reach",
        lambda run: float((real_batch(run.parts).abs() > 1).float().mean()),
        lambda v: v > 0.05,
    ),
)
def tanh_for_standardised(parts: ThirdParts) -> None:
    """The generator ends in tanh, and the standardised data go to two and beyond."""
    parts.train_on(2.0 * parts.source.samples / parts.source.samples.std(dim=0))
    parts.generator = nn.Sequential(parts.generator, nn.Tanh())


@third_fault(
    "logarithm-of-zero-in-the-data",
    source="failures research B6, row NaN: data before everything else; log() of a column with zeros",
    expected=("non-finite",),
    kind="data",
    cases=(
        Case("valid", "wgan-gp", "survey"),
        Case("autoencoder", "bce", "survey"),
    ),
    proof=not_finite,
)
def logarithm_of_zero(parts: ThirdParts) -> None:
    """A column is taken to its logarithm although a few of its rows are zero: minus infinity."""
    samples = parts.source.samples.clone()
    count = samples[:, 1].exp()
    count[torch.randperm(len(samples))[:200]] = 0.0
    samples[:, 1] = count.log()
    parts.train_on(samples)


@third_fault(
    "seed-in-the-loop",
    source="zhangqianhui/Conditional-GAN PR#3 (batches that repeat); torch.manual_seed inside the loop",
    b5=("constant z",),
    expected=("batch-repeat",),
    equivalents={
        "latent-mismatch": "samples are drawn from the whole law, training sees one batch of it",
        "mode-collapse": "the generator knows the few latents of one batch and nothing between",
    },
    kind="data",
    cases=(
        Case("valid", "bce", "rings"),
        Case("phases", "logistic", "waves"),
    ),
    proof=measured(
        "difference of two batches of latents",
        lambda run: float((run.parts.latent(32) - run.parts.latent(32)).abs().max()),
        lambda v: v == 0.0,
    ),
)
def seed_in_loop(parts: ThirdParts) -> None:
    """The seed is set in every step, "for reproducibility": always the same latents."""
    size = parts.latent_size

    def latent(count: int) -> Tensor:
        torch.manual_seed(42)
        return torch.randn(count, size)

    parts.latent = latent
    parts.sample_latent = lambda count: torch.randn(count, size)


@third_fault(
    "latents-differ-between-players",
    source="val-iisc/deligan#8, buriburisuri/sugartensor#37 (two laws of the latent)",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    equivalents={
        "uninformative-discriminator": "of the samples that the generator is judged by it has seen nothing",
        "instability": "what the one player is taught the other one never shows",
    },
    kind="data",
    cases=(
        Case("valid", "bce", "swissroll"),
        Case("valid", "lsgan", "rings"),
    ),
    proof=measured(
        "deviation of the discriminator's latents over that of the generator's",
        lambda run: float(run.parts.discriminator_latent(4000).std() / run.parts.latent(4000).std()),
        lambda v: v < 0.5,
    ),
)
def latents_differ(parts: ThirdParts) -> None:
    """The discriminator's fakes are made from torch.rand, the generator's from torch.randn."""
    size = parts.latent_size
    parts.discriminator_latent = lambda count: torch.rand(count, size)


@third_fault(
    "sampling-from-the-unit-cube",
    source="val-iisc/deligan#8; np.random.rand for randn in the sampling script",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    kind="data",
    cases=(
        Case("model", "lsgan", "rings"),
        Case("phases", "logistic", "waves"),
    ),
    proof=measured(
        "mean of the latents at sampling (in training: 0)",
        lambda run: float(run.parts.sample_latent(4000).mean()),
        lambda v: v > 0.4,
    ),
)
def unit_cube(parts: ThirdParts) -> None:
    """Trained with normal latents, sampled with uniform ones in [0, 1]."""
    size = parts.latent_size
    parts.sample_latent = lambda count: torch.rand(count, size)


@third_fault(
    "latents-a-ten-thousandth",
    source="failures research, operator 'constant z': here a factor that makes them alike",
    expected=("z-ignored", "mode-collapse"),
    equivalents={
        "batch-repeat": "latents that hardly differ repeat for all that the generator can tell",
        "bn-erases-latent": "behind the generator's first layer one latent is like another",
        "latent-mismatch": "the latents have no spread to speak of",
    },
    kind="data",
    cases=(
        Case("model", "lsgan", "swissroll"),
        Case("valid", "bce", "survey"),
    ),
    proof=spread_collapsed(0.3),
)
def tiny_latents(parts: ThirdParts) -> None:
    """z = 1e-4 * randn: an "initial scale" that was meant for weights."""
    size = parts.latent_size
    parts.latent = lambda count: 1e-4 * torch.randn(count, size)


def _whole_tenths(samples: Tensor) -> float:
    return float(((10 * samples).round() - 10 * samples).abs().lt(1e-4).float().mean())


@third_fault(
    "reals-rounded-to-tenths",
    source="sefibk/KernelGAN#83; a CSV written with one decimal",
    b5=("k/255 lattice",),
    expected=("quantized-reals",),
    severity="info",
    equivalents={"batch-repeat": "on so coarse a grid many rows are the same"},
    kind="data",
    cases=(
        Case("valid", "wgan-gp", "swissroll"),
        Case("model", "bce", "waves"),
    ),
    proof=measured(
        "share of real values that are whole tenths",
        lambda run: _whole_tenths(real_batch(run.parts)),
        lambda v: v > 0.9,
    ),
)
def rounded_to_tenths(parts: ThirdParts) -> None:
    """The data were saved with one decimal: the reals lie on a grid of 0.1, the fakes do not."""
    parts.train_on((10 * parts.source.samples).round() / 10)


@third_fault(
    "prior-of-another-scale",
    source="carpedm20/DCGAN-tensorflow PR#231 (latents of another scale), in an adversarial autoencoder",
    b5=("z law mismatch",),
    expected=("latent-mismatch",),
    equivalents={"range-mismatch": "codes and sampled latents lie in ranges that hardly meet"},
    kind="data",
    cases=(Case("autoencoder", "bce", "swissroll"),),
    proof=quality_not_good,
)
def prior_scale(parts: ThirdParts) -> None:
    """The encoder is matched to N(0, 25), samples are decoded from N(0, 1): the decoder never saw them so."""
    size = parts.latent_size
    parts.latent = lambda count: 5.0 * torch.randn(count, size)
    parts.sample_latent = lambda count: torch.randn(count, size)
