"""Gradient descent for probes, without torch's optimizers: their global hooks belong to the user."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_FIRST, _SECOND, _TINY = 0.9, 0.99, 1e-8


class Adam:
    """Adam (Kingma & Ba 2015, 1412.6980, algorithm 1) with moments 0.9 and 0.99."""

    def __init__(self, parameters: Sequence[nn.Parameter], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self._means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._count = 0

    def step(self, loss: Tensor) -> None:
        """One step down the loss; parameters that it does not depend on stay."""
        if not loss.requires_grad:
            return
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        self._count += 1
        first, second = 1 - _FIRST**self._count, 1 - _SECOND**self._count
        with torch.no_grad():
            for parameter, gradient, mean, square in zip(
                self.parameters, gradients, self._means, self._squares
            ):
                if gradient is None:
                    continue
                mean.lerp_(gradient, 1 - _FIRST)
                square.lerp_(gradient.square(), 1 - _SECOND)
                size = (square / second).sqrt_().add_(_TINY)
                parameter.addcdiv_(mean, size, value=-self.learning_rate / first)


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of a copy to train: those trainable now, or all if the loop froze all of them."""
    floating = [parameter for parameter in network.parameters() if parameter.is_floating_point()]
    own = [parameter for parameter in floating if parameter.requires_grad]
    if own:
        return own
    for parameter in floating:
        parameter.requires_grad_(True)
    return floating
