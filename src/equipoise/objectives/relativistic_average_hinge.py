"""Relativistic average hinge: each score is judged against the other side's mean."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu

from equipoise.layers.gather import gather_with_gradient
from equipoise.objectives.base import (
    OBJECTIVES,
    Objective,
    ObjectiveFacts,
    paired_logits,
    required_real_logits,
)


def _mean(logits: Tensor) -> Tensor:
    """The mean over all processes, with gradient: it stands inside the hinge, so local means would differ."""
    return gather_with_gradient(logits.mean().reshape(1)).mean()


def relativistic_average_hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss ``E max(0, 1 - (r - mean f)) + E max(0, 1 + (f - mean r))``.

    The means run over the batches of all processes, which must be of equal size.

    Args:
        real_logits, fake_logits: shapes (N, ...) and (M, ...) with the same trailing shape.

    Raises:
        EquipoiseError: for an empty batch or shapes that differ beyond the number of samples.

    Source: Jolicoeur-Martineau 2018, "The relativistic discriminator", appendix (RaHingeGAN).

    Example:
        >>> import torch
        >>> relativistic_average_hinge_discriminator_loss(torch.full((4,), 7.0), torch.full((4,), 7.0)).item()
        2.0
    """
    real, fake = paired_logits(real_logits, fake_logits, same_number=False)
    return relu(1.0 - (real - _mean(fake))).mean() + relu(1.0 + (fake - _mean(real))).mean()


def relativistic_average_hinge_generator_loss(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """The generator's loss ``E max(0, 1 + (r - mean f)) + E max(0, 1 - (f - mean r))``: roles swapped.

    Source: Jolicoeur-Martineau 2018, appendix (RaHingeGAN).

    Example:
        >>> import torch
        >>> relativistic_average_hinge_generator_loss(torch.zeros(4), torch.full((4,), 5.0)).item()
        12.0
    """
    return relativistic_average_hinge_discriminator_loss(fake_logits, real_logits)


@OBJECTIVES.register("relativistic-average-hinge")
class RelativisticAverageHinge(Objective):
    """RaHinge: only differences to the other side's mean count, so a common offset of the scores is free.

    A discriminator loss of exactly 0 means that all margins are met; it is no failure.

    Source: Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard
    GAN", appendix.

    Example:
        >>> RelativisticAverageHinge().facts.relative
        True
    """

    name = "relativistic-average-hinge"
    facts = ObjectiveFacts(
        decision_boundary=None,
        saturating=False,
        needs_lipschitz=False,
        has_labels=False,
        relative=True,
        bounded_below=True,
        equilibrium_discriminator_loss=2.0,
        equilibrium_generator_loss=2.0,
        source="Jolicoeur-Martineau 2018, The relativistic discriminator, appendix",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """See `relativistic_average_hinge_discriminator_loss`."""
        return relativistic_average_hinge_discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """See `relativistic_average_hinge_generator_loss`; real logits are required."""
        return relativistic_average_hinge_generator_loss(
            fake_logits, required_real_logits(self.name, real_logits)
        )
