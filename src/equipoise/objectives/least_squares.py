"""Least squares: scores are regressed on 1 for real and 0 for fake."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from equipoise.objectives.base import OBJECTIVES, ObjectiveFacts, as_logits
from equipoise.objectives.labels import LabelledObjective


def least_squares_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, real_targets: Any = 1.0, fake_targets: Any = 0.0
) -> Tensor:
    """The discriminator's loss ``1/2 E (r - 1)^2 + 1/2 E f^2``.

    Args:
        real_logits, fake_logits: raw scores of any shape.
        real_targets, fake_targets: numbers or tensors that broadcast against the scores.

    Raises:
        EquipoiseError: for an empty batch.

    Source: Mao et al. 2017, "Least squares generative adversarial networks", equation 9 (0-1 coding).

    Example:
        >>> import torch
        >>> least_squares_discriminator_loss(torch.full((4,), 0.5), torch.full((4,), 0.5)).item()
        0.25
    """
    real, fake = as_logits("real_logits", real_logits), as_logits("fake_logits", fake_logits)
    return 0.5 * (real - real_targets).square().mean() + 0.5 * (fake - fake_targets).square().mean()


def least_squares_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss ``1/2 E (f - 1)^2``.

    Source: Mao et al. 2017, equation 9.

    Example:
        >>> import torch
        >>> least_squares_generator_loss(torch.zeros(4)).item()
        0.5
    """
    return 0.5 * (as_logits("fake_logits", fake_logits) - 1.0).square().mean()


@OBJECTIVES.register("least-squares")
class LeastSquares(LabelledObjective):
    """LSGAN with targets 1 (real) and 0 (fake); G aims at 1. Undecided is 0.5, not 0.

    It must be given raw scores: a sigmoid before it brings the vanishing gradient back. Options: see
    `LabelledObjective`.

    Source: Mao et al. 2017, "Least squares generative adversarial networks", equation 9.

    Example:
        >>> LeastSquares().facts.decision_boundary
        0.5
    """

    name = "least-squares"
    facts = ObjectiveFacts(
        decision_boundary=0.5,
        saturating=False,
        needs_lipschitz=False,
        has_labels=True,
        relative=False,
        bounded_below=True,
        equilibrium_discriminator_loss=0.25,
        equilibrium_generator_loss=0.125,
        source="Mao et al. 2017, Least squares generative adversarial networks, equation 9",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The squared error against this objective's targets."""
        return least_squares_discriminator_loss(
            real_logits,
            fake_logits,
            self.targets(real_logits, real=True),
            self.targets(fake_logits, real=False),
        )

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """The squared distance from 1; real logits are not used."""
        return least_squares_generator_loss(fake_logits)
