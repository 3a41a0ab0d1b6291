"""Does the discriminator know its training reals by heart?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import BATCH, Material, ProbeSkipped
from equipoise.watching.statistics import nearest_other, pairwise_distances

_ROWS = 256
# The length of the perturbation, as a share of the median distance of a real to its nearest other real.
_PERTURBATION = 0.05


@PROBES.register("memorisation")
class Memorisation(Probe):
    """The scores of reals from training, of held-out reals, of reals moved a little, and of fresh fakes.

    `gap` is the statistic r_v, `sign` the statistic r_t of Karras et al. 2020 (2006.06676, section 3,
    equation 1), with the boundary of the fitted family. A conditional discriminator cannot be asked about
    held-out reals, because their conditions are not known.
    """

    name = "memorisation"

    def measure(self, material: Material) -> dict[str, float]:
        if not math.isfinite(material.orientation):
            raise ProbeSkipped("it is not known which direction of the score means real")
        discriminator = material.discriminator()
        reals = material.reals[:_ROWS]
        if len(reals) < 8:
            raise ProbeSkipped("fewer than eight different reals were seen")
        seen = material.real_scores(discriminator)[: len(reals)]
        fake = material.fake_scores(discriminator, len(reals)).mean()
        moved = self._moved(material, discriminator, _PERTURBATION * _nearest(reals))
        unseen = self._unseen(material, discriminator)
        span = seen.mean() - fake
        values = {
            "seen": float(seen.mean()),
            "unseen": math.nan if unseen is None else float(unseen.mean()),
            "perturbed": float(moved.mean()),
            "fake": float(fake),
            "gap": math.nan if unseen is None else float((seen.mean() - unseen.mean()) / span),
            "gap.perturbed": float((seen.mean() - moved.mean()) / span),
            "sign": math.nan,
            "accuracy.unseen": math.nan,
        }
        boundary = material.boundary
        if boundary is not None:
            middle = boundary * material.orientation
            values["sign"] = float(torch.sign(seen - middle).mean())
            if unseen is not None:
                values["accuracy.unseen"] = float((unseen > middle).float().mean())
        return values

    def _moved(self, material: Material, discriminator: nn.Module, length: float) -> Tensor:
        random = torch.Generator().manual_seed(0)
        found = []
        for form in material.forms:
            samples = form.samples.float()
            noise = torch.randn(samples.shape, generator=random).to(samples.device)
            norms = noise.flatten(1).norm(dim=1).reshape(-1, *(1,) * (noise.ndim - 1))
            found.append(material.score(discriminator, form, samples + length * noise / norms).mean(dim=1))
        together = torch.cat(found)
        return together[material.distinct.to(together.device)][:_ROWS] * material.orientation

    def _unseen(self, material: Material, discriminator: nn.Module) -> Tensor | None:
        held_out, form = material.held_out, material.forms[0]
        if held_out is None or not len(held_out) or form.conditional:
            return None
        if held_out.shape[1:].numel() != form.samples.shape[1:].numel():
            return None
        rows = min(form.rows, BATCH)
        # Whole batches of the loop's size, so that batch norm sees what it is used to.
        batches = [batch for batch in held_out[:_ROWS].split(rows) if len(batch) == rows] or [held_out]
        found = [
            material.score(discriminator, form, batch.float(), torch.arange(len(batch)) % form.rows)
            for batch in batches
        ]
        return torch.cat(found).mean(dim=1) * material.orientation


def _nearest(reals: Tensor) -> float:
    distances = nearest_other(pairwise_distances(reals, reals))
    return float(distances[distances > 0].median()) if bool((distances > 0).any()) else 0.0
