"""Which optimizer belongs to whom, and what its settings say."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn
from torch.optim import Optimizer

Player = Literal["generator", "discriminator"]
PLAYERS: tuple[Player, Player] = ("generator", "discriminator")
# An optimizer for both networks at once holds nearly all of each.
_WHOLE = 0.5


class Owners:
    """Assigns optimizers to players by the parameters they hold; optimizers of other models are nobody's."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        self._networks = {"generator": generator, "discriminator": discriminator}
        self._known: weakref.WeakKeyDictionary[Optimizer, tuple[int, tuple[Player, ...]]] = (
            weakref.WeakKeyDictionary()
        )
        # What an optimizer was like outlives it: a loop in a function takes its optimizers with it.
        self._described: dict[int, dict[str, Any]] = {}
        # Parameters that were seen with a gradient. Loops that switch `requires_grad` on for a backward pass
        # only have it off again whenever an optimizer is described.
        self._trained: dict[int, weakref.ref[Tensor]] = {}
        # Identities of all parameters that any optimizer was seen to hold.
        self.held: set[int] = set()
        self._own = {id(one) for network in self._networks.values() for one in network.parameters()}

    @property
    def others_trained(self) -> bool:
        """Whether an optimizer was seen to hold parameters of neither network: an encoder, an embedding."""
        return not self.held <= self._own

    def players(self, optimizer: Optimizer) -> tuple[Player, ...]:
        """The players whose update a step of the optimizer is.

        An optimizer of both networks beside one for each (the information loss of InfoGAN, a joint
        pretraining) is nobody's update: the players' own steps are the others.
        """
        found = self._found(optimizer)
        return () if len(found) == 2 and self._each_has_its_own() else found

    def _each_has_its_own(self) -> bool:
        alone = {found for _, found in self._known.values() if len(found) == 1}
        return len(alone) == 2

    def _found(self, optimizer: Optimizer) -> tuple[Player, ...]:
        count = sum(len(group["params"]) for group in optimizer.param_groups)
        known = self._known.get(optimizer)
        if known is not None and known[0] == count:
            return known[1]
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        self.held |= held
        found = tuple(
            player
            for player in PLAYERS
            if any(id(parameter) in held for parameter in self._networks[player].parameters())
        )
        self._known[optimizer] = (count, found)
        self._note_gradients()
        self._described[id(optimizer)] = describe(optimizer, self._networks, self._is_trained)
        return found

    def _note_gradients(self) -> None:
        for network in self._networks.values():
            for parameter in network.parameters():
                if parameter.grad is not None and not self._is_trained(parameter):
                    self._trained[id(parameter)] = weakref.ref(parameter)

    def _is_trained(self, parameter: Tensor) -> bool:
        known = self._trained.get(id(parameter))
        return known is not None and known() is parameter

    def facts(self) -> list[dict[str, Any]]:
        """One entry for every optimizer seen, as the fact `optimizers` describes."""
        self._note_gradients()
        for optimizer in list(self._known):
            self._described[id(optimizer)] = describe(optimizer, self._networks, self._is_trained)
        entries = [entry for entry in self._described.values() if entry["player"] is not None]
        own = {
            entry["player"]
            for entry in entries
            if min(entry["generator_share"], entry["discriminator_share"]) == 0
        }
        # Beside an optimizer for each player one of both is nobody's; beside one for a single player it is
        # the other player's, with too much in it.
        joint = {2: "both", 1: next((one for one in PLAYERS if one not in own), None)}.get(len(own))
        if joint is None:
            return entries
        return [
            {**entry, "player": joint}
            if min(entry["generator_share"], entry["discriminator_share"]) > _WHOLE
            else entry
            for entry in entries
        ]


def describe(
    optimizer: Optimizer,
    networks: dict[str, nn.Module],
    trained: Callable[[Tensor], bool] = lambda _: False,
) -> dict[str, Any]:
    """Type, settings and shares of an optimizer.

    Args:
        trained: whether a parameter was seen with a gradient, though it need not have `requires_grad` now.
    """
    held = {id(parameter): parameter for group in optimizer.param_groups for parameter in group["params"]}
    shares = {}
    missing = {}
    for player, network in networks.items():
        own = [p for p in network.parameters() if p.requires_grad or trained(p)]
        inside = sum(id(parameter) in held for parameter in network.parameters())
        # Parameters that are frozen for good are nobody's; frozen for this moment, they are held or trained.
        counted = sum(p.requires_grad or id(p) in held or trained(p) for p in network.parameters())
        shares[player] = inside / max(counted, 1)
        missing[player] = sum(id(parameter) not in held for parameter in own)
    known = {id(parameter) for network in networks.values() for parameter in network.parameters()}
    owner = max(shares, key=lambda name: shares[name]) if any(shares.values()) else None
    group = optimizer.param_groups[0]
    betas = group.get("betas")
    return {
        "type": type(optimizer).__name__,
        "player": owner,
        "learning_rate": float(group["lr"]),
        "betas": None if betas is None else [float(beta) for beta in betas],
        "epsilon": group.get("eps"),
        "momentum": group.get("momentum"),
        "weight_decay": group.get("weight_decay"),
        "generator_share": shares["generator"],
        "discriminator_share": shares["discriminator"],
        "foreign": sum(identity not in known for identity in held),
        "missing": missing[owner] if owner else 0,
    }
