"""How much could each player still gain if the other stood still?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.descent import Adam, trainable
from equipoise.watching.probes.material import Game, Material, ProbeSkipped
from equipoise.watching.probes.payoff import Payoff

_RATE = 1e-3
_LOOKS = 5
_SMALL = 64  # values a sample, up to which many steps cost little


@PROBES.register("duality-gap")
class DualityGap(Probe):
    """The duality gap of the fitted family's game, estimated by a few steps on copies.

        max over D' of M(G, D') - min over G' of M(G', D),    M = -L_D

    (Grnarova et al. 2019, 1811.05512). Each player is trained alone against the other as it stands, on one
    batch, and judged on another one at five points of the way, the start among them, so no gain is negative.
    A few steps
    estimate the gap too low: compare it over a run, not between runs.
    """

    name = "duality-gap"

    def measure(self, material: Material) -> dict[str, float]:
        if not math.isfinite(material.orientation):
            raise ProbeSkipped("it is not known which direction of the score means real")
        payoff = Payoff(material.facts, material.sigmoid)
        vectors = material.reals[0].numel() <= _SMALL
        rows, steps = (64, 50) if vectors else (24, 10)
        training, judging = material.games(rows)

        def value(game: Game, generator: nn.Module, discriminator: nn.Module) -> Tensor:
            real, fake = material.play(game, generator, discriminator)
            return -payoff.discriminator(real, fake)

        generator, discriminator = material.generator(), material.discriminator()
        start, highest = _best(
            lambda: -value(training, generator, discriminator),
            lambda: -value(judging, generator, discriminator),
            trainable(discriminator),
            steps,
        )
        # The copies are refreshed in place: the trained discriminator is as it was.
        generator, discriminator = material.generator(), material.discriminator()
        begin, lowest = _best(
            lambda: value(training, generator, discriminator),
            lambda: value(judging, generator, discriminator),
            trainable(generator),
            steps,
        )
        won, lost = start - highest, begin - lowest
        return {"gap": won + lost, "discriminator.gain": won, "generator.gain": lost, "steps": float(steps)}


def _best(
    loss: Callable[[], Tensor], judged: Callable[[], Tensor], parameters: Sequence[nn.Parameter], steps: int
) -> tuple[float, float]:
    """The judged loss at the start and the lowest one on the way down."""
    optimizer = Adam(parameters, _RATE)
    looks = {round(step * steps / _LOOKS) for step in range(1, _LOOKS + 1)}
    with torch.no_grad():
        first = best = float(judged())
    for step in range(1, steps + 1):
        optimizer.step(loss())
        if step in looks:
            with torch.no_grad():
                now = float(judged())
            best = min(best, now) if math.isfinite(now) else best
    return first, best
