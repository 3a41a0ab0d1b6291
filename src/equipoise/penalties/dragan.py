"""DRAGAN: unit slope in a neighbourhood of the real samples."""

from __future__ import annotations

from torch import Tensor

from equipoise.layers.gather import gather_with_gradient
from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradient_penalty import slope_penalty
from equipoise.penalties.gradients import input_gradient, normal, norms, pack_of, required_random
from equipoise.validation import Interval, validated


def spread(samples: Tensor) -> Tensor:
    """The standard deviation of all values of a batch that is spread over processes in equal parts.

    Example:
        >>> import torch
        >>> spread(torch.tensor([[0.0, 2.0], [0.0, 2.0]])).item()
        1.0
    """
    mean = gather_with_gradient(samples.mean().reshape(1)).mean()
    return gather_with_gradient((samples - mean).square().mean().reshape(1)).mean().sqrt()


@PENALTIES.register("dragan")
class Dragan(Penalty):
    """``weight * E (||grad D(x + delta)|| - target)^2`` with delta ~ N(0, (perturbation * s)^2 I).

    s is the standard deviation of all values of the real batch, of all processes together. The paper's
    variance of about 10 (recalled, not verified) belongs to its own data range and must be retuned for each;
    a noise relative to the data needs no retuning. The slope is bounded near the data only, so this is no
    Lipschitz constraint for a Wasserstein loss.

    Args:
        weight: the coefficient lambda; 10 in the paper.
        target: the slope aimed at; 1 in the paper.
        perturbation: the noise's standard deviation in units of the data's.
        every: apply it every so many steps, rescaled (lazy regularisation).

    Source: Kodali et al. 2017, "On convergence and stability of GANs" (DRAGAN), section 2.3; the relative
    noise follows the authors' published code in spirit, not in letter.

    Example:
        >>> Dragan().weight
        10.0
    """

    name = "dragan"
    differentiates_twice = True

    @validated(
        weight=Interval(float, 0),
        target=Interval(float, 0),
        perturbation=Interval(float, 0, low_open=True),
        every=Interval(int, 1),
    )
    def __init__(
        self, weight: float = 10.0, target: float = 1.0, perturbation: float = 0.5, every: int = 1
    ) -> None:
        super().__init__(every)
        self.weight = float(weight)
        self.target = float(target)
        self.perturbation = float(perturbation)

    def discriminator_term(self, context: StepContext) -> Tensor:
        real = context.real.detach()
        noise = normal(tuple(real.shape), real, required_random(context, self.name))
        perturbed = real + self.perturbation * spread(real) * noise
        gradient = input_gradient(context.discriminator, perturbed, context.labels)
        return self.weight * slope_penalty(norms(gradient, pack_of(context.discriminator)), self.target)
