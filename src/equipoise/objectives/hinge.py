"""Hinge: the discriminator stops pushing a sample that is beyond its margin."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu

from equipoise.objectives.base import OBJECTIVES, Objective, ObjectiveFacts, as_logits


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss ``E max(0, 1 - r) + E max(0, 1 + f)``.

    It is exactly 0, which is no failure, when every real score is above 1 and every fake one below -1.

    Args:
        real_logits, fake_logits: raw scores of any shape.

    Raises:
        EquipoiseError: for an empty batch.

    Source: Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral normalization for GANs",
    equation 16.

    Example:
        >>> import torch
        >>> hinge_discriminator_loss(torch.zeros(4), torch.full((4,), -3.0)).item()
        1.0
    """
    real, fake = as_logits("real_logits", real_logits), as_logits("fake_logits", fake_logits)
    return relu(1.0 - real).mean() + relu(1.0 + fake).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss ``-E f``: a constant slope, whatever the score.

    Source: Miyato et al. 2018, equation 17.

    Example:
        >>> import torch
        >>> hinge_generator_loss(torch.full((4,), -3.0)).item()
        3.0
    """
    return -as_logits("fake_logits", fake_logits).mean()


@OBJECTIVES.register("hinge")
class Hinge(Objective):
    """The hinge loss, the usual companion of spectral normalisation.

    Source: Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral normalization for GANs",
    equations 16 and 17.

    Example:
        >>> Hinge().facts.equilibrium_discriminator_loss
        2.0
    """

    name = "hinge"
    facts = ObjectiveFacts(
        decision_boundary=0.0,
        saturating=False,
        needs_lipschitz=False,
        has_labels=False,
        relative=False,
        bounded_below=True,
        equilibrium_discriminator_loss=2.0,
        equilibrium_generator_loss=0.0,
        source="Lim and Ye 2017, Geometric GAN; Miyato et al. 2018, equations 16 and 17",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """See `hinge_discriminator_loss`."""
        return hinge_discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """See `hinge_generator_loss`; real logits are not used."""
        return hinge_generator_loss(fake_logits)
