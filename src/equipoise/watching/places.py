"""What both players ask of the same places of a score map, where a sample is real in parts.

A generator that completes samples (GAIN) is judged value by value: its own values and the observed ones stand
in one map of scores, and masks in both losses say which is which. No batch of reals shows which way is real,
but the places do: those that the generator's loss pushes are its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.watching.passes import Part

# Of the places; with the same batch in both steps it is all of them.
_NEARLY_ALL = 0.95
_FEWEST = 8


class Places:
    """Counts the steps in which the players push the generator's own places apart, and together.

    Attributes:
        counts: [steps in which they were pushed opposite ways, steps in which both pushed them one way].
    """

    def __init__(self) -> None:
        self.counts = [0, 0]
        self._asked: list[Tensor] = []

    def discriminator_step(self, parts: Sequence[Part]) -> None:
        """The parts of a step in which scores of one call were pushed both ways; none otherwise."""
        self._asked = [slope for part in parts if (slope := part.slope) is not None]

    def generator_step(self, parts: Sequence[Part]) -> None:
        """Compare with what the discriminator's last step asked."""
        for part in parts:
            slope = part.slope
            for asked in self._asked:
                if slope is not None and slope.shape == asked.shape:
                    way = _way(slope, asked)
                    if way:
                        self.counts[way > 0] += 1
        self._asked = []


def _way(own: Tensor, asked: Tensor) -> int:
    """+1 if both push the generator's places one way, -1 if opposite ways, 0 if that cannot be told.

    The places that the generator's loss leaves alone must be pushed the other way by the discriminator's:
    so the masks are those of one batch.
    """
    pushed, alone = own != 0, (own == 0) & (asked != 0)
    if int(pushed.sum()) < _FEWEST or int(alone.sum()) < _FEWEST:
        return 0
    direction = torch.sign(own[pushed].sum())
    same = float((torch.sign(asked[pushed]) == direction).float().mean())
    rest = float((torch.sign(asked[alone]) == direction).float().mean())
    if same >= _NEARLY_ALL and rest <= 1 - _NEARLY_ALL:
        return 1
    return -1 if same <= 1 - _NEARLY_ALL and rest >= _NEARLY_ALL else 0
