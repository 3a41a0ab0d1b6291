"""Does the score of a sample depend on its neighbours in the batch?"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped
from equipoise.watching.statistics import auc

_ROWS = 32
_COUPLED = 1e-3  # of the scores' spread, as in the check
_REPLACED = 8
_ELSEWHERE = 10.0


@PROBES.register("batch-coupling")
class BatchCoupling(Probe):
    """Every second fake of a batch is replaced by a real; the scores of the fakes that stay should stay.

    Of a discriminator that judges packs of samples, every second pack is replaced.

    The same batches give the AUC of reals against fakes in mixed and in separate batches. Conditions stay in
    their rows, and the network's own chance is repeated, so a discriminator that judges each sample alone
    gives 0.

    Where scores move, single samples are replaced too, one at a time: `elsewhere` is the share of them that
    move the score of one other sample more than ten times as much as their own. A statistic of the batch, a
    pack or a comparison with all others always holds the sample itself; a reshape that makes rows of several
    samples does not.
    """

    name = "batch-coupling"

    def measure(self, material: Material) -> dict[str, float]:
        material.reals  # noqa: B018  skipped without reals
        # What is judged together on purpose (a pack) stays together; its neighbours are other packs.
        pack = material.pack
        form = material.forms[-1].first(max(_ROWS // pack, 2) * pack)
        fakes = material.fake_samples(form.rows).to(form.stored.device)
        rows = min(len(fakes), form.rows) // pack * pack
        if rows < max(4, 2 * pack):
            raise ProbeSkipped("fewer than four reals or fakes, or two packs of them, were seen")
        index = torch.arange(rows)
        reals, fakes = form.samples[:rows].float(), fakes[:rows]
        stays = (index // pack % 2 == 0).to(fakes.device)
        discriminator = material.discriminator()

        def score(samples: Tensor) -> Tensor:
            return material.score(discriminator, form, samples, index, seed=0).mean(dim=1)

        shape = (-1, *(1,) * (fakes.ndim - 1))
        mixed = score(torch.where(stays.reshape(shape), fakes, reals))
        alone, real = score(fakes), score(reals)
        change = (mixed - alone)[stays].square().mean().sqrt()
        spread = torch.cat([alone, real]).std(correction=0)
        values = {"change": 0.0 if float(change) == 0 else float(change / spread.clamp(min=1e-12))}
        values["leak"], values["elsewhere"] = math.nan, 0.0
        if values["change"] > _COUPLED:
            values["elsewhere"] = _elsewhere(score, fakes, reals, alone, pack, float(spread))
        if math.isfinite(material.orientation):
            sign = material.orientation
            together = auc(sign * mixed[~stays], sign * mixed[stays])
            apart = auc(sign * real[~stays], sign * alone[stays])
            values["leak"] = float(together - apart)
        return values


def _elsewhere(
    score: Callable[[Tensor], Tensor], fakes: Tensor, reals: Tensor, alone: Tensor, pack: int, spread: float
) -> float:
    """The share of samples (packs) that move another one's score far more than their own."""
    if len(alone) * pack != len(fakes) and len(alone) != len(fakes):
        return 0.0
    wide = pack if len(alone) * pack == len(fakes) else 1
    places = range(0, len(alone), max(len(alone) // _REPLACED, 1))
    found = 0
    for place in places:
        changed = fakes.clone()
        rows = slice(place * wide, (place + 1) * wide)
        changed[rows] = reals[rows]
        moved = (score(changed) - alone).abs()
        own = float(moved[place])
        moved[place] = 0
        largest = float(moved.max())
        found += largest > _COUPLED * spread and largest > _ELSEWHERE * own
    return found / len(places)
