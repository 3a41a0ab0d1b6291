"""Averaged generators, penalties and clipping that are there and do not do what they are for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    input_gradient_norm,
    measured,
    not_finite,
    noted,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.faults.constraint import _TOO_STEEP, _alpha, _interpolate_gradients
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


@third_fault(
    "average-never-updated",
    source="odegeasslbc/FastGAN-pytorch#4, konpatp/diffae#16 (a stale average); the call was forgotten",
    b5=("decay too long",),
    expected=("ema-stale",),
    equivalents={
        "eval-drift": "what is sampled from differs from what is trained: the same fact from the output",
        "frozen-network": "the averaged generator never moves",
    },
    kind="wiring",
    cases=(Case("phases", "logistic", "rings"),),
    proof=quality_failed,
)
def never_updated(parts: ThirdParts) -> None:
    """The averaged generator is made, sampled from and never updated."""
    parts.average_updated = False


@third_fault(
    "average-copied-back",
    source="restored averages that were never taken back (forum reports, recalled); EMA weights trained",
    expected=("perfect-discriminator", "frozen-network"),
    equivalents={
        "vanishing-generator-gradient": "where the discriminator is that sure little gradient is left",
        "optimizer-hparams": "the generator's steps are a thousandth of what its optimizer says",
        "mode-collapse": "the generator's first samples lie close together, and stay so",
        "ema-stale": "the average holds the generator where it started",
    },
    kind="wiring",
    cases=(
        Case("phases", "logistic", "swissroll"),
        Case("wrapper", "hinge", "rings"),
    ),
    proof=quality_failed,
)
def copied_back(parts: ThirdParts) -> None:
    """`swap_parameters_with_ema` was called and never undone: with a decay of 0.999 each step of the
    generator is taken back to a thousandth."""
    parts.average_copied_back, parts.average_decay = True, 0.999


@third_fault(
    "discriminator-sees-averaged-fakes",
    source="StyleGAN ports that call G_ema in the discriminator's step; stale fakes",
    expected=("role-undecided", "instability"),
    equivalents={
        "uninformative-discriminator": "of the generator's present samples it has seen nothing",
        "mode-collapse": "the generator runs to what a discriminator of other fakes likes best",
        "oscillation": "with the lag of the average the players chase each other",
        "late-collapse": "with the lag of the average a good state is passed and lost",
        "vanishing-generator-gradient": "where the generator has run to, the discriminator was never trained",
        "ema-stale": "the average lags far behind the generator",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(
        Case("phases", "logistic", "rings"),
        Case("wrapper", "hinge", "swissroll"),
    ),
    proof=quality_not_good,
)
def averaged_fakes(parts: ThirdParts) -> None:
    """The discriminator is only shown the averaged generator's samples (decay 0.997), the generator is judged
    by its own."""
    parts.fakes_from_average, parts.average_decay = True, 0.997
    parts.penalty = None


@third_fault(
    "penalty-subtracted",
    source="Zeleni9/pytorch-wgan PR#53 (a sign), in front of the penalty",
    expected=("gradient-penalty-invalid", "critic-unconstrained"),
    equivalents={
        "critic-magnitude-race": "the penalty pays for steepness: the scores run away",
        "exploding-gradient": "the penalty pays for steepness: the gradients run away",
        "non-finite": "the end of a divergence",
        "instability": "nothing holds the critic",
    },
    kind="wiring",
    cases=(
        Case("valid", "wgan-gp", "rings"),
        Case("model", "wgan-gp", "survey"),
    ),
    proof=measured(
        "mean norm of the critic's input gradient (aim: 1)",
        lambda run: input_gradient_norm(run.parts),
        lambda v: not v < 3,
    ),
)
def penalty_subtracted(parts: ThirdParts) -> None:
    """loss_D = fake - real - lambda x penalty: the critic is paid for being steep."""
    parts.penalty_weight = -parts.penalty_weight


@third_fault(
    "penalty-of-the-mean-score",
    source="caogang/wgan-gp#25 (the norm's axis): here `.mean()` for `.sum()` inside autograd.grad",
    b5=("GP wrong axes",),
    expected=("gradient-penalty-invalid",),
    equivalents={"critic-magnitude-race": "slopes of the batch size let the scores run away"},
    kind="wiring",
    cases=(Case("valid", "wgan-gp", "swissroll"),),
    proof=_TOO_STEEP,
)
def penalty_of_mean(parts: ThirdParts) -> None:
    """The gradient is taken of the mean score: each sample's slope is pulled towards the batch size."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        mixed = (_alpha(real) * real + (1 - _alpha(real)) * fake).requires_grad_(True)
        gradients = torch.autograd.grad(critic(mixed).mean(), mixed, create_graph=True)[0]
        return ((gradients.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    parts.penalty = penalty


@third_fault(
    "penalty-of-a-copy",
    source="rosinality/stylegan2-pytorch#97 (a penalty that never counts); an evaluation copy of the critic",
    expected=("critic-unconstrained", "gradient-penalty-invalid"),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(
        Case("valid", "wgan-gp", "rings"),
        Case("valid", "wgan-gp", "survey"),
    ),
    proof=_TOO_STEEP,
)
def penalty_of_copy(parts: ThirdParts) -> None:
    """The penalty is computed on a deep copy of the critic: a number in the loss without a gradient to the
    critic that is trained."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        other = copy.deepcopy(parts.discriminator)
        gradients = _interpolate_gradients(other, real, fake, _alpha(real))
        return ((gradients.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    parts.penalty = penalty


@third_fault(
    "generator-weights-clipped",
    source="torchgan/torchgan PR#42 (no clipping); a copied loop over the other network's parameters",
    b5=("no clipping",),
    expected=("critic-unconstrained",),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(
        Case("valid", "wgan-clip", "rings"),
        Case("valid", "wgan-clip", "survey"),
    ),
    proof=_TOO_STEEP,
)
def generator_clipped(parts: ThirdParts) -> None:
    """`for p in generator.parameters(): p.data.clamp_(...)`: the critic is not clipped."""
    parts.generator_clipped = True


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
    source="junyanz/pytorch-CycleGAN-and-pix2pix#152 (the latent does not matter), in a style-based generator",
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
    """The synthesis network is given zeros for the style (a debugging line): every latent gives one sample."""
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
    cases=(
        Case("valid", "bce", "swissroll"),
        Case("model", "lsgan", "rings", network="std"),
    ),
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
