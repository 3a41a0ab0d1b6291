"""Optimizers and learning-rate schedules from the configuration."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from equipoise.training.configuration import OptimizerSection

_FUSED_DEVICES = {"cpu", "cuda", "mps", "xpu"}


def build_optimizer(settings: OptimizerSection, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of one player; fused (one kernel for all parameters) where torch has that.

    Example:
        >>> optimizer = build_optimizer(OptimizerSection(), nn.Linear(2, 1).parameters())
        >>> type(optimizer).__name__, optimizer.defaults["fused"]
        ('Adam', True)
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    common: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    fused = all(p.device.type in _FUSED_DEVICES and p.is_floating_point() for p in trained)
    optimizer: torch.optim.Optimizer
    if settings.name == "adam":
        optimizer = torch.optim.Adam(trained, betas=settings.betas, fused=fused, **common)
    elif settings.name == "sgd":
        optimizer = torch.optim.SGD(trained, momentum=settings.momentum, fused=fused, **common)
    else:
        # torch has no fused RMSprop.
        optimizer = torch.optim.RMSprop(trained, momentum=settings.momentum, foreach=True, **common)
    for group in optimizer.param_groups:
        # Schedules multiply this; a remedy that changes the rate changes this.
        group["initial_lr"] = settings.learning_rate
    return optimizer


def learning_rate_factor(settings: OptimizerSection, step: int, total_steps: int) -> float:
    """What the learning rate is multiplied by in a step; step 0 is the first, the last is total_steps - 1.

    With p = step / (total_steps - 1) and f the final fraction: 1 for `constant`, ``1 - (1 - f) p`` for
    `linear`, ``f + (1 - f) (1 + cos(pi p)) / 2`` for `cosine`.

    Example:
        >>> settings = OptimizerSection(schedule="linear", final_fraction=0.1)
        >>> [round(learning_rate_factor(settings, step, 3), 2) for step in range(3)]
        [1.0, 0.55, 0.1]
    """
    if settings.schedule == "constant":
        return 1.0
    progress = min(1.0, step / max(1, total_steps - 1))
    span = 1.0 - settings.final_fraction
    if settings.schedule == "linear":
        return 1.0 - span * progress
    return settings.final_fraction + span * 0.5 * (1.0 + math.cos(math.pi * progress))


def freeze(network: nn.Module) -> list[nn.Parameter]:
    """Switch off the gradient of what is being trained; returns those parameters for `unfreeze`."""
    frozen = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen


def unfreeze(parameters: Iterable[nn.Parameter]) -> None:
    """Switch the gradient of these parameters on again."""
    for parameter in parameters:
        parameter.requires_grad_(True)
