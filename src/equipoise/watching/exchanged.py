"""Whether what the discriminator's step judges as fake is its own batch of reals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass, Part
from equipoise.watching.tree import tensors

_SCORES_ALIKE = 0.05


def reals_as_fakes(real: Sequence[Part], fake: Sequence[Part]) -> Tensor:
    """1 if no fake of a discriminator's step is the generator's and each is the step's real batch, else 0.

    All that was given beside the samples must be equal too: a real with a wrong text is judged as fake on
    purpose. A tensor that is given twice may have been filled anew in between, unseen; its scores tell.
    """
    if not real or not fake or any(part.owner.link is not None or part.owner.tagged for part in fake):
        return torch.tensor(0.0)
    found = [
        _same_half(part, real[0]) if part.owner is real[0].owner else _same(part.owner, real[0].owner)
        for part in fake
    ]
    return torch.stack(found).all().float()


def _same_half(one: Part, other: Part) -> Tensor:
    """The same of two parts of one batch: all that was given a row for a sample is equal in both."""
    samples = one.owner.samples
    if one.rows is None or other.rows is None:
        return torch.tensor(False, device=samples.device)
    given = [
        value.detach()
        for _, value in tensors((one.owner.args, one.owner.kwargs))
        if value.ndim and len(value) == len(samples)
    ]
    halves = [(value[one.rows], value[other.rows]) for value in given]
    if any(len(mine) != len(theirs) for mine, theirs in halves):
        return torch.tensor(False, device=samples.device)
    return torch.stack([(mine == theirs).all() for mine, theirs in halves]).all()


def _same(one: DiscriminatorPass, other: DiscriminatorPass) -> Tensor:
    given, known = (
        [value.detach() for _, value in tensors((each.args, each.kwargs))] for each in (one, other)
    )
    if [value.shape for value in given] != [value.shape for value in known]:
        return torch.tensor(False, device=one.samples.device)
    equal = torch.stack([(mine == theirs).all() for mine, theirs in zip(given, known)]).all()
    if one.samples.data_ptr() != other.samples.data_ptr():
        return equal
    scores, before = one.scores[0].values, other.scores[0].values
    if scores.shape != before.shape:
        return torch.zeros_like(equal)
    return equal & ((scores - before).abs().mean() <= _SCORES_ALIKE * before.std().clamp(min=1e-12))
