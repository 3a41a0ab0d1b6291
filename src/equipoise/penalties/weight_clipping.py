"""Weight clipping: the first, crude Lipschitz constraint."""

from __future__ import annotations

import torch
from torch import nn

from equipoise.penalties.base import PENALTIES, Penalty, Player
from equipoise.validation import Interval, validated


@PENALTIES.register("weight-clipping")
class WeightClipping(Penalty):
    """After each update of the discriminator every parameter is cut to ``[-bound, bound]``.

    It bounds the Lipschitz constant by something that depends on depth and width, and pushes most weights to
    the bound. The gradient penalty is the better constraint; this one is what WGAN was published with.

    Args:
        bound: 0.01 in the paper.

    Source: Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", algorithm 1.

    Example:
        >>> critic = nn.Linear(4, 1)
        >>> WeightClipping(bound=0.01).after_update("discriminator", critic)
        >>> bool(critic.weight.abs().max() <= 0.01)
        True
    """

    name = "weight-clipping"
    provides_lipschitz = True

    @validated(bound=Interval(float, 0, low_open=True))
    def __init__(self, bound: float = 0.01) -> None:
        super().__init__()
        self.bound = float(bound)

    @torch.no_grad()
    def after_update(self, player: Player, network: nn.Module) -> None:
        if player == "discriminator":
            for parameter in network.parameters():
                parameter.clamp_(-self.bound, self.bound)
