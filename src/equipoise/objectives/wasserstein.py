"""Wasserstein: the difference of mean scores of a critic that must be Lipschitz."""

from __future__ import annotations

from torch import Tensor

from equipoise.objectives.base import OBJECTIVES, Objective, ObjectiveFacts, as_logits


def wasserstein_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The critic's loss ``E f - E r``; negated, a lower bound of the Wasserstein distance if 1-Lipschitz.

    Args:
        real_logits, fake_logits: scores of any shape.

    Raises:
        EquipoiseError: for an empty batch.

    Source: Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", equation 2 and algorithm 1.

    Example:
        >>> import torch
        >>> wasserstein_discriminator_loss(torch.full((4,), 2.0), torch.full((4,), -1.0)).item()
        -3.0
    """
    return as_logits("fake_logits", fake_logits).mean() - as_logits("real_logits", real_logits).mean()


def wasserstein_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss ``-E f``; only its changes mean anything, because the critic's offset is free.

    Source: Arjovsky, Chintala and Bottou 2017, algorithm 1.

    Example:
        >>> import torch
        >>> wasserstein_generator_loss(torch.full((4,), 2.0)).item()
        -2.0
    """
    return -as_logits("fake_logits", fake_logits).mean()


@OBJECTIVES.register("wasserstein")
class Wasserstein(Objective):
    """The Wasserstein game. Without a Lipschitz constraint on the critic its loss has no lower bound.

    Use it with `gradient-penalty`, `spectral-normalisation` or `weight-clipping`.

    Source: Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN".

    Example:
        >>> Wasserstein().facts.needs_lipschitz
        True
    """

    name = "wasserstein"
    facts = ObjectiveFacts(
        decision_boundary=None,
        saturating=False,
        needs_lipschitz=True,
        has_labels=False,
        relative=False,
        bounded_below=False,
        equilibrium_discriminator_loss=0.0,
        equilibrium_generator_loss=None,
        source="Arjovsky, Chintala and Bottou 2017, Wasserstein GAN, algorithm 1",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """See `wasserstein_discriminator_loss`."""
        return wasserstein_discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """See `wasserstein_generator_loss`; real logits are not used."""
        return wasserstein_generator_loss(fake_logits)
