"""At which station does the generator's gradient die: the loss, the discriminator, the generator?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.forms import Form
from equipoise.watching.probes.material import Material, ProbeSkipped
from equipoise.watching.probes.payoff import Payoff
from equipoise.watching.statistics import root_mean_square, sample_norms

_ROWS = 32
_WEIGHT_LAYERS = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)


@PROBES.register("gradient-anatomy")
class GradientAnatomy(Probe):
    """The three stations of the way back, each by itself.

    The loss's slope is that of the fitted family at the scores of fresh fakes, scaled as the loop scales its
    loss. The steepness is |ds/dx| (summed over a sample's patches). The generator's part is the gradient that
    its first and its last weight layer get when a gradient of norm one arrives at its output, in the
    direction the discriminator sends it; layers are ordered by their use.
    """

    name = "gradient-anatomy"

    def measure(self, material: Material) -> dict[str, float]:
        batch = material.fakes(_ROWS)[0]
        rows = min(_ROWS, len(batch.samples))
        fakes, form = batch.samples[:rows], batch.form.first(rows)
        discriminator = material.discriminator()
        score, slopes = steepness(material, discriminator, form, fakes)
        values = {"steepness": float(root_mean_square(sample_norms(slopes)))}
        values |= self._beside(material, discriminator, form, fakes)
        values |= self._loss(material, discriminator, score)
        values |= self._generator(material)
        return values

    def _beside(
        self, material: Material, discriminator: nn.Module, form: Form, fakes: Tensor
    ) -> dict[str, float]:
        try:
            reals = material.reals.to(fakes.device)
        except ProbeSkipped:
            return {}
        if reals.shape[1:] != fakes.shape[1:]:
            return {}
        count = min(len(reals), len(fakes))
        _, at_reals = steepness(material, discriminator, form, reals[:count])
        _, between = steepness(material, discriminator, form, (reals[:count] + fakes[:count]) / 2)
        return {
            "steepness.real": float(root_mean_square(sample_norms(at_reals))),
            "steepness.between": float(root_mean_square(sample_norms(between))),
        }

    def _loss(self, material: Material, discriminator: nn.Module, score: Tensor) -> dict[str, float]:
        if not math.isfinite(material.orientation):
            return {}
        try:
            payoff = Payoff(material.facts, material.sigmoid)
        except ProbeSkipped:
            return {}
        oriented = score.detach() * material.orientation
        beside = None
        if payoff.objective.facts.relative and material.forms:
            form = material.forms[-1]
            beside = material.score(discriminator, form) * material.orientation
        reference = torch.full((8,), payoff.undecided)
        scale = material.loss_scale(payoff)
        return {
            "slope": scale * float(root_mean_square(payoff.slope(oriented, beside))),
            "slope.reference": scale * float(root_mean_square(payoff.slope(reference, reference))),
        }

    def _generator(self, material: Material) -> dict[str, float]:
        generator = material.generator()
        for parameter in generator.parameters():
            if parameter.is_floating_point():
                parameter.requires_grad_(True)
        used: list[nn.Module] = []

        def note(layer: nn.Module, _: Any) -> None:
            if layer not in used:
                used.append(layer)

        handles = [
            part.register_forward_pre_hook(note)
            for part in generator.modules()
            if isinstance(part, _WEIGHT_LAYERS)
        ]
        try:
            samples = material.call(generator, *material.redrawn(_rows(material, _ROWS)))
        except ProbeSkipped:
            return {}
        finally:
            for handle in handles:
                handle.remove()
        weights = [weight for layer in used for weight in _weights(layer)]
        if not weights or not samples.requires_grad:
            return {}
        direction = self._direction(material, samples.detach())
        gradients = torch.autograd.grad(samples, weights, direction.to(samples), allow_unused=True)
        norms = [float(gradient.norm()) for gradient in gradients if gradient is not None]
        if not norms:
            return {}
        return {"jacobian.first": norms[0], "jacobian.last": norms[-1]}

    def _direction(self, material: Material, samples: Tensor) -> Tensor:
        form = (material.forms or [batch.form for batch in material.fakes(1)])[0]
        _, gradient = steepness(material, material.discriminator(), form, samples)
        if not bool(torch.isfinite(gradient).all()) or float(gradient.norm()) == 0:
            gradient = torch.randn(samples.shape, generator=torch.Generator().manual_seed(0))
        return gradient / gradient.norm()


def steepness(
    material: Material, discriminator: nn.Module, form: Form, samples: Tensor
) -> tuple[Tensor, Tensor]:
    """The scores of samples, and ds/dx with the scores of a sample summed over its places."""
    points = samples.detach().clone().requires_grad_()
    score = material.score(
        discriminator, form, points, torch.arange(len(points)) % form.rows, graph=True, seed=0
    )
    (gradient,) = torch.autograd.grad(score.sum(), points)
    return score.detach(), gradient.detach()


def _weights(layer: nn.Module) -> Sequence[Tensor]:
    # Under a parametrisation the weight is computed; what is trained stands beside it.
    own = dict(layer.named_parameters())
    for name in ("weight", "weight_orig", "weight_v", "parametrizations.weight.original"):
        if name in own:
            return [own[name]]
    return [parameter for parameter in own.values() if parameter.ndim > 1][:1]


def _rows(material: Material, rows: int) -> tuple[Any, Any]:
    call = material.calls[0]
    return material.shortened(call, rows)
