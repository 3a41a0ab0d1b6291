"""How large a learning rate is next to the weights that it moves, and where it threw them."""

from __future__ import annotations

import numpy as np

from equipoise.history.observations import Observations

EXTREME_RATE = 0.05
LARGEST_UPDATE = 0.1
RESTS = 1e-8  # as in frozen-network


def usual_size(observations: Observations, player: str) -> float:
    """The median, over layers, of the standard deviation usual for a fan-in; 0 if no layer is known.

    A step of an adaptive method moves a weight by about the rate. With few inputs to a layer, as on data of
    two dimensions, weights of the order of one are usual, and rates that would throw a wide layer away.
    """
    layers = observations.fact(f"{player}.initialisation") or []
    usual = [layer["expected_std"] for layer in layers if layer.get("expected_std")]
    return float(np.median(usual)) if usual else 0.0


def threw_to_rest(observations: Observations) -> bool:
    """Whether steps at a huge rate threw the pair to where no gradient is: one moved, and rests now."""
    rates = {
        one["player"]: float(one.get("learning_rate") or 0.0)
        for one in observations.fact("optimizers") or []
        if one.get("player") in ("generator", "discriminator")
    }
    updates = {player: observations.series(f"update.{player}").finite() for player in rates}
    thrown = [player for player, rate in rates.items() if rate >= EXTREME_RATE]
    return any(updates[player].largest() > LARGEST_UPDATE for player in thrown) and any(
        update.last < RESTS < update.largest() for update in updates.values()
    )
