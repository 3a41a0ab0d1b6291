"""Penalties and clipping that are there and do not hold the critic."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.faults.base import (
    input_gradient_norm,
    measured,
)
from benchmarks.failures.faults.constraint import _TOO_STEEP, _alpha, _interpolate_gradients
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


@third_fault(
    "penalty-subtracted",
    source="Zeleni9/pytorch-wgan PR#53 (a sign), in front of the penalty",
    expected=("gradient-penalty-invalid", "critic-unconstrained"),
    equivalents={
        "critic-magnitude-race": "the penalty pays for steepness: the scores run away",
        "exploding-gradient": "the penalty pays for steepness: the gradients run away",
        "non-finite": "the end of a divergence",
        "instability": "nothing holds the critic",
        "uninformative-discriminator": "a slope of zero is as far from one: the penalty pays for it as well",
        "constant-discriminator": "a critic of slope zero answers the same for every sample",
        "vanishing-generator-gradient": "a critic of slope zero passes no gradient",
    },
    kind="wiring",
    cases=(
        Case("valid", "wgan-gp", "rings"),
        Case("model", "wgan-gp", "survey"),
    ),
    proof=measured(
        "mean norm of the critic's input gradient (aim: 1)",
        lambda run: input_gradient_norm(run.parts),
        lambda v: not 0.3 < v < 3,
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
