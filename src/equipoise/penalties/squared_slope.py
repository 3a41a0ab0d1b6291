"""What R1 and R2 share: half gamma times the squared slope at given samples, with a schedule for gamma."""

from __future__ import annotations

from torch import Tensor, nn

from equipoise.penalties.base import Penalty, StepContext
from equipoise.penalties.gradients import input_gradient, pack_of, squared_norms
from equipoise.penalties.schedules import SCHEDULES, scheduled
from equipoise.validation import Interval, OneOf, Optional, validated


def squared_slope_penalty(
    discriminator: nn.Module, samples: Tensor, labels: Tensor | None = None, gamma: float = 1.0
) -> Tensor:
    """``gamma / 2 * E ||grad D(x)||^2``, the squares summed over all axes of a sample (or of a pack).

    Args:
        discriminator: returns logits of shape (N,), or (N / pack,) with an attribute `pack`.
        samples: shape (N, ...).
        labels: shape (N,) or None.
        gamma: the coefficient.

    Source: Mescheder, Geiger and Nowozin 2018, "Which training methods for GANs do actually converge?",
    equations 9 and 10.

    Example:
        >>> import torch
        >>> critic = nn.Linear(2, 1)
        >>> with torch.no_grad():
        ...     _ = critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
        >>> round(squared_slope_penalty(critic, torch.randn(8, 2)).item(), 3)  # 1/2 * 25
        12.5
    """
    gradient = input_gradient(discriminator, samples, labels)
    return 0.5 * gamma * squared_norms(gradient, pack_of(discriminator)).mean()


class SquaredSlope(Penalty):
    """A penalty ``gamma / 2 * E ||grad D||^2``; the subclass says at which samples.

    Args:
        gamma: the coefficient; 10 in Mescheder et al. R3GAN takes 0.05 at 32x32 and 2 at 64x64 pixels.
        final_gamma: where the schedule ends, or None for a constant; R3GAN ends at a tenth of `gamma`.
        schedule: `cosine`, `exponential` or `linear`, see `schedules.scheduled`.
        schedule_fraction: the share of the training at whose end `final_gamma` is reached.
        every: apply it every so many steps, rescaled (lazy regularisation).
    """

    differentiates_twice = True

    @validated(
        gamma=Interval(float, 0, low_open=True),
        final_gamma=Optional(Interval(float, 0)),
        schedule=OneOf(SCHEDULES),
        schedule_fraction=Interval(float, 0, 1, low_open=True),
        every=Interval(int, 1),
    )
    def __init__(
        self,
        gamma: float = 10.0,
        final_gamma: float | None = None,
        schedule: str = "cosine",
        schedule_fraction: float = 1.0,
        every: int = 1,
    ) -> None:
        super().__init__(every)
        self.gamma = float(gamma)
        self.final_gamma = None if final_gamma is None else float(final_gamma)
        self.schedule = schedule
        self.schedule_fraction = float(schedule_fraction)
        self.gamma_at(0.0)

    def gamma_at(self, progress: float) -> float:
        """Gamma at a share of the training.

        Example:
            >>> SquaredSlope(gamma=2.0, final_gamma=0.2).gamma_at(1.0)
            0.2
        """
        if self.final_gamma is None:
            return self.gamma
        return scheduled(self.gamma, self.final_gamma, progress / self.schedule_fraction, self.schedule)

    def term(self, context: StepContext, samples: Tensor, labels: Tensor | None) -> Tensor:
        """The penalty at these samples with this step's gamma."""
        return squared_slope_penalty(context.discriminator, samples, labels, self.gamma_at(context.progress))
