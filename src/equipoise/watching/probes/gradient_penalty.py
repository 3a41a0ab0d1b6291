"""How steep is the critic between reals and fakes, measured right?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped

_ROWS = 64
# A point this far off the segment, in shares of its length, does not lie on it.
_OFF = 0.02


@PROBES.register("gradient-penalty")
class GradientPenalty(Probe):
    """|ds/dx| at points drawn uniformly between a real and a fake (Gulrajani et al. 2017, 1704.00028).

    The norm of a sample (of a pack, where packs are judged) is taken over all its axes. The common mistake,
    the norm over the channel axis alone and the mean over all places, is measured beside it. The points at
    which the loop itself differentiated are compared with the segments between the reals and the fakes of
    that step, row by row.
    """

    name = "gradient-penalty"

    def measure(self, material: Material) -> dict[str, float]:
        reals = material.reals
        batch = next(iter(material.fakes(_ROWS)))
        count = min(_ROWS, len(reals), len(batch.samples))
        pack = material.pack if count >= material.pack else 1
        count -= count % pack
        fakes = batch.samples[:count].to(reals.device)
        if fakes.shape[1:] != reals.shape[1:]:
            raise ProbeSkipped("fakes and reals have different shapes")
        discriminator = material.discriminator()
        random = torch.Generator().manual_seed(0)
        share = torch.rand(count, *(1,) * (reals.ndim - 1), generator=random).to(reals)
        points = (share * reals[:count] + (1 - share) * fakes).detach().requires_grad_()
        score = material.score(discriminator, batch.form, points, torch.arange(count), graph=True)
        (gradient,) = torch.autograd.grad(score.sum(), points)
        # A pack's score stands beside each of its samples, and has one slope over all of them.
        gradient = gradient.float() / pack
        norms = gradient.reshape(count // pack, -1).norm(dim=1)
        values = {
            "norm": float(norms.mean()),
            "norm.std": float(norms.std(correction=0)),
            "norm.pixel": float(gradient.norm(dim=1).mean()),
            "applied": math.nan,
            "applied.outside": math.nan,
        }
        applied = material.penalties
        if applied:
            values["applied"] = float(torch.cat([one.norms for one in applied]).mean())
            places = [
                outside_segment(one.points, one.reals, one.fakes)
                for one in applied
                if one.reals is not None and one.fakes is not None
            ]
            if places:
                values["applied.outside"] = float(torch.cat(places).float().mean())
        return values


def outside_segment(points: Tensor, reals: Tensor, fakes: Tensor) -> Tensor:
    """Which points do not lie on the segment between the real and the fake of their row.

    Example:
        >>> outside_segment(torch.tensor([[0.5], [1.5]]), torch.ones(2, 1), torch.zeros(2, 1)).tolist()
        [False, True]
    """
    start, along = fakes.flatten(1).double(), (reals - fakes).flatten(1).double()
    offset = points.flatten(1).double() - start
    length = along.norm(dim=1).clamp(min=1e-12)
    share = (offset * along).sum(dim=1) / length.square()
    away = (offset - share[:, None] * along).norm(dim=1) / length
    return (away > _OFF) | (share < -_OFF) | (share > 1 + _OFF)
