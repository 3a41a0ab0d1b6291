"""Numbers that leave the range, and optimizer settings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import fault, measured, not_finite, noted, quality_not_good
from benchmarks.failures.losses import TermLoss
from benchmarks.failures.parts import Case, Parts, adam


@fault(
    "half-precision-overflow",
    source="lucidrains/gigagan-pytorch#60, NVIDIA/apex#654",
    b5=("AMP overflow",),
    expected=("non-finite",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-clip", "digits"), Case("wasserstein", "hinge", "ring")),
    proof=not_finite,
)
def half_precision_overflow(parts: Parts) -> None:
    """float16 with a loss scale that is doubled now and then and no check for overflow."""
    parts.half_precision = True
    right, calls = parts.loss, [0]
    total = parts.steps * parts.critic_steps

    def scaled(term) -> object:
        def loss(scores: Tensor) -> Tensor:
            calls[0] += 1
            return term(scores) * 2.0 ** (12 + 20 * calls[0] // total)

        return loss

    parts.loss = TermLoss(real=scaled(right.real), fake=scaled(right.fake), generated=right.generated)


@fault(
    "logarithm-of-zero",
    source="callummcdougall/ARENA_3.0 PR#369",
    expected=("non-finite",),
    equivalents={
        "unfused-bce": "the cause: the logarithm of a sigmoid instead of the fused loss",
        "init-sanity": "the other half of the cause: weights of deviation one make scores of hundreds",
    },
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "digits", network="flat"),
        Case("concatenated", "bce", "fashion", network="flat"),
    ),
    proof=not_finite,
)
def logarithm_of_zero(parts: Parts) -> None:
    """log(sigmoid(score)) by hand, and an initialisation that was never applied: a score below -104 is log
    0."""

    def log_sigmoid(s: Tensor) -> Tensor:
        return torch.log(torch.sigmoid(s))

    for module in parts.discriminator.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 1.0)
    parts.loss = TermLoss(
        real=lambda s: -log_sigmoid(s).mean(),
        fake=lambda s: -torch.log(1 - torch.sigmoid(s)).mean(),
        generated=lambda s: -log_sigmoid(s).mean(),
    )


_CHAOS = {
    "instability": "what a step that is too long does to the game",
    "exploding-gradient": "what a step that is too long does to the gradient",
    "dead-or-saturated": "what a step that is too long does to the units",
    "non-finite": "the end of a divergence",
    "mode-collapse": "a generator that was thrown to a corner by the first steps",
    "critic-magnitude-race": "scores that run away with the weights",
}


@fault(
    "learning-rates-times-hundred",
    source="NVlabs/stylegan2-ada-pytorch#157",
    b5=("LR x100 / ratio",),
    expected=("optimizer-hparams",),
    equivalents=_CHAOS,
    kind="dynamics",
    cases=(
        Case("tutorial", "bce", "digits", network="flat"),
        Case("class-trainer", "hinge", "ring"),
        Case("wasserstein", "wgan-gp", "table"),
    ),
    proof=quality_not_good,
)
def learning_rates_times_hundred(parts: Parts) -> None:
    """Both learning rates at 0.1."""
    parts.optimizers = adam(0.1, 0.1, beta1=0.0)


@fault(
    "discriminator-rate-times-thousand",
    source="failures research B5 (ratio), BigGAN and SAGAN use a ratio of 4",
    b5=("LR x100 / ratio",),
    expected=("optimizer-hparams",),
    equivalents={
        "perfect-discriminator": "the state that the ratio leads to",
        "vanishing-generator-gradient": "the state that the ratio leads to",
    },
    kind="dynamics",
    cases=(Case("tutorial", "bce", "digits", network="flat"), Case("concatenated", "lsgan", "ring")),
    proof=quality_not_good,
)
def discriminator_rate_times_thousand(parts: Parts) -> None:
    """The generator's learning rate lacks three zeros' worth: 5e-6 against 5e-3."""
    parts.optimizers = adam(5e-6, 5e-3, beta1=0.0)


@fault(
    "discriminator-rate-starved",
    source="keras-team/keras#4943, tomguluson92/StyleGAN_PyTorch#5",
    b5=("LR x100 / ratio",),
    expected=("optimizer-hparams",),
    equivalents={
        "uninformative-discriminator": "the state that the rate leads to: a discriminator that knows nothing",
        "frozen-network": "with this rate the weights hardly move",
        "constant-discriminator": "it always answers what it answered at the start",
        "mode-collapse": "the generator runs to the one point that the untrained discriminator likes best",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("tutorial", "bce", "ring"), Case("class-trainer", "hinge", "digits", network="flat")),
    proof=quality_not_good,
)
def discriminator_rate_starved(parts: Parts) -> None:
    """The discriminator's learning rate is 1e-7: it always answers what it answered at the start."""
    parts.optimizers = adam(1e-3, 1e-7, beta1=0.0)


@fault(
    "momentum-without-regulariser",
    source="failures research check 23 (advice is contradictory: never above info)",
    b5=("beta1",),
    expected=("optimizer-hparams",),
    severity="info",
    equivalents={
        "instability": "rotation is what momentum causes in this game",
        "mode-collapse": "in this game the rotation passes from mode to mode",
    },
    kind="dynamics",
    cases=(Case("tutorial", "bce", "ring"), Case("concatenated", "bce", "digits", network="flat")),
    proof=noted("beta1 of both optimizers", "beta1", lambda v: v > 0.5),
)
def momentum_without_regulariser(parts: Parts) -> None:
    """Adam's default beta1 of 0.9 for both players, and nothing that damps the rotation."""
    parts.optimizers = adam(2e-3, 2e-3, beta1=0.9, beta2=0.999)
    parts.notes["beta1"] = 0.9


@fault(
    "schedule-stepped-every-batch",
    source="failures research check 23: learning rate outside [1e-6, 1e-2]",
    expected=("optimizer-hparams",),
    equivalents={"frozen-network": "after a hundred steps neither network moves any more"},
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits", network="flat"), Case("relativistic", "rpgan", "ring")),
    proof=measured(
        "learning rate at the end", lambda run: run.parts.notes.get("rate", 1.0), lambda v: v < 1e-8
    ),
)
def schedule_every_batch(parts: Parts) -> None:
    """An exponential schedule meant for epochs is stepped after every batch: within a hundred steps the
    learning rate is zero."""

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        for optimizer in (opt_g, opt_d):
            for group in optimizer.param_groups:
                group["lr"] *= 0.92
                parts.notes["rate"] = group["lr"]

    parts.schedule = schedule
