"""R1: a flat discriminator at the real samples."""

from __future__ import annotations

from torch import Tensor

from equipoise.penalties.base import PENALTIES, StepContext
from equipoise.penalties.squared_slope import SquaredSlope


@PENALTIES.register("r1")
class R1(SquaredSlope):
    """``gamma / 2 * E ||grad D(x)||^2`` at the real samples: the equilibrium becomes locally attracting.

    It bounds no slope away from the data, so it is no Lipschitz constraint. On the Dirac-GAN the discrete
    training with learning rate h is stable only for gamma above h / 4 with a logistic loss. Parameters: see
    `SquaredSlope`.

    Source: Mescheder, Geiger and Nowozin 2018, "Which training methods for GANs do actually converge?",
    equation 9; the schedule after R3GAN (Huang et al. 2024).

    Example:
        >>> R1(gamma=1.0, final_gamma=0.01, schedule="exponential").gamma_at(0.5)
        0.1
    """

    name = "r1"

    def discriminator_term(self, context: StepContext) -> Tensor:
        return self.term(context, context.real, context.labels)
