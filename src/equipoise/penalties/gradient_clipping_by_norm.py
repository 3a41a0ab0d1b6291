"""Gradient clipping by norm: the whole gradient is shortened, its direction kept."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.nn.utils import clip_grad_norm_

from equipoise.penalties.base import PENALTIES, Penalty, Player
from equipoise.validation import Interval, OneOf, validated


@PENALTIES.register("gradient-clipping-by-norm")
class GradientClippingByNorm(Penalty):
    """If the norm of a player's whole gradient exceeds `bound`, the gradient is scaled down to it.

    Args:
        bound: the largest Euclidean norm over all parameters of the player together.
        player: whose gradient; `both`, `generator` or `discriminator`.

    Source: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
    section 3.2.

    Example:
        >>> import torch
        >>> weight = nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([6.0, 8.0])
        >>> GradientClippingByNorm(bound=1.0).before_update("generator", [weight])
        >>> [round(value, 3) for value in weight.grad.tolist()]
        [0.6, 0.8]
    """

    name = "gradient-clipping-by-norm"

    @validated(bound=Interval(float, 0, low_open=True), player=OneOf(("both", "generator", "discriminator")))
    def __init__(self, bound: float = 1.0, player: str = "both") -> None:
        super().__init__()
        self.bound = float(bound)
        self.player = player

    def before_update(self, player: Player, parameters: Iterable[nn.Parameter]) -> None:
        if self.player in (player, "both"):
            # Infinite or NaN gradients are not hidden here: a check must see them.
            clip_grad_norm_(list(parameters), self.bound)
