"""The gradient penalty of WGAN-GP: unit slope between the real and the fake samples."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu

from equipoise.errors import EquipoiseError
from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradients import (
    input_gradient,
    norms,
    pack_of,
    require_whole_packs,
    required_random,
    uniform,
)
from equipoise.validation import Interval, OneOf, validated


def slope_penalty(norm: Tensor, target: float = 1.0, sided: str = "two") -> Tensor:
    """``E (n - target)^2``, or with `sided` "one" ``E max(0, n - target)^2``, of per-sample norms (N,).

    Example:
        >>> slopes = torch.tensor([0.0, 3.0])
        >>> slope_penalty(slopes).item(), slope_penalty(slopes, sided="one").item()
        (2.5, 2.0)
    """
    excess = norm - target
    return (relu(excess) if sided == "one" else excess).square().mean()


@PENALTIES.register("gradient-penalty")
class GradientPenalty(Penalty):
    """``weight * E (||grad D(u)|| - target)^2`` with u drawn uniformly on the lines from fakes to reals.

    One u for each sample (for each pack of a packed discriminator, along the line between the packs), the
    norm over all axes but the batch. A conditional discriminator is given the label of the nearer end of the
    line, which is *the* label when both ends share it. Batch norm in the discriminator contradicts the
    penalty, because then one sample's gradient is not its own.

    Args:
        weight: the coefficient lambda; 10 in the paper.
        target: the slope aimed at; 1 in the paper.
        sided: `two` pulls the slope to the target; `one` only pushes it down from above.
        every: apply it every so many steps, rescaled (lazy regularisation).

    Raises:
        EquipoiseError: when real and fake batches differ in shape, or a parameter is out of its range.

    Source: Gulrajani et al. 2017, "Improved training of Wasserstein GANs", equation 3 and section 4.

    Example:
        >>> from torch import nn
        >>> critic = nn.Linear(2, 1, bias=False)
        >>> with torch.no_grad():
        ...     _ = critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
        >>> context = StepContext(0, 1, critic, critic, torch.ones(8, 2), torch.zeros(8, 2),
        ...                       random=torch.Generator().manual_seed(0))
        >>> round(GradientPenalty().discriminator_term(context).item(), 3)  # 10 (5 - 1)^2
        160.0
    """

    name = "gradient-penalty"
    provides_lipschitz = True
    differentiates_twice = True

    @validated(
        weight=Interval(float, 0),
        target=Interval(float, 0),
        sided=OneOf(("two", "one")),
        every=Interval(int, 1),
    )
    def __init__(self, weight: float = 10.0, target: float = 1.0, sided: str = "two", every: int = 1) -> None:
        super().__init__(every)
        self.weight = float(weight)
        self.target = float(target)
        self.sided = sided

    def discriminator_term(self, context: StepContext) -> Tensor:
        pack = pack_of(context.discriminator)
        samples, labels = self.interpolate(context, pack)
        gradient = input_gradient(context.discriminator, samples, labels)
        return self.weight * slope_penalty(norms(gradient, pack), self.target, self.sided)

    def interpolate(self, context: StepContext, pack: int = 1) -> tuple[Tensor, Tensor | None]:
        """The points at which the slope is measured, and their labels."""
        real, fake = context.real.detach(), context.fake.detach()
        if real.shape != fake.shape:
            raise EquipoiseError(
                f"`fake` must have the shape of `real` for a gradient penalty, but they are "
                f"{tuple(fake.shape)} and {tuple(real.shape)}; use equal batch sizes."
            )
        require_whole_packs(len(real), pack)
        alpha = uniform((len(real) // pack,), real, required_random(context, self.name))
        alpha = alpha.repeat_interleave(pack)
        shaped = alpha.view(-1, *[1] * (real.dim() - 1))
        samples = shaped * real + (1 - shaped) * fake
        labels, fake_labels = context.labels, context.fake_labels
        if labels is None or fake_labels is None:
            return samples, fake_labels if labels is None else labels
        nearer = (alpha >= 0.5).view(-1, *[1] * (labels.dim() - 1))
        return samples, torch.where(nearer, labels, fake_labels)
