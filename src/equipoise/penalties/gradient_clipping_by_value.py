"""Gradient clipping by value: no single number of the gradient beyond a bound."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.nn.utils import clip_grad_value_

from equipoise.penalties.base import PENALTIES, Penalty, Player
from equipoise.validation import Interval, OneOf, validated


@PENALTIES.register("gradient-clipping-by-value")
class GradientClippingByValue(Penalty):
    """Every number of the gradient is cut to ``[-bound, bound]`` before the update; the direction changes.

    Args:
        bound: the largest absolute value.
        player: whose gradient; `both`, `generator` or `discriminator`.

    Source: common practice; Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural
    networks", section 3.2, discuss it beside the norm.

    Example:
        >>> import torch
        >>> weight = nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([3.0, -0.5])
        >>> GradientClippingByValue(bound=1.0).before_update("generator", [weight])
        >>> weight.grad.tolist()
        [1.0, -0.5]
    """

    name = "gradient-clipping-by-value"

    @validated(bound=Interval(float, 0, low_open=True), player=OneOf(("both", "generator", "discriminator")))
    def __init__(self, bound: float = 1.0, player: str = "both") -> None:
        super().__init__()
        self.bound = float(bound)
        self.player = player

    def before_update(self, player: Player, parameters: Iterable[nn.Parameter]) -> None:
        if self.player in (player, "both"):
            clip_grad_value_(list(parameters), self.bound)
