"""Gradients that a loop asks for at single weights, before it sends a loss back.

An adaptive weight (VQGAN's) compares the terms of a loss by `autograd.grad(term, last_layer)`. Such a pass
reaches the scores like a loss and updates nothing: what it sends to them is no slope of a loss. The engine
itself knows which leaves a pass under way will reach.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

# Gradients of all weights of a network may be asked for to be used (backward(inputs=...), manual steps).
_FEW = 0.5
# Not public: where a version of torch lacks them, no pass is taken for one that only asks.
_TELLS = all(hasattr(torch._C, name) for name in ("_current_graph_task_id", "_will_engine_execute_node"))


def never() -> bool:
    """For passes of which nothing is asked: without a way to the generator there is no term to weigh."""
    return False


class Asked:
    """Whether the backward pass under way only asks for gradients at a few weights of a network."""

    def __init__(self, *networks: nn.Module) -> None:
        self._networks = networks
        self._task, self._answer = -1, False

    def __call__(self) -> bool:
        if not _TELLS:
            return False
        task = torch._C._current_graph_task_id()
        if task != self._task:
            self._task, self._answer = task, self._look()
        return self._answer

    def _look(self) -> bool:
        some = False
        for network in self._networks:
            asked = count = 0
            for parameter in network.parameters():
                if not parameter.requires_grad:
                    continue
                way = _way(parameter)
                if way is None:
                    asked += 1
                elif way:
                    return False  # a loss that is sent back
                count += 1
            if asked and asked >= _FEW * count:
                return False  # the gradients of this network are asked for to be used
            some |= asked > 0
        return some


def inputs_alone(network: nn.Module) -> bool:
    """Whether the backward pass under way reaches no weight of a network, though it has some to train.

    So does `autograd.grad(D(x), x)`; a loss that is sent back reaches the weights.
    """
    if not _TELLS or torch._C._current_graph_task_id() < 0:
        return False
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return bool(weights) and all(_way(parameter) is False for parameter in weights)


def hands_out(network: nn.Module) -> bool:
    """Whether the backward pass under way hands out the gradients of at least half of a network's weights.

    A loop that writes them into `.grad` itself (`autograd.grad`, functional updates) replaces what was there.
    """
    if not _TELLS or torch._C._current_graph_task_id() < 0:
        return False
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad]
    asked = sum(_way(parameter) is None for parameter in weights)
    return 0 < asked >= _FEW * len(weights)


def reached(parameter: Tensor) -> bool:
    """Whether the backward pass under way will add to a weight's `.grad`."""
    if not _TELLS or torch._C._current_graph_task_id() < 0 or not parameter.requires_grad:
        return False
    return bool(_way(parameter))


def _way(parameter: Tensor) -> bool | None:
    """Whether the pass will add to its `.grad`; None if its gradient is asked for."""
    node: Any = get_gradient_edge(parameter).node
    try:
        return bool(torch._C._will_engine_execute_node(node))
    except RuntimeError:
        # The engine's word for a leaf whose gradient is handed out instead of added up.
        return None
