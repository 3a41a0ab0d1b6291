"""At which generator layer does the variance across the batch disappear?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped

_ROWS = 64
_PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Embedding)


@PROBES.register("layer-variance")
class LayerVariance(Probe):
    """The share of a layer's energy that differs from sample to sample: variance over the batch / mean
    square.

    One batch of fresh latents goes through the generator as the loop trains it; every layer without parts is
    measured in the order of its use, and the generator's own output comes last.
    """

    name = "layer-variance"

    def measure(self, material: Material) -> dict[str, float]:
        generator = material.generator()
        shares: list[float] = []
        call = material.redrawn(material.shortened(material.calls[0], _ROWS))

        def measure(_: nn.Module, __: Any, output: Any) -> None:
            if (
                isinstance(output, Tensor)
                and output.is_floating_point()
                and output.ndim > 1
                and len(output) > 1
            ):
                shares.append(variance_share(output))

        handles = [
            part.register_forward_hook(measure)
            for part in generator.modules()
            if not list(part.children()) and not isinstance(part, _PASSING)
        ]
        try:
            with torch.no_grad():
                samples = material.call(generator, *call)
        finally:
            for handle in handles:
                handle.remove()
        if not shares or len(samples) < 2:
            raise ProbeSkipped("no layer of the generator gave a batch of numbers")
        last = variance_share(samples)
        profile = [*shares, last]
        smallest = min(range(len(profile)), key=lambda index: profile[index])
        return {
            "first": shares[0],
            "smallest": profile[smallest],
            "smallest.depth": smallest / (len(profile) - 1),
            "last": last,
        }


def variance_share(output: Tensor) -> float:
    """Variance over the batch, mean over units, divided by the mean square; 0 for an output of zeros.

    Example:
        >>> variance_share(torch.tensor([[1.0, 1.0], [3.0, 3.0]]))
        0.2
    """
    flat = output.detach().double().flatten(1)
    energy = float(flat.square().mean())
    return float(flat.var(dim=0, correction=0).mean()) / energy if energy > 0 else 0.0
