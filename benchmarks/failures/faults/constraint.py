"""The critic's constraint: wrong, missing or never applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    fault,
    input_gradient_norm,
    measured,
    not_finite,
    noted,
    quality_not_good,
)
from benchmarks.failures.parts import Case, Parts, rmsprop

_TOO_STEEP = measured(
    "mean norm of the critic's input gradient (aim: 1)",
    lambda run: input_gradient_norm(run.parts),
    lambda v: v > 3,
)


def _interpolate_gradients(
    critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor, alpha: Tensor
) -> Tensor:
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    return torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]


def _alpha(real: Tensor) -> Tensor:
    return torch.rand(real.size(0), *[1] * (real.dim() - 1))


@fault(
    "penalty-over-wrong-axis",
    source="caogang/wgan-gp#25, Zeleni9/pytorch-wgan#40, eriklindernoren/PyTorch-GAN#20",
    b5=("GP wrong axes",),
    expected=("gradient-penalty-invalid",),
    forbidden=("critic-unconstrained",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "digits"), Case("wasserstein", "wgan-gp", "fashion")),
    proof=_TOO_STEEP,
)
def penalty_over_wrong_axis(parts: Parts) -> None:
    """The norm is taken over the channels of N x C x H x W, so that every pixel's gradient is pulled towards
    one."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        gradients = _interpolate_gradients(critic, real, fake, _alpha(real))
        return ((gradients.norm(2, dim=1) - 1) ** 2).mean()

    parts.penalty = penalty


@fault(
    "penalty-over-whole-batch",
    source="keras-team/keras-contrib PR#232",
    b5=("GP wrong axes",),
    expected=("gradient-penalty-invalid",),
    forbidden=("critic-unconstrained",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "ring"), Case("tabular", "wgan-gp", "table")),
    proof=measured(
        "mean norm of the critic's input gradient (aim: 1)",
        lambda run: input_gradient_norm(run.parts),
        lambda v: v < 0.3,
    ),
)
def penalty_over_whole_batch(parts: Parts) -> None:
    """One norm for the whole batch: each sample's gradient is pulled towards one over the root of the batch
    size."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        return (_interpolate_gradients(critic, real, fake, _alpha(real)).norm(2) - 1) ** 2

    parts.penalty, parts.penalty_weight = penalty, 10.0


@fault(
    "penalty-alpha-normal",
    source="keras-team/keras-io#624",
    b5=("alpha normal",),
    expected=("gradient-penalty-invalid",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "ring"), Case("wasserstein", "wgan-gp", "digits")),
    proof=noted("share of the mixing weights outside [0, 1]", "outside", lambda v: v > 0.3),
)
def penalty_alpha_normal(parts: Parts) -> None:
    """The mixing weight is drawn from N(0, 1): two thirds of the points lie outside the segment."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        alpha = torch.randn(real.size(0), *[1] * (real.dim() - 1))
        parts.notes["outside"] = float(((alpha < 0) | (alpha > 1)).float().mean())
        gradients = _interpolate_gradients(critic, real, fake, alpha)
        return ((gradients.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    parts.penalty = penalty


@fault(
    "penalty-root-of-zero",
    source="keras-team/keras-io#910, pytorch/pytorch#2534",
    b5=("GP sqrt no epsilon",),
    expected=("non-finite",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "ring"), Case("wasserstein", "wgan-gp", "digits")),
    proof=not_finite,
)
def penalty_root_of_zero(parts: Parts) -> None:
    """The norm is a square root without epsilon; where the gradient is exactly zero (here once, after a
    third of the run, in a masked batch) its derivative is infinite and the weights become NaN."""
    calls = [0]
    when = parts.steps * parts.critic_steps // 3

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        gradients = _interpolate_gradients(critic, real, fake, _alpha(real))
        calls[0] += 1
        if calls[0] == when:  # one sample is masked out: its gradient is exactly zero
            mask = torch.ones(len(real), *[1] * (real.dim() - 1))
            mask[0] = 0
            gradients = gradients * mask
        return ((gradients.flatten(1).pow(2).sum(dim=1).sqrt() - 1) ** 2).mean()

    parts.penalty = penalty


@fault(
    "penalty-never-due",
    source="rosinality/stylegan2-pytorch#97",
    b5=("R1 interval never reached",),
    expected=("critic-unconstrained",),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(
        Case("wasserstein", "wgan-gp", "ring"),
        Case("wasserstein", "wgan-gp", "digits"),
    ),
    proof=_TOO_STEEP,
)
def penalty_never_due(parts: Parts) -> None:
    """The penalty is due every 10 ** 10 steps: never."""
    parts.penalty_every = 10**10


@fault(
    "weights-not-clipped",
    source="torchgan/torchgan PR#42",
    b5=("no clipping",),
    expected=("critic-unconstrained",),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(Case("wasserstein", "wgan-clip", "ring"), Case("wasserstein", "wgan-clip", "digits")),
    proof=_TOO_STEEP,
)
def weights_not_clipped(parts: Parts) -> None:
    """A Wasserstein critic whose weights are never clipped."""
    parts.clip_weights = None


@fault(
    "critic-magnitude-race",
    source="martinarjovsky/WassersteinGAN#77, ginobilinie/medSynthesisV1#14",
    expected=("critic-magnitude-race", "critic-unconstrained"),
    equivalents={
        "gradient-penalty-invalid": "the penalty is there and its aim of one is missed by orders of magnitude"
    },
    kind="dynamics",
    cases=(Case("wasserstein", "wgan-gp", "digits"), Case("wasserstein", "wgan-gp", "table")),
    proof=_TOO_STEEP,
)
def magnitude_race(parts: Parts) -> None:
    """A penalty weight of 1e-6 instead of 10 and five times as many critic steps: the scores grow without
    bound."""
    parts.penalty_weight, parts.critic_steps = 1e-6, 5
    parts.steps = parts.steps * 3 // 5


@fault(
    "gradient-clipped-to-nothing",
    source="lksshw/SRNet#18",
    b5=("clip +-0.01",),
    expected=("optimizer-hparams",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("concatenated", "lsgan", "digits", network="flat")),
    proof=quality_not_good,
)
def gradient_clipped_to_nothing(parts: Parts) -> None:
    """Gradients are clamped to a norm of 0.01 before plain SGD: the losses stand still."""

    def sgd(
        generator: nn.Module, discriminator: nn.Module
    ) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        return torch.optim.SGD(generator.parameters(), lr=2e-2), torch.optim.SGD(
            discriminator.parameters(), lr=2e-2
        )

    parts.optimizers = sgd
    parts.clip_gradients = lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.01)


@fault(
    "wasserstein-with-large-rate",
    source="caogang/wgan-gp#41, sdv-dev/SDV#336",
    b5=("no clipping",),
    expected=("critic-magnitude-race", "critic-unconstrained"),
    equivalents={"exploding-gradient": "the gradient grows with the scores"},
    kind="dynamics",
    cases=(Case("wasserstein", "wgan-clip", "fashion"), Case("tabular", "wgan-clip", "sequence")),
    proof=quality_not_good,
)
def wasserstein_with_large_rate(parts: Parts) -> None:
    """No clipping and a learning rate of 5e-3: losses of thousands and more."""
    parts.clip_weights = None
    parts.optimizers = rmsprop(5e-3)
