"""A discriminator that returns a reconstruction: its numbers are no scores, the energy |D(x) - x| is one.

An energy-based discriminator (Zhao et al. 2016, 1609.03126; Berthelot et al. 2017, 1703.10717) is an
autoencoder. What its loss sends back to the reconstruction r of a sample x points along r - x everywhere, or
against it everywhere: dL/dr = c (r - x) for the squared energy, c sign(r - x) for the absolute one. No loss
of scores, one a place, does that.
"""

from __future__ import annotations

import torch

from equipoise.watching.passes import Part
from equipoise.watching.tree import float32

# Shares of the places: r - x has both signs, and what is sent back has its sign at all or at none.
_MIXED = 0.02
_ALL = 0.99


def reconstructs(part: Part) -> bool:
    """Whether the answers behind a part are reconstructions of its samples, by what was sent back to them.

    False where nothing was sent back.
    """
    answers, slopes, samples = part.raw, part.raw_slope, part.samples
    if slopes is None or answers.shape[1:].numel() < 2 or answers.numel() != samples.numel():
        return False
    beyond = float32(answers) - float32(samples).reshape(answers.shape).to(answers.device)
    sent = float32(slopes)
    told = (sent != 0) & (beyond != 0)
    along = ((sent > 0) == (beyond > 0)) & told
    count = told.sum().clamp(min=1)
    shares = torch.stack([(told & (beyond > 0)).sum() / count, along.sum() / count, told.float().mean()])
    above, same, known = shares.tolist()
    return known > 0 and _MIXED < above < 1 - _MIXED and (same >= _ALL or same <= 1 - _ALL)
