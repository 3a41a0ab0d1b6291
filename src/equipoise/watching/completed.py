"""Samples that are the generator's in parts: its values pasted into known ones (inpainting, imputation).

out * mask + x * (1 - mask) holds the generator's values unchanged where the mask is one. They are told from
chance by being many different numbers (the black margin of reals and of saturated fakes is one), and far more
than agree with the output of another row (whole numbers meet by chance); from values that the generator only
hands on by not standing at the same place of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Different numbers that agree, at least, and their share of all places that agree.
_DIFFERENT, _SHARE = 8, 0.5
_BEYOND_CHANCE = 10


def own_values(samples: Tensor, output: Tensor, inputs: Sequence[Tensor]) -> Tensor | None:
    """Which values of samples are the output's own; None if the samples do not show that they are its.

    Args:
        samples: what the discriminator was given, in the output's shape.
        output: what the generator returned.
        inputs: what the generator was given; what it hands on from there is not its own.

    Example:
        >>> known, made = torch.zeros(2, 16), torch.rand(2, 16)
        >>> mask = torch.arange(16) < 8
        >>> own = own_values(torch.where(mask, made, known), made, [])
        >>> own is not None and bool((own == mask).all())
        True
    """
    if samples.shape != output.shape:
        return None
    own = samples == output
    for given in inputs:
        if (
            given.ndim == output.ndim
            and given.shape[0] == output.shape[0]
            and given.shape[2:] == output.shape[2:]
        ):
            width = min(given.shape[1], output.shape[1])
            own[:, :width] &= output[:, :width] != given[:, :width]
    count = int(own.sum())
    if count == own.numel() or not far_beyond_chance(samples, output, own):
        return None
    return own if len(torch.unique(samples[own])) >= _SHARE * count else None


def far_beyond_chance(one: Tensor, other: Tensor, equal: Tensor) -> bool:
    """Whether two batches agree in many different numbers, and far oftener than other rows do."""
    count = int(equal.sum())
    if count < _DIFFERENT:
        return False
    moved = other.roll(1, 0) if len(other) > 1 else other.flatten(1).roll(1, 1).reshape(other.shape)
    if count <= _BEYOND_CHANCE * int((one == moved).sum()):
        return False
    return len(torch.unique(one[equal])) >= _DIFFERENT


def completed_rows(
    samples: Tensor, output: Tensor, inputs: Sequence[Tensor]
) -> tuple[slice, slice | None] | None:
    """The rows and channels of a batch that an output was pasted into, as `matching_rows` gives them."""
    if samples.ndim != output.ndim or samples.ndim < 2 or not len(samples) or not len(output):
        return None
    if samples.dtype != output.dtype or samples.device != output.device:
        return None
    width, own, count = samples.shape[1], output.shape[1], len(output)
    if samples.shape[2:] != output.shape[2:] or own > width or count > len(samples):
        return None
    channels = [None] if own == width else [slice(width - own, width), slice(0, own)]
    rows = (
        [slice(0, count)]
        if count == len(samples)
        else [slice(0, count), slice(len(samples) - count, len(samples))]
    )
    for place in rows:
        for part in channels:
            view = samples[place] if part is None else samples[place, part]
            # The first row decides cheaply in nearly every case.
            if int((view[0] == output[0]).sum()) and own_values(view, output, inputs) is not None:
                return place, part
    return None
