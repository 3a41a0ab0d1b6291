"""An optimizer's state as tensors and plain values, so that a checkpoint needs no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def optimizer_tensors(optimizer: torch.optim.Optimizer, player: str) -> dict[str, Tensor]:
    """All tensors of the state under `player/number/name`, numbered as the parameters are.

    Example:
        >>> layer = torch.nn.Linear(1, 1, bias=False)
        >>> optimizer = torch.optim.Adam(layer.parameters())
        >>> layer(torch.ones(1, 1)).sum().backward()
        >>> optimizer.step()
        >>> sorted(optimizer_tensors(optimizer, "generator"))
        ['generator/0/exp_avg', 'generator/0/exp_avg_sq', 'generator/0/step']
    """
    return {
        f"{player}/{number}/{name}": value
        for number, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def optimizer_settings(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """The hyper-parameters of each group, as JSON can hold them."""
    return [
        {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in group.items()
            if name != "params" and isinstance(value, (int, float, str, bool, tuple, type(None)))
        }
        for group in optimizer.param_groups
    ]


def load_optimizer(
    optimizer: torch.optim.Optimizer,
    player: str,
    tensors: Mapping[str, Tensor],
    settings: list[dict[str, Any]],
) -> None:
    """Take back what `optimizer_tensors` and `optimizer_settings` gave.

    Moments get the memory layout of their parameter: fused kernels walk through both side by side, and a
    contiguous moment beside a channels-last parameter would be read in the wrong order.
    """
    for group, saved in zip(optimizer.param_groups, settings):
        for name, value in saved.items():
            group[name] = tuple(value) if isinstance(value, list) else value
    for number, parameter in enumerate(_parameters(optimizer)):
        prefix = f"{player}/{number}/"
        state = {}
        for name, value in tensors.items():
            if name.startswith(prefix):
                if value.shape == parameter.shape:
                    laid_out = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False)
                    state[name.removeprefix(prefix)] = laid_out.copy_(value)
                else:
                    # The step count stays where a new optimizer of this kind keeps it.
                    on_device = optimizer.defaults.get("fused") or optimizer.defaults.get("capturable")
                    state[name.removeprefix(prefix)] = value.to(parameter.device if on_device else "cpu")
        if state:
            optimizer.state[parameter] = state


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
