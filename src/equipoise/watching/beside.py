"""Pictures as conditions: whose they are, and whether both players' samples stand beside the same ones.

In a loop of pairs (pix2pix, inpainting) the discriminator is given the picture that a fake was made from with
the fake, and the same kind of picture with a real. If one of them is masked, blank or scaled, the condition
alone says which sample is real.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from equipoise.watching.completed import far_beyond_chance
from equipoise.watching.joint import other_channels, others
from equipoise.watching.passes import GeneratorCall, Part

_ROWS = 8
_SAME_FORM = 0.9999
# Of a row's values, so that some are the other's and some are not; of the spread, what rounding is not.
_PART, _ROUNDING = 0.02, 0.01


def pictures_beside(part: Part, channels: slice | None) -> list[Tensor]:
    """What of a picture's form stands beside a part's samples, in other channels or other arguments.

    Args:
        part: samples of one role in one pass of the discriminator.
        channels: those of the generator where something is concatenated with its samples.
    """
    one, found = part.owner, []
    rows = part.rows if part.rows is not None else one.rows
    samples = one.samples
    if channels is not None and samples.ndim > 2:
        found.append(other_channels(samples, channels))
    found += [value for value in others(one) if value.ndim > 2 and len(value) == len(samples)]
    found = [value.detach() if rows is None else value.detach()[rows] for value in found]
    return [value for value in found if value.shape[2:].numel() > 1 and value.shape[1]]


def own_pictures(part: Part, inputs: Iterable[Tensor]) -> list[Tensor]:
    """Shares of fakes that are judged beside the very picture that they were made from.

    One entry for each picture of which all rows are found among those of one of the generator's inputs, in
    whatever order.

    Args:
        part: fakes of one pass.
        inputs: what the generator was given for them.
    """
    shares = []
    given = [value for value in inputs if value.ndim > 2 and value.is_floating_point()]
    for beside in pictures_beside(part, part.owner.channels) if given else ():
        width, some = beside.shape[1], beside[:_ROWS].flatten(1)
        for value in given:
            if value.shape[2:] != beside.shape[2:] or len(value) != len(beside) or value.shape[1] < width:
                continue
            for columns in (value[:, :width], value[:, -width:]):
                rows = columns.detach().flatten(1).to(some)
                same = torch.stack([(rows == row).all(1) for row in some])
                if bool(same.any(1).all()) and not bool(same.all()):
                    shares.append(same.diagonal().float().mean())
    return shares


def alike(real: Part, fake: Part, calls: Iterable[GeneratorCall]) -> bool | None:
    """Whether reals and fakes of one step stand beside the same kind of picture; None if that is not known.

    False where the picture beside the fakes is the one beside the reals, altered: some of its values are
    blanked or replaced, all are scaled; or where one of them is blank and the other one is not.

    Args:
        real, fake: of one step of the discriminator.
        calls: the generator's; a picture that it made itself is no condition.
    """
    channels = fake.owner.channels
    if real.owner.samples.shape[1:] != fake.owner.samples.shape[1:]:
        return None
    pairs = list(zip(pictures_beside(real, channels), pictures_beside(fake, channels)))
    pairs = [(one, other) for one, other in pairs if one.shape == other.shape]
    if not pairs:
        return None
    changed = [pair for pair in pairs if not torch.equal(*pair) and _altered(*pair)]
    return not any(not _made(pair, calls) for pair in changed)


def _altered(one: Tensor, other: Tensor) -> bool:
    blank = [bool((value == value.flatten()[0]).all()) for value in (one, other)]
    if any(blank):
        # Two blanks may differ: one kind of label for all in a step.
        return not all(blank)
    equal = (one == other).flatten(1)
    # Rows that are equal as a whole are the same picture drawn twice.
    share = equal.float().mean(1, keepdim=True)
    partly = (equal & (share > _PART) & (share < 1 - _PART)).reshape(one.shape)
    return far_beyond_chance(one, other, partly) or _scaled(one[:_ROWS].flatten(1), other[:_ROWS].flatten(1))


def _scaled(one: Tensor, other: Tensor) -> bool:
    """Whether each row is the other's by a factor and an offset, and not the same but for rounding."""
    one, other = one.double(), other.double()
    apart = (one - other).square().mean().sqrt()
    first, second = (value - value.mean(1, keepdim=True) for value in (one, other))
    sizes = (first.norm(dim=1) * second.norm(dim=1)).clamp(min=1e-30)
    same_form = ((first * second).sum(1) / sizes > _SAME_FORM).all()
    return bool(same_form & (apart > _ROUNDING * one.std()))


def _made(pair: tuple[Tensor, Tensor], calls: Iterable[GeneratorCall]) -> bool:
    """Whether a channel that differs between the two is one of the generator's outputs (earlier frames)."""
    one, other = pair
    places = [place for place in range(one.shape[1]) if not torch.equal(one[:, place], other[:, place])]
    outputs = [output for call in calls for _, output in call.outputs]
    return any(
        output.ndim == other.ndim
        and output.shape[2:] == other.shape[2:]
        and len(output) == len(other)
        and bool((output == other[:, place, None]).flatten(2).all(2).all(0).any())
        for place in places
        for output in outputs
    )
