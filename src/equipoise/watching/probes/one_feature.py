"""Does one trivial number tell real from fake?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.forms import Form
from equipoise.watching.probes.material import ROWS, Material, ProbeSkipped
from equipoise.watching.statistics import auc, best_lattice

_FEWEST = 16
_ON_LATTICE = 0.9
_TOLERANCE = 1e-3


@PROBES.register("one-feature")
class OneFeature(Probe):
    """The AUC of six numbers of a sample: smallest, largest, mean, spread, share on a lattice, share
    negative.

    Measured as it is, after the fakes were mapped to the reals' mean and spread, and after noise as wide as
    one step of the reals' lattice was added to both. Where the reals lie on no lattice the last is the first.
    The loop's own discriminator is asked under that noise too: what it still tells apart, it tells without
    the lattice.
    """

    name = "one-feature"

    def measure(self, material: Material) -> dict[str, float]:
        reals = material.reals.cpu()
        fakes = material.fake_samples(min(ROWS, len(reals))).cpu().float()
        count = min(len(reals), len(fakes))
        if count < _FEWEST:
            raise ProbeSkipped(f"fewer than {_FEWEST} different reals and fakes were seen")
        reals, fakes = reals[:count].flatten(1), fakes[:count].flatten(1)
        lattice, share = best_lattice(reals)
        plain = [separation(*pair) for pair in zip(features(reals, lattice), features(fakes, lattice))]
        feature = max(range(len(plain)), key=lambda index: plain[index])
        matched = (fakes - fakes.mean()) / fakes.std().clamp(min=1e-12) * reals.std() + reals.mean()
        noisy_reals, noisy_fakes = reals, fakes
        if share >= _ON_LATTICE:
            random = torch.Generator().manual_seed(0)
            noisy_reals, noisy_fakes = (
                batch + (torch.rand(batch.shape, generator=random) - 0.5) / lattice[0]
                for batch in (reals, fakes)
            )
        return {
            "auc": plain[feature],
            "feature": float(feature),
            "auc.matched": _best(reals, matched, lattice),
            "auc.dequantised": _best(noisy_reals, noisy_fakes, lattice),
            "auc.own.dequantised": _own(material, 1 / lattice[0]) if share >= _ON_LATTICE else math.nan,
        }


def _own(material: Material, step: float) -> float:
    """The AUC of the loop's discriminator with uniform noise of the width `step` on reals and fakes."""
    sign, random = material.orientation, torch.Generator().manual_seed(1)
    if not math.isfinite(sign):
        return math.nan
    discriminator = material.discriminator()

    def scores(form: Form, samples: Tensor) -> Tensor:
        noise = (torch.rand(samples.shape, generator=random) - 0.5) * step
        return sign * material.score(discriminator, form, samples + noise.to(samples)).mean(dim=1)

    reals = [scores(form, form.samples.float()) for form in material.forms]
    fakes = [scores(batch.form, batch.samples) for batch in material.fakes(sum(map(len, reals)))]
    return float(auc(torch.cat(reals), torch.cat(fakes)))


def features(samples: Tensor, lattice: tuple[float, float]) -> list[Tensor]:
    """The six numbers of each row of flat samples."""
    steps = samples * lattice[0] + lattice[1]
    on = ((steps - steps.round()).abs() <= _TOLERANCE * max(lattice[0] / 255.0, 1.0)).float().mean(dim=1)
    return [
        samples.amin(dim=1),
        samples.amax(dim=1),
        samples.mean(dim=1),
        samples.std(dim=1, correction=0),
        on,
        (samples < 0).float().mean(dim=1),
    ]


def separation(first: Tensor, second: Tensor) -> float:
    """|AUC - 1/2| + 1/2: 0.5 if the two cannot be told apart, 1 if they can."""
    return abs(float(auc(first, second)) - 0.5) + 0.5


def _best(first: Tensor, second: Tensor, lattice: tuple[float, float]) -> float:
    return max(separation(*pair) for pair in zip(features(first, lattice), features(second, lattice)))
