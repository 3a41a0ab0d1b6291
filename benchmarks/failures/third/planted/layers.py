"""Layers and inputs that mix samples, lose the latent or drown what is shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    measured,
    not_finite,
    noted,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


class _UnbiasedStd(nn.Module):
    """The batch's deviation with Bessel's correction: of a single sample it is 0 / 0."""

    def forward(self, h: Tensor) -> Tensor:
        return torch.cat([h, h.std(dim=0).mean().expand(len(h), 1)], dim=1)


@third_fault(
    "deviation-of-a-single-sample",
    source="lucidrains/stylegan2-pytorch#85 (NaN); minibatch deviation with drop_last=False",
    expected=("non-finite",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "rings", network="std"),
        Case("valid", "lsgan", "survey", network="std"),
    ),
    proof=not_finite,
)
def single_sample(parts: ThirdParts) -> None:
    """A minibatch deviation without drop_last: the last batch of an epoch has one sample, whose deviation is
    not a number."""
    parts.discriminator = nn.Sequential(
        *[_UnbiasedStd() if type(m).__name__ == "MinibatchStd" else m for m in parts.discriminator]
    )
    keep = 12 * parts.batch_size + 1
    parts.batches = type(parts.batches)(
        parts.source.samples[:keep], parts.source.labels[:keep], parts.batch_size, parts.seed
    )


def _coupled(run: Finished) -> float:
    network, real = run.parts.discriminator, run.parts.source.samples[:32]
    with torch.no_grad():
        alone, together = network(real), network(torch.cat([real[:16], real.flip(0)[:16]]))
    return float((alone[:16] - together[:16]).abs().mean() / alone.std().clamp_min(1e-6))


class _Reshaped(nn.Module):
    """(N, C, ...) is transposed and then flattened: rows are made of several samples."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(0, 1).reshape(len(x), -1)


@third_fault(
    "reshape-mixes-samples",
    source="reshape after transpose, in any loop; failures research check: a score depends on batch mates",
    expected=("batch-coupling",),
    equivalents={
        "uninformative-discriminator": "of rows that are mixtures nothing can be learnt of a sample",
        "batch-blindness": "rows that are mixtures say nothing about the samples' variety",
    },
    kind="wiring",
    cases=(Case("valid", "bce", "waves"),),
    proof=measured("change of a score by its batch mates, over the deviation", _coupled, lambda v: v > 0.05),
)
def reshape_mixes(parts: ThirdParts) -> None:
    """The discriminator flattens its input after a transpose: samples of one batch are mixed."""
    layers = [_Reshaped() if isinstance(m, nn.Flatten) else m for m in parts.discriminator]
    parts.discriminator = nn.Sequential(*layers)


class _PixelNorm(nn.Module):
    """A hand-written instance norm, here at one pixel: the value minus itself."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        mean, spread = flat.mean(dim=2, keepdim=True), flat.std(dim=2, unbiased=False, keepdim=True)
        return ((flat - mean) / (spread + 1e-5)).view_as(x)


@third_fault(
    "instance-norm-at-one-pixel",
    source="HIPS/autograd PR#247 (mechanism), pix2pix bottlenecks normalised at 1 x 1",
    b5=("BN before first non-linearity of G",),
    expected=("bn-erases-latent",),
    equivalents={
        "z-ignored": "the output does not depend on the latent: the same fact, seen from the output",
        "mode-collapse": "one sample for all latents: the same fact, seen at the output",
    },
    kind="wiring",
    cases=(
        Case("valid", "bce", "shapes"),
        Case("model", "bce", "waves"),
    ),
    proof=measured("spread of the samples", lambda run: run.outcome.get("spread", 1.0), lambda v: v < 0.05),
)
def norm_at_one_pixel(parts: ThirdParts) -> None:
    """The latent becomes a map of one pixel, which is normalised over its places: nothing of it is left."""
    size = parts.latent_size
    parts.generator = nn.Sequential(
        nn.Unflatten(1, (size, 1, 1)),
        nn.Conv2d(size, size, 1),
        _PixelNorm(),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        *parts.generator,
    )


class _Deaf(nn.Module):
    """A style that is looked up for nobody: the mapping gets zeros."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.mapping, self.synthesis = body.mapping, body.synthesis
        self.noise = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(torch.zeros_like(self.mapping(z)))


@third_fault(
    "styles-not-applied",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#152 (the latent does not matter)",
    expected=("z-ignored",),
    equivalents={
        "mode-collapse": "one sample for all latents: the same fact, seen at the output",
        "bn-erases-latent": "all latents are one behind the mapping",
        "optimizer-scope": "the mapping network gets no gradient",
        "frozen-network": "the mapping network never moves",
    },
    kind="wiring",
    cases=(
        Case("phases", "logistic", "swissroll"),
        Case("phases", "logistic", "waves"),
    ),
    proof=measured("spread of the samples", lambda run: run.outcome.get("spread", 1.0), lambda v: v < 0.05),
)
def styles_not_applied(parts: ThirdParts) -> None:
    """The synthesis network is given zeros for the style: every latent gives one sample."""
    parts.generator = _Deaf(parts.generator)


@third_fault(
    "noise-that-grows",
    source="Sonderby et al. 2017 (noise that fades), with its schedule the wrong way round",
    expected=("uninformative-discriminator",),
    equivalents={
        "augmentation-runaway": "the noise on the discriminator's inputs has run away",
        "range-mismatch": "the noise takes both batches out of the data's range",
        "mode-collapse": "under so much noise the samples need not spread",
        "late-collapse": "good while the noise was small, lost when it was not",
        "instability": "the generator drifts where the discriminator sees nothing",
        "constant-discriminator": "under so much noise its answer is nearly the same for all",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("valid", "bce", "swissroll"),),
    proof=noted("deviation of the noise at the end", "noise", lambda v: v > 4.0),
)
def noise_grows(parts: ThirdParts) -> None:
    """Instance noise whose deviation grows from 0 to 8 over the run instead of fading."""
    calls = [0]

    def augment(x: Tensor) -> Tensor:
        calls[0] += 1
        parts.notes["noise"] = 8.0 * min(1.0, calls[0] / (3 * parts.steps))
        return x + parts.notes["noise"] * torch.randn_like(x)

    parts.augment = augment
