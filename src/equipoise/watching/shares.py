"""Samples of shares: one-hot reals, and fakes whose shares add up along another axis than theirs.

A softmax over the wrong axis (the batch, the time, instead of the classes) gives values between 0 and 1 that
add up to one where they should not. The sums are exact on both sides.
"""

from __future__ import annotations

from torch import Tensor

_ROUNDING = 1e-3
# One-hot along an axis of fewer values, or in fewer rows, may be so by chance.
_LEAST_ROWS = 4
# Columns that are looked at for groups of one-hot columns.
_MOST_COLUMNS = 512

Groups = list[tuple[int, int]]


def one_hot_axis(reals: Tensor) -> int | None:
    """The axis of samples (1 or more) along which each place holds a single one; None if there is none.

    Example:
        >>> import torch
        >>> one_hot_axis(torch.eye(3).repeat(4, 2, 1))
        2
    """
    if reals.ndim < 3 or len(reals) < _LEAST_ROWS or not bool(((reals == 0) | (reals == 1)).all()):
        return None
    axes = [
        axis for axis in range(1, reals.ndim) if reals.shape[axis] > 1 and bool((reals.sum(axis) == 1).all())
    ]
    return axes[0] if len(axes) == 1 else None


def one_hot_groups(reals: Tensor) -> Groups:
    """Groups of neighbouring columns, each with a single one in every row, from the left.

    Example:
        >>> import torch
        >>> one_hot_groups(torch.cat([torch.eye(3), torch.rand(3, 1), torch.eye(3)], 1).repeat(2, 1))
        [(0, 3), (4, 7)]
    """
    if reals.ndim != 2 or len(reals) < _LEAST_ROWS or reals.shape[1] > _MOST_COLUMNS:
        return []
    binary = ((reals == 0) | (reals == 1)).all(dim=0).tolist()
    found: Groups = []
    start = 0
    while start < len(binary):
        if not binary[start]:
            start += 1
            continue
        end = start
        while end < len(binary) and binary[end]:
            end += 1
        sums = reals[:, start:end].cumsum(1)
        ones, over = (sums == 1).all(dim=0), (sums > 1).any(dim=0)
        full = [place for place, one in enumerate(ones.tolist()) if one and place]
        if not full or bool(over[: full[0]].any()):
            start += 1
            continue
        found.append((start, start + full[0] + 1))
        start += full[0] + 1
    return found


def other_axis(reals: Tensor, fakes: Tensor) -> bool | None:
    """Whether fakes add up to one along another axis than the one-hot reals do, and not along theirs.

    None where the reals are not one-hot.

    Example:
        >>> import torch
        >>> reals, answers = torch.eye(3).repeat(4, 2, 1), torch.randn(4, 6, 3)
        >>> other_axis(reals, answers.softmax(1)), other_axis(reals, answers.softmax(2))
        (True, False)
    """
    if reals.ndim != fakes.ndim or reals.shape[1:] != fakes.shape[1:]:
        return None
    axis = one_hot_axis(reals)
    if axis is not None:
        return _elsewhere(fakes.float(), axis)
    groups = one_hot_groups(reals)
    if not groups:
        return None
    return any(_elsewhere(fakes[:, start:end].float(), 1) for start, end in groups)


def _elsewhere(values: Tensor, axis: int) -> bool:
    def whole(along: int) -> bool:
        return values.shape[along] > 1 and bool(((values.sum(along) - 1).abs() < _ROUNDING).all())

    if bool((values < 0).any()) or whole(axis):
        return False
    return any(whole(along) for along in range(values.ndim) if along != axis)
