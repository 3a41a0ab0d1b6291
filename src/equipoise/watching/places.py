"""What both players ask of the same places of a score map, where a sample is real in parts.

A generator that completes samples (GAIN) is judged value by value: its own values and the observed ones stand
in one map of scores, and masks in both losses say which is which. No batch of reals shows which way is real,
but the places do: those that the generator's loss pushes are its own. In the discriminator's step its own are
those whose values are the generator's, or, with one batch for both steps, the same places.
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
        self._asked: list[tuple[Tensor, Tensor | None]] = []

    def discriminator_step(self, parts: Sequence[Part]) -> None:
        """The parts of a step in which scores of one call were pushed both ways; none otherwise."""
        self._asked = [(slope, _made(part, slope)) for part in parts if (slope := part.slope) is not None]

    def generator_step(self, parts: Sequence[Part]) -> None:
        """Compare with what the discriminator's last step asked."""
        for part in parts:
            slope = part.slope
            for asked, made in self._asked:
                if slope is not None and slope.shape[1:] == asked.shape[1:]:
                    way = _way_of_made(slope, asked, made) if made is not None else _way(slope, asked)
                    if way:
                        self.counts[way > 0] += 1
        self._asked = []


def _made(part: Part, slope: Tensor) -> Tensor | None:
    """Which values of completed samples are the generator's; None where that does not show.

    Something else, such as a hint, may stand before or behind the samples.
    """
    if part.owner.call is None:
        return None
    output, samples = part.owner.call.output(part.owner.output_path), part.samples
    if output.ndim < 2 or len(output) != len(samples):
        return None
    output, samples = output.flatten(1), samples.flatten(1)
    width = output.shape[1]
    if output.shape != slope.shape or samples.shape[1] < width:
        return None
    for place in (slice(0, width), slice(samples.shape[1] - width, None)):
        made = samples[:, place] == output
        if _FEWEST <= int(made.sum()) <= made.numel() - _FEWEST:
            return made
    return None


def _way_of_made(own: Tensor, asked: Tensor, made: Tensor) -> int:
    """As `_way`, where it is known which values the discriminator's step asked about are the generator's."""
    pushed = own != 0
    if int(pushed.sum()) < _FEWEST:
        return 0
    return _verdict(torch.sign(own[pushed].sum()), asked[made], asked[~made])


def _way(own: Tensor, asked: Tensor) -> int:
    """+1 if both push the generator's places one way, -1 if opposite ways, 0 if that cannot be told.

    The places that the generator's loss leaves alone must be pushed the other way by the discriminator's:
    so the masks are those of one batch.
    """
    if own.shape != asked.shape:
        return 0
    pushed, alone = own != 0, (own == 0) & (asked != 0)
    if int(pushed.sum()) < _FEWEST or int(alone.sum()) < _FEWEST:
        return 0
    return _verdict(torch.sign(own[pushed].sum()), asked[pushed], asked[alone])


def _verdict(direction: Tensor, generated: Tensor, observed: Tensor) -> int:
    """+1 if the discriminator pushes generated values this way and observed ones the other; -1 if not."""
    same, rest = (float((torch.sign(slopes) == direction).float().mean()) for slopes in (generated, observed))
    if same >= _NEARLY_ALL and rest <= 1 - _NEARLY_ALL:
        return 1
    return -1 if same <= 1 - _NEARLY_ALL and rest >= _NEARLY_ALL else 0
