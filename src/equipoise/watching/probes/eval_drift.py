"""Does the generator give the same from the same latent in eval mode as in train mode?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped

_BATCHES = 4
_DRAWS = 32


@PROBES.register("eval-drift")
class EvalDrift(Probe):
    """The same calls through the generator in both modes, with its own chance repeated.

    `distance` is the distance between the two sets' means over the mean distance between the means of two
    bootstrap draws of the train-mode set (Efron 1979), so about 1 says that they differ no more than two
    draws do. `change` is sample by sample. `ema` is the distance of an averaged copy in eval mode, if one was
    seen that follows the generator.
    """

    name = "eval-drift"

    def measure(self, material: Material) -> dict[str, float]:
        calls = [material.redrawn(call) for call in material.calls[:_BATCHES]]
        train = _outputs(material, calls, training=True)
        evaluated = _outputs(material, calls, training=False)
        if train.shape != evaluated.shape or len(train) < 4:
            raise ProbeSkipped("fewer than four fakes of one shape")
        spread = train.std(dim=0).square().mean().sqrt()
        change = (train - evaluated).square().mean().sqrt()
        apart = (train.mean(dim=0) - evaluated.mean(dim=0)).norm()
        random = torch.Generator().manual_seed(0)
        noise = []
        for _ in range(_DRAWS):
            rows = torch.randint(0, len(train), (2, len(train)), generator=random)
            noise.append((train[rows[0]].mean(dim=0) - train[rows[1]].mean(dim=0)).norm())
        return {
            "distance": _ratio(apart, torch.stack(noise).mean()),
            "change": _ratio(change, spread),
            "ema": self._average(material, calls, train, torch.stack(noise).mean()),
        }

    def _average(self, material: Material, calls: list[Any], train: Tensor, noise: Tensor) -> float:
        averaged = material.averaged()
        if averaged is None:
            return math.nan
        outputs = _through(material, averaged, calls)
        if outputs.shape != train.shape:
            return math.nan
        return _ratio((outputs.mean(dim=0) - train.mean(dim=0)).norm(), noise)


def _outputs(material: Material, calls: list[Any], *, training: bool) -> Tensor:
    return _through(material, material.generator(training), calls)


def _through(material: Material, generator: nn.Module, calls: list[Any]) -> Tensor:
    found = []
    for seed, call in enumerate(calls):
        torch.manual_seed(seed)
        with torch.no_grad():
            found.append(material.call(generator, *call).float().flatten(1).cpu())
    return torch.cat(found)


def _ratio(value: Tensor, reference: Tensor) -> float:
    if float(value) == 0:
        return 0.0
    return float(value / reference) if float(reference) > 0 else math.inf
