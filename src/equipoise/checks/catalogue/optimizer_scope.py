"""EQ009: an optimizer holds the wrong parameters."""

from __future__ import annotations

from typing import Any

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

FOREIGN_SHARE = 0.01  # beyond what both networks share; one stray layer is more than this
MISSING_SHARE = 0.01
UNMOVED = 50  # steps of one network in which the other has not moved
SOURCE = "exact: which parameters the optimizers hold (1 % ignores a stray scalar)"
SOURCE_UNREGISTERED = "exact: the graph of the network's output (1 % ignores a stray scalar)"
_REGISTER = Remedy(
    "register-modules",
    "Keep the blocks in `nn.ModuleList` or `nn.ModuleDict` (single weights in `nn.ParameterList`), and build "
    "the optimizer from `network.parameters()` afterwards.",
    "root",
    "display-only",
)


@CHECKS.register("optimizer-scope")
class OptimizerScope(Check):
    """An optimizer holds parameters of the other network, or none holds some of its own.

    What it does
        Compares the parameters of every optimizer with those of the two networks, and looks for weights
        that a network uses and does not list: blocks kept in a plain Python list or dictionary.

    Why it is bad
        If the generator's optimizer also holds the discriminator, the generator's step makes the
        discriminator worse instead of the generator better: its loss falls to zero at once. Parameters that
        no optimizer holds stay as they were initialised.

    Evidence and threshold
        Error: an optimizer of one player holds more than 1 % of the other network's parameters (beyond
        parameters that both networks share), while another optimizer holds that network too; or two
        optimizers hold all of one network and none holds the other, which has not moved in 50 steps; exact
        comparisons. Warning: a single optimizer for both networks; or more than 1 % of a network's trainable
        parameters in no optimizer although others of them are; or weights in a list, tuple or dictionary of
        a network, that are registered in neither network and held by no optimizer, though the network's own
        output was computed from them (exact, by its graph), when the network has an optimizer; after 50
        steps, or before training. 1 % of the listed weights is left to stray scalars.

    What else it could be
        - A single step for both by gradient reversal: silent where what arrives at the generator's output is
          seen to be the opposite of what the discriminator sent.
        - A deliberately shared encoder: shared parameters are allowed.
        - One optimizer over several generators (CycleGAN): parameters that belong to neither network are
          ignored.
        - Layers that are frozen on purpose: parameters without `requires_grad` that were never seen with a
          gradient are not counted. (Loops that switch it on for a backward pass only are seen through.)
        - A list that refers to another network (the discriminator, an average, a loss network): its weights
          have no part in the output.

    Remedies
        Build each optimizer from `network.parameters()` of its own network, after the network is complete.
        Keep blocks in `nn.ModuleList` or `nn.ModuleDict`, single weights in `nn.ParameterList`.

    References
        - https://github.com/soumith/ganhacks/issues/29 (the generator's optimizer also updates the
          discriminator)
        - PyTorch's documentation of `nn.ModuleList`
    """

    code = "EQ009"
    name = "optimizer-scope"
    kinds = ("preflight", "passive")
    signals = ()
    facts = (
        "optimizers",
        "shared.parameters",
        "generator.parameters",
        "discriminator.parameters",
        "generator.unregistered",
        "discriminator.unregistered",
        "generator.gradient_reversed",
    )
    stage = "wiring"
    explains = (
        *SYMPTOMS,
        "frozen-network",
        "stale-gradients",
        "adversarial-weight-imbalance",
        "d-objective-sign",
        "undetached-fakes",
    )
    remedies = (
        Remedy(
            "scope-optimizers",
            "Give each optimizer the parameters of its own network only, and all of them.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        optimizers: list[dict[str, Any]] = observations.fact("optimizers", [])
        return (
            self._foreign(observations, optimizers)
            or self._exchanged(observations, optimizers)
            or self._missing(optimizers)
            or self._unregistered(observations, optimizers)
        )

    def _exchanged(self, observations: Observations, optimizers: list[dict[str, Any]]) -> Finding | None:
        """Two optimizers hold all of one network and none the other: one was given the wrong parameters."""
        for player, other in (("generator", "discriminator"), ("discriminator", "generator")):
            whole = [one for one in optimizers if _share(one, other) >= 1 - MISSING_SHARE]
            if len(whole) < 2 or any(_share(one, player) > 0 for one in optimizers):
                continue
            steps = observations.updates.get(other, 0)
            if observations.updates.get(player, 0) > 0 or steps < UNMOVED:
                continue
            return self.finding(
                "error",
                0.95,
                f"{len(whole)} optimizers hold the whole {other} and none holds the {player}, which has not "
                f"moved in {steps:,} steps of the {other}: the {player}'s optimizer was given the {other}'s "
                "parameters.",
                evidence=(
                    Measurement(
                        "optimizers",
                        float(len(whole)),
                        2.0,
                        "at least",
                        SOURCE,
                        f"optimizers that hold all of the {other}'s parameters, and none of the {player}'s",
                    ),
                ),
                because=(
                    Alternative(
                        f"a {player} that is kept as it is on purpose",
                        "unlikely",
                        f"then nobody needs a second optimizer for the {other}",
                    ),
                ),
                since=0,
            )
        return None

    def _foreign(self, observations: Observations, optimizers: list[dict[str, Any]]) -> Finding | None:
        for optimizer in optimizers:
            player = optimizer.get("player")
            if player not in ("generator", "discriminator"):
                shares = [_share(optimizer, which) for which in ("generator", "discriminator")]
                if len(optimizers) > 1 or min(shares) <= MISSING_SHARE:
                    continue
                return self._single(observations, optimizer, shares)
            other = "discriminator" if player == "generator" else "generator"
            total = observations.fact(f"{other}.parameters", 0) or 0
            shared = (observations.fact("shared.parameters", 0) or 0) / total if total else 0.0
            held = _share(optimizer, other)
            if held <= shared + FOREIGN_SHARE:
                continue
            if len(optimizers) == 1:
                return self._single(observations, optimizer, [_share(optimizer, player), held])
            return self.finding(
                "error",
                0.97,
                f"The {player}'s optimizer ({optimizer.get('type', 'optimizer')}) also holds {held:.0%} of "
                f"the {other}'s "
                f"parameters: each step of the {player} also trains the {other} on the wrong loss.",
                evidence=(
                    Measurement(
                        "optimizers",
                        held,
                        shared + FOREIGN_SHARE,
                        "above",
                        SOURCE,
                        f"share of the {other}'s parameters in the {player}'s optimizer",
                    ),
                ),
                because=(
                    Alternative(
                        "an encoder that both networks share",
                        "ruled out",
                        f"they share {shared:.0%} of the {other}'s parameters",
                    ),
                ),
                since=0,
            )
        return None

    def _single(
        self, observations: Observations, optimizer: dict[str, Any], shares: list[float]
    ) -> Finding | None:
        if observations.fact("generator.gradient_reversed"):
            return None
        return self.finding(
            "warning",
            0.75,
            f"One optimizer ({optimizer.get('type', 'optimizer')}) holds both networks ({shares[0]:.0%} and "
            f"{shares[1]:.0%} of their parameters): each player's step also moves the other.",
            evidence=(
                Measurement(
                    "optimizers",
                    min(shares),
                    FOREIGN_SHARE,
                    "above",
                    SOURCE,
                    "smaller of the two shares of parameters in the one optimizer",
                ),
            ),
            because=(
                Alternative(
                    "a single step for both by gradient reversal",
                    "open" if observations.source == "preflight" else "unlikely",
                    "where the gradient is turned round between the networks, this is right; it shows while "
                    "the loop runs, and was not seen",
                ),
            ),
            since=0,
        )

    def _missing(self, optimizers: list[dict[str, Any]]) -> Finding | None:
        for player in ("generator", "discriminator"):
            covered = sum(_share(optimizer, player) for optimizer in optimizers)
            # No share at all: the optimizer may be made later; `frozen-network` sees a network that never
            # moves.
            if covered == 0 or 1 - covered <= MISSING_SHARE:
                continue
            return self.finding(
                "warning",
                0.8,
                f"{1 - covered:.0%} of the {player}'s trainable parameters are in no optimizer and stay as "
                "initialised.",
                evidence=(
                    Measurement(
                        "optimizers",
                        1 - covered,
                        MISSING_SHARE,
                        "above",
                        SOURCE,
                        f"share of the {player}'s trainable parameters in no optimizer",
                    ),
                ),
                because=(
                    Alternative(
                        "layers that are frozen on purpose",
                        "unlikely",
                        "they have `requires_grad` or receive gradients; turn it off where that is meant",
                    ),
                ),
                since=0,
            )
        return None

    def _unregistered(self, observations: Observations, optimizers: list[dict[str, Any]]) -> Finding | None:
        """Weights that are used and not listed, so that no optimizer was given them."""
        for player in ("generator", "discriminator"):
            entry = observations.fact(f"{player}.unregistered") or {}
            hidden, places = int(entry.get("parameters") or 0), list(entry.get("places") or ())
            listed = int(observations.fact(f"{player}.parameters", 0) or 0)
            # Without an optimizer of the player's it is not known what it will hold.
            if not any(_share(optimizer, player) > 0 for optimizer in optimizers):
                continue
            if observations.source != "preflight" and observations.updates.get(player, 0) < UNMOVED:
                continue  # an optimizer of their own may step later
            share = hidden / (hidden + listed) if hidden else 0.0
            if share <= MISSING_SHARE:
                continue
            where = ", ".join(f"`{place}`" for place in places[:4])
            return self.finding(
                "warning",
                0.85,
                f"{share:.0%} of the {player}'s weights are in {where}, a plain Python list or dictionary "
                "that `parameters()` does not see: its output comes from them, and no optimizer holds them.",
                evidence=(
                    Measurement(
                        f"{player}.unregistered",
                        share,
                        MISSING_SHARE,
                        "above",
                        SOURCE_UNREGISTERED,
                        f"share of the weights that the {player} uses and does not list",
                    ),
                ),
                because=(
                    Alternative(
                        "a list that refers to another network",
                        "ruled out",
                        f"the {player}'s output descends from these weights",
                    ),
                    Alternative(
                        "a pretrained part that is hidden and kept as it is on purpose",
                        "open",
                        "then turn its `requires_grad` off",
                    ),
                ),
                since=0,
                remedies=(_REGISTER,),
            )
        return None


def _share(optimizer: dict[str, Any], player: str) -> float:
    return float(optimizer.get(f"{player}_share") or 0.0)
