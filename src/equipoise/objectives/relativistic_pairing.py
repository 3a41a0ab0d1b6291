"""Relativistic pairing (RpGAN): each fake is compared with one real sample."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import softplus

from equipoise.objectives.base import (
    OBJECTIVES,
    Objective,
    ObjectiveFacts,
    paired_logits,
    required_real_logits,
)


def relativistic_pairing_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss ``E softplus(-(r_i - f_i))`` over the pairs of the batch.

    Args:
        real_logits, fake_logits: of one shape; element i of one is compared with element i of the other.

    Raises:
        EquipoiseError: for an empty batch or different shapes.

    Source: Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4; Huang et al. 2024, "The GAN
    is dead; long live the GAN!" (R3GAN), whose published code uses this form for both players.

    Example:
        >>> import torch
        >>> round(relativistic_pairing_discriminator_loss(torch.ones(4), torch.ones(4)).item(), 4)
        0.6931
    """
    real, fake = paired_logits(real_logits, fake_logits, same_number=True)
    return softplus(fake - real).mean()


def relativistic_pairing_generator_loss(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """The generator's loss ``E softplus(-(f_i - r_i))``, non-saturating as in R3GAN's code.

    The paper prints the zero-sum form, whose gradient vanishes when the discriminator wins; here it does not.

    Source: as `relativistic_pairing_discriminator_loss`.

    Example:
        >>> import torch
        >>> round(relativistic_pairing_generator_loss(torch.zeros(4), torch.full((4,), 50.0)).item(), 4)
        50.0
    """
    return relativistic_pairing_discriminator_loss(fake_logits, real_logits)


@OBJECTIVES.register("relativistic-pairing")
class RelativisticPairing(Objective):
    """RpGAN, the loss of R3GAN: no mode-dropping local minima, and with R1 and R2 locally convergent.

    Source: Jolicoeur-Martineau 2018; Sun, Fang and Schwing 2020, "Towards a better global loss landscape of
    GANs"; Huang et al. 2024 (R3GAN).

    Example:
        >>> RelativisticPairing().facts.saturating
        False
    """

    name = "relativistic-pairing"
    facts = ObjectiveFacts(
        decision_boundary=None,
        saturating=False,
        needs_lipschitz=False,
        has_labels=False,
        relative=True,
        bounded_below=True,
        equilibrium_discriminator_loss=math.log(2),
        equilibrium_generator_loss=math.log(2),
        source="Jolicoeur-Martineau 2018; Huang et al. 2024, R3GAN, as in its code",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """See `relativistic_pairing_discriminator_loss`."""
        return relativistic_pairing_discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """See `relativistic_pairing_generator_loss`; real logits are required."""
        return relativistic_pairing_generator_loss(fake_logits, required_real_logits(self.name, real_logits))
