"""Schedules and settings of the optimizers that are not what their author thinks."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults.base import (
    noted,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


@third_fault(
    "gradients-clipped-before-backward",
    source="lucidrains/stylegan2-pytorch#85 (jumps); clip_grad_norm_ a line too early",
    expected=("exploding-gradient", "instability"),
    equivalents={
        "non-finite": "the end of an explosion",
        "optimizer-hparams": "the learning rate is only right for clipped gradients",
        "critic-magnitude-race": "scores that run away with the weights",
        "dead-or-saturated": "what a step that is too long does to the units",
        "mode-collapse": "a generator that was thrown to a corner by the first steps",
        "constant-discriminator": "a discriminator whose units died in the first steps",
    },
    kind="dynamics",
    cases=(
        Case("valid", "lsgan", "swissroll"),
        Case("model", "lsgan", "survey"),
    ),
    proof=quality_not_good,
)
def clipped_early(parts: ThirdParts) -> None:
    """Plain SGD with momentum, set up for gradients of norm 0.1; clip_grad_norm_ stands before backward and
    clips the zeros that zero_grad left."""

    def sgd(generator: nn.Module, discriminator: nn.Module) -> Any:
        return (
            torch.optim.SGD(generator.parameters(), lr=0.5, momentum=0.9),
            torch.optim.SGD(discriminator.parameters(), lr=0.5, momentum=0.9),
        )

    parts.optimizers, parts.clip_early = sgd, True
    parts.clip_gradients = lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.1)


@third_fault(
    "linear-decay-over-in-fifty-steps",
    source="failures research check 23; n_epochs + n_epochs_decay counted in batches",
    expected=("optimizer-hparams",),
    equivalents={
        "frozen-network": "after fifty steps neither network moves any more",
        "perfect-discriminator": "stopped so early, the two are still far apart",
    },
    kind="wiring",
    cases=(Case("valid", "bce", "rings"),),
    proof=noted("learning rate at the end", "rate", lambda v: v == 0.0),
)
def decays_at_once(parts: ThirdParts) -> None:
    """A linear decay to zero that was meant for fifty epochs is stepped after every batch."""
    starts: list[float] = []

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        groups = [group for optimizer in (opt_g, opt_d) for group in optimizer.param_groups]
        if not starts:
            starts.extend(group["lr"] for group in groups)
        for group, start in zip(groups, starts, strict=True):
            group["lr"] = start * max(0.0, 1.0 - (step + 1) / 50)
            parts.notes["rate"] = group["lr"]

    parts.schedule = schedule


@third_fault(
    "warm-up-without-end",
    source="failures research check 23: rates outside [1e-6, 1e-2]; a warm-up counted in samples",
    expected=("optimizer-hparams",),
    equivalents={
        "frozen-network": "with these rates the weights hardly move",
        "perfect-discriminator": "the generator stays where it started",
        "uninformative-discriminator": "a discriminator that hardly learned tells nothing",
        "constant-discriminator": "it always answers what it answered at the start",
    },
    kind="wiring",
    cases=(Case("wrapper", "hinge", "swissroll"),),
    proof=noted("learning rate at the end", "rate", lambda v: v < 1e-6),
)
def warm_up(parts: ThirdParts) -> None:
    """A linear warm-up over ten million steps: at the end of the run the rate is still below 1e-6."""
    make = parts.optimizers

    def low(generator: nn.Module, discriminator: nn.Module) -> Any:
        pair = make(generator, discriminator)
        for group in (g for optimizer in pair for g in optimizer.param_groups):
            group["initial"], group["lr"] = group["lr"], group["lr"] * 1e-7
        return pair

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        for group in (g for optimizer in (opt_g, opt_d) for g in optimizer.param_groups):
            if "initial" in group:
                group["lr"] = group["initial"] * (step + 2) * 1e-7
                parts.notes["rate"] = group["lr"]

    parts.optimizers, parts.schedule = low, schedule


@third_fault(
    "adam-epsilon-one",
    source="failures research check 23: settings outside published use; TensorFlow's hint of eps 1.0",
    expected=("optimizer-hparams",),
    equivalents={
        "frozen-network": "with this epsilon the weights hardly move",
        "uninformative-discriminator": "a discriminator that hardly learned tells nothing",
        "perfect-discriminator": "the generator stays where it started",
        "constant-discriminator": "it always answers what it answered at the start",
        "mode-collapse": "the generator's first samples lie close together, and stay so",
    },
    kind="wiring",
    cases=(
        Case("valid", "bce", "swissroll"),
        Case("phases", "logistic", "rings"),
    ),
    proof=quality_failed,
)
def epsilon_one(parts: ThirdParts) -> None:
    """Adam with epsilon 1: with gradients far below one the steps are a thousandth of the learning rate."""
    make = parts.optimizers

    def damped(generator: nn.Module, discriminator: nn.Module) -> Any:
        pair = make(generator, discriminator)
        for group in (g for optimizer in pair for g in optimizer.param_groups):
            group["eps"] = 1.0
        return pair

    parts.optimizers = damped
