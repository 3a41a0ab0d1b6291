"""What is left in `.grad` from before a player's own backward passes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from equipoise.watching import statistics
from equipoise.watching.asked import hands_out
from equipoise.watching.attachment import Problems
from equipoise.watching.foreign import Foreign
from equipoise.watching.optimizers import PLAYERS, Player
from equipoise.watching.unregistered import leaves


class Leftovers:
    """The smallest gradient norm found at the beginnings of the backward passes between two updates.

    A penalty may be sent back on its own, before the scores; gradients may be cleared behind its first pass,
    or behind a backward pass that is another network's. Only what was there at all of these moments is stale.
    """

    def __init__(
        self,
        gradients: Callable[[Player, frozenset[int]], list[Tensor]],
        generator: nn.Module,
        discriminator: nn.Module,
        problems: Problems,
    ) -> None:
        self._gradients = gradients
        self._networks = {"generator": generator, "discriminator": discriminator}
        self._beside: frozenset[int] = frozenset()
        self._followed = False
        self._at_penalty: dict[str, Tensor] = {}
        self._backward = -1
        self.foreign = Foreign(discriminator, problems)
        self.open = False
        self.norms: dict[str, Tensor] = {}

    @property
    def task(self) -> int:
        """The engine's number of the backward pass that reached a score last."""
        return self._backward

    def output(self, value: Tensor) -> None:
        """The generator's own output with its graph; the first one is followed.

        A weight beside the way to it (a policy's spread) may get its gradient before the output does, in the
        very pass that begins there: that is nothing left over.
        """
        if not self._followed and value.grad_fn is not None:
            self._followed = True
            reached = set(leaves(value))
            self._beside = frozenset(
                id(one)
                for one in self._networks["generator"].parameters()
                if one.requires_grad and id(one) not in reached
            )

    def backward(self) -> None:
        """A backward pass reached a score; only the first score of each counts."""
        begun = torch._C._current_graph_task_id()
        if self.open and begun == self._backward:
            return
        self._backward = begun
        self.foreign.backward()
        earlier = self.norms if self.open else self._at_penalty
        self.norms = {player: self._smaller(player, earlier) for player in PLAYERS}
        self.open = True

    def penalty(self) -> None:
        """A gradient penalty is computed, before any score was sent back."""
        if not self.open and not self._at_penalty:
            self._at_penalty = {player: self._smaller(player, {}) for player in PLAYERS}

    def _smaller(self, player: Player, earlier: dict[str, Tensor]) -> Tensor:
        replaced = hands_out(self._networks[player])
        norm = statistics.total_norm([] if replaced else self._gradients(player, self._beside))
        known = earlier.get(player)
        return norm if known is None else torch.minimum(norm, known)

    def added(self) -> Tensor | None:
        """How much the generator's gradient has changed since; None if no backward pass was seen."""
        before = self.norms.get("generator")
        if before is None:
            return None
        return (statistics.total_norm(self._gradients("generator", self._beside)) - before).abs()

    def take(self) -> dict[str, Tensor]:
        """The norms of the update that ends here; counting begins anew."""
        norms = self.norms
        self._clear()
        return norms

    def forget(self) -> None:
        """Begin anew."""
        self._clear()
        self.foreign.forget()

    def _clear(self) -> None:
        self.norms, self._at_penalty, self.open = {}, {}, False
