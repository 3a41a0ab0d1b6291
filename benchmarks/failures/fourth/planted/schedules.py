"""Optimizers and schedules."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults.base import noted, quality_failed, quality_not_good
from benchmarks.failures.faults.numerics import _CHAOS
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case

_STARVED = {
    "uninformative-discriminator": "a discriminator that hardly learned tells nothing",
    "frozen-network": "the discriminator's weights hardly move",
    "constant-discriminator": "it always answers nearly the same",
    "mode-collapse": "the generator runs to what a useless discriminator likes best",
}


@fourth_fault(
    "rates-that-grow",
    source="NVlabs/stylegan2-ada-pytorch#157 (rate too high); ExponentialLR with a gamma above one",
    b5=("LR x100 / ratio",),
    expected=("optimizer-hparams", "instability"),
    equivalents=_CHAOS | {"late-collapse": "good while the rate was small, lost when it was not"},
    kind="dynamics",
    cases=(Case("combined", "bce", "pinwheel"),),
    proof=quality_not_good,
)
def rates_grow(parts: FourthParts) -> None:
    """An exponential schedule with a factor above one: at the end the rates are three hundred times what
    they were."""
    factor = 300.0 ** (1.0 / parts.steps)

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        for group in (g for optimizer in (opt_g, opt_d) for g in optimizer.param_groups):
            group["lr"] *= factor

    parts.schedule = schedule


@fourth_fault(
    "discriminator-weight-decay-fifty",
    source="failures research check 23: optimizer settings outside published use, at the discriminator",
    expected=("optimizer-hparams",),
    equivalents=_STARVED
    | {
        "vanishing-generator-gradient": "weights that are decayed to nothing pass no gradient",
        "loss-fingerprint": "its loss stands at that of a constant answer",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(
        Case("stepping", "bce", "grid"),
        Case("committee", "hinge", "pinwheel"),
    ),
    proof=quality_failed,
)
def discriminator_decay(parts: FourthParts) -> None:
    """AdamW with a weight decay of 50 for the discriminator: a tenth of every weight is lost a step."""
    make = parts.optimizers

    def decayed(generator: nn.Module, discriminator: nn.Module) -> Any:
        opt_g, _ = make(generator, discriminator)
        rate = 2e-3
        return opt_g, torch.optim.AdamW(
            discriminator.parameters(), lr=rate, betas=(0.0, 0.99), weight_decay=50.0
        )

    parts.optimizers = decayed


@fourth_fault(
    "second-moment-forgotten",
    source="betas=(0.9, 0.0) for (0.0, 0.9); failures research check 23",
    b5=("beta1",),
    expected=("optimizer-hparams",),
    equivalents=_CHAOS | {"oscillation": "steps of many times the rate carry both players to and fro"},
    kind="dynamics",
    cases=(Case("combined", "lsgan", "scurve"),),
    proof=quality_not_good,
)
def second_moment(parts: FourthParts) -> None:
    """Adam's betas are exchanged, (0.99, 0.0): each step is the momentum over the present gradient alone."""

    def make(generator: nn.Module, discriminator: nn.Module) -> Any:
        return (
            torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.99, 0.0)),
            torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.99, 0.0)),
        )

    parts.optimizers = make


@fourth_fault(
    "discriminator-on-slow-sgd",
    source="soumith/ganhacks ('SGD for the discriminator'), with the rate that was right for Adam",
    expected=("uninformative-discriminator", "optimizer-hparams"),
    equivalents=_STARVED
    | {
        "instability": "nobody stops the generator",
        "range-mismatch": "nobody stops the generator's samples from running away",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(
        Case("switcher", "lsgan", "pinwheel"),
        Case("diters", "hinge", "grid"),
    ),
    proof=quality_failed,
)
def slow_sgd(parts: FourthParts) -> None:
    """The discriminator was changed from Adam to plain SGD and kept its rate of 1e-4."""
    make = parts.optimizers

    def slow(generator: nn.Module, discriminator: nn.Module) -> Any:
        return make(generator, discriminator)[0], torch.optim.SGD(discriminator.parameters(), lr=1e-4)

    parts.optimizers = slow


@fourth_fault(
    "generator-on-slow-sgd",
    source="zhangxiann/PyTorch_Practice#1 (a discriminator far ahead); SGD at Adam's rate",
    expected=("perfect-discriminator", "optimizer-hparams"),
    equivalents={
        "frozen-network": "the generator's weights hardly move",
        "vanishing-generator-gradient": "a discriminator that is that sure passes little gradient",
        "mode-collapse": "the generator's first samples lie close together, and stay so",
    },
    kind="dynamics",
    cases=(Case("stepping", "lsgan", "diabetes"),),
    proof=quality_failed,
)
def slow_generator(parts: FourthParts) -> None:
    """The generator is trained with plain SGD and a rate of 1e-4; the discriminator has Adam."""
    make = parts.optimizers

    def slow(generator: nn.Module, discriminator: nn.Module) -> Any:
        return torch.optim.SGD(generator.parameters(), lr=1e-4), make(generator, discriminator)[1]

    parts.optimizers = slow


@fourth_fault(
    "restart-at-a-thousand-times-the-rate",
    source="NVlabs/stylegan2-ada-pytorch#157; cosine restarts whose first rate is in other units",
    b5=("LR x100 / ratio",),
    expected=("optimizer-hparams", "instability"),
    equivalents=_CHAOS | {"late-collapse": "a good state is lost at the restart"},
    kind="dynamics",
    cases=(Case("switcher", "hinge", "pinwheel"),),
    proof=noted("largest learning rate of the run", "rate", lambda v: v > 0.3),
)
def restart(parts: FourthParts) -> None:
    """Half way a warm restart sets both rates to a thousand times theirs, for twenty steps."""
    start: list[float] = []

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        groups = [g for optimizer in (opt_g, opt_d) for g in optimizer.param_groups]
        if not start:
            start.extend(group["lr"] for group in groups)
        inside = 0 <= step - parts.steps // 2 < 20
        for group, rate in zip(groups, start, strict=True):
            group["lr"] = rate * (1000.0 if inside else 1.0)
            parts.notes["rate"] = max(parts.notes.get("rate", 0.0), group["lr"])

    parts.schedule = schedule
