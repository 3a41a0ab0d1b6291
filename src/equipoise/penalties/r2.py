"""R2: a flat discriminator at the fake samples."""

from __future__ import annotations

from torch import Tensor

from equipoise.penalties.base import PENALTIES, StepContext
from equipoise.penalties.squared_slope import SquaredSlope


@PENALTIES.register("r2")
class R2(SquaredSlope):
    """``gamma / 2 * E ||grad D(G(z))||^2`` at the fake samples, usually together with R1.

    With a relativistic loss R1 alone diverges where both converge (Huang et al. 2024). Parameters: see
    `SquaredSlope`.

    Source: Mescheder, Geiger and Nowozin 2018, "Which training methods for GANs do actually converge?",
    equation 10; the schedule after R3GAN (Huang et al. 2024).

    Example:
        >>> R2(gamma=2.0).gamma_at(0.7)
        2.0
    """

    name = "r2"

    def discriminator_term(self, context: StepContext) -> Tensor:
        # Packs of fakes are judged with the labels the fakes were made with; without any, with the reals'.
        labels = context.labels if context.fake_labels is None else context.fake_labels
        return self.term(context, context.fake, labels)
