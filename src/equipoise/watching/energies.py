"""A discriminator that returns a reconstruction: its numbers are no scores, the energy |D(x) - x| is one.

An energy-based discriminator (Zhao et al. 2016, 1609.03126; Berthelot et al. 2017, 1703.10717) is an
autoencoder. What its loss sends back to the reconstruction r of a sample x points along r - x everywhere, or
against it everywhere: dL/dr = c (r - x) for the squared energy, c sign(r - x) for the absolute one. No loss
of scores, one a place, does that.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.watching.passes import Assignment, Part
from equipoise.watching.tree import float32

# Shares of the places: r - x has both signs, and what is sent back has its sign at all or at none.
_MIXED = 0.02
_ALL = 0.99


def energies(assignment: Assignment | None, made: Sequence[Part]) -> dict[str, Tensor]:
    """The signals `energy.*` of a record, where the discriminator returns reconstructions."""
    found = {"real": assignment.real[:1], "fake": assignment.fake[:1]} if assignment is not None else {}
    values: dict[str, Tensor] = {}
    for role, parts in {**found, "generator": list(made[:1])}.items():
        for part in parts:
            answers, samples = float32(part.raw), float32(part.samples)
            if answers.numel() != samples.numel():
                continue
            beyond = answers - samples.reshape(answers.shape).to(answers.device)
            values[f"energy.{role}"] = beyond.abs().mean()
            if part.raw_slope is not None:
                # Exactly zero where nothing, or a term of weight zero, is sent back.
                agreed = (float32(part.raw_slope).sign() * beyond.sign()).flatten()
                told = (agreed != 0).sum()
                values[f"energy.pull.{role}"] = agreed.sum() / told.clamp(min=1)
    return values


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
