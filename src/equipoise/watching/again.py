"""Steps of the discriminator's optimizer that have no loss of the discriminator's own behind them.

`step()` of both optimizers behind the generator's backward pass moves the discriminator along the gradient
that this pass left in its weights: towards calling fakes real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.optim import Optimizer

from equipoise.watching.optimizers import Player
from equipoise.watching.passes import Assignment, DiscriminatorPass


class Again:
    """Counts the discriminator's updates by what was sent back since the same optimizer's last one.

    Only steps of which the one before was looked at as well are counted, as the first ten of a run are.
    Of optimizers with some weights each (one for features, one for the head) every one uses the same loss.
    """

    def __init__(self) -> None:
        self._due: dict[int, bool] = {}
        self._behind_generator: dict[int, bool] = {}
        self._updates = (-1, -1)
        self.foreign = self.own = 0

    def update(
        self,
        player: Player,
        optimizer: Optimizer,
        passes: list[DiscriminatorPass],
        assignment: Assignment,
        gradients: Callable[[], list[Tensor]],
        updates: Mapping[str, int],
    ) -> None:
        """An optimizer's step, with what was sent back before it."""
        now = (updates["generator"], updates["discriminator"])
        if sum(now) != sum(self._updates) + 1:  # steps between were not looked at
            self._due, self._behind_generator = {}, {}
        self._updates = now
        if player == "generator":
            self._behind_generator = dict.fromkeys(self._behind_generator, bool(assignment.generator))
            return
        key = id(optimizer)
        # What it was given without a way to the generator may serve any loss of its own (of classes).
        own = any(not one.attached for one in passes)
        if own or assignment.real or assignment.fake or assignment.penalties or assignment.undecided:
            self.own += key in self._due
            self._due = dict.fromkeys(self._due, True)
        elif self._due.get(key) is False and self._behind_generator[key]:
            self.foreign += any(bool(gradient.any()) for gradient in gradients())
        elif key not in self._due:
            return
        self._due[key] = self._behind_generator[key] = False
