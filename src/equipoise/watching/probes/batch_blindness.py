"""Does the discriminator's score of a sample change when the rest of its batch becomes clones of it?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.forms import Form
from equipoise.watching.probes.material import Material

_CLONED = 8
_ROWS = 32


@PROBES.register("batch-blindness")
class BatchBlindness(Probe):
    """Each of eight fakes is judged twice: among reals, and in a batch of nothing but clones of it.

    The fakes are put among reals, not among other fakes, so that the first batch is diverse even when the
    generator has collapsed. Both batches have the same shape, the sample stands in the same row and the
    network's own chance is repeated, so a discriminator that judges each sample alone gives exactly 0.
    """

    name = "batch-blindness"

    def measure(self, material: Material) -> dict[str, float]:
        material.reals  # noqa: B018  skipped without reals
        form = material.forms[-1].first(_ROWS)
        discriminator = material.discriminator()
        fakes = material.fake_samples(_ROWS)[: form.rows].to(form.stored.device)
        shift, clones, among = _shift(material, discriminator, form, fakes)
        shift_real, _, _ = _shift(material, discriminator, form, form.samples.float())
        together = torch.cat(
            [
                material.score(discriminator, form, fakes, torch.arange(len(fakes)), seed=0).mean(dim=1),
                material.score(discriminator, form, seed=0).mean(dim=1),
            ]
        )
        spread = together.std(correction=0)
        return {
            "shift": _share(shift, spread),
            "shift.real": _share(shift_real, spread),
            "clones": float(clones * material.orientation),
            "diverse": float(among * material.orientation),
        }


def _shift(
    material: Material, discriminator: nn.Module, form: Form, candidates: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """RMS change of the score, mean score among clones, mean score among reals."""
    alone, among = [], []
    for row in torch.linspace(0, len(candidates) - 1, min(_CLONED, len(candidates))).long().tolist():
        sample = candidates[row : row + 1]
        batch = form.samples.to(sample.dtype).clone()
        # A real must not be its own neighbour: its row holds it in both batches.
        batch[row] = sample[0]
        among.append(material.score(discriminator, form, batch, seed=0)[row].mean())
        everywhere = torch.full((form.rows,), row)
        copies = sample.expand(form.rows, *sample.shape[1:])
        alone.append(material.score(discriminator, form, copies, everywhere, seed=0)[row].mean())
    change = torch.stack(alone) - torch.stack(among)
    return change.square().mean().sqrt(), torch.stack(alone).mean(), torch.stack(among).mean()


def _share(change: Tensor, spread: Tensor) -> float:
    if float(change) == 0.0:
        return 0.0
    return float(change / spread) if float(spread) > 0 else float("inf")
