"""Noise that has the form of a sample: a sequence of latents (TimeGAN), a vocoder's noise (PWGAN)."""

from __future__ import annotations

from torch import Tensor

# Fewer values than this show no law.
_LEAST = 128
# The fourth moment of a normal law is 3, of a uniform one 1.8; four standard errors are sqrt(24 / n) each.
_FOURTH = (1.8, 3.0)
_ERRORS = 4.0
# Neighbours of data go together, along one axis at least; in noise they do by chance only.
_TOGETHER = 0.05
# Vectors that come again (embedded words) are data; single values of a coarse float do by chance.
_AGAIN = 0.05


def all_alike(value: Tensor) -> bool:
    """Whether all rows of a batch of two or more are the same.

    Example:
        >>> import torch
        >>> all_alike(torch.zeros(2, 3, 3)), all_alike(torch.zeros(1, 3, 3))
        (True, False)
    """
    return len(value) > 1 and bool((value == value[:1]).all())


def white(value: Tensor) -> bool:
    """Whether values are drawn one by one: a normal or uniform law, neighbours apart along every axis.

    Of a batch whose rows are all the same, one row counts.

    Example:
        >>> import torch
        >>> lot = torch.Generator().manual_seed(0)
        >>> drawn = torch.randn(8, 16, 4, generator=lot)
        >>> white(drawn), white(torch.rand(8, 16, 4, generator=lot)), white(drawn.cumsum(1))
        (True, True, False)
    """
    rows = value.detach().float()
    rows = rows[:1] if all_alike(rows) else rows
    count = rows.numel()
    if count < _LEAST:
        return False
    centred = rows - rows.mean()
    variance = centred.square().mean()
    if not bool(variance > 0):
        return False
    fourth = float(centred.pow(4).mean() / variance.square())
    margin = _ERRORS * (24 / count) ** 0.5
    if not any(abs(fourth - known) < max(0.1, margin * known / 3) for known in _FOURTH):
        return False
    ordered = rows.flatten().sort().values
    if float((ordered[1:] == ordered[:-1]).float().mean()) > _AGAIN:
        return False
    bound = max(_TOGETHER, _ERRORS / count**0.5)
    for axis in range(1, rows.ndim):
        size = rows.shape[axis]
        if size > 1:
            left, right = centred.narrow(axis, 0, size - 1), centred.narrow(axis, 1, size - 1)
            if abs(float((left * right).mean() / variance)) > bound:
                return False
    return True
