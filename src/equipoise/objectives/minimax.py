"""The original minimax game: the generator minimises the probability of being found out."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.nn.functional import softplus

from equipoise.objectives.base import OBJECTIVES, ObjectiveFacts, as_logits
from equipoise.objectives.labels import LabelledObjective


def logistic_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, real_targets: Any = 1.0, fake_targets: Any = 0.0
) -> Tensor:
    """The cross-entropy of the discriminator, ``E softplus(-r) + E softplus(f)`` for targets 1 and 0.

    With a target t the loss at a logit l is ``t softplus(-l) + (1 - t) softplus(l)``, computed as
    ``softplus(-l) + (1 - t) l``: no logarithm of a probability, so it is finite at any logit.

    Args:
        real_logits, fake_logits: logits of any shape.
        real_targets, fake_targets: numbers or tensors that broadcast against the logits.

    Raises:
        EquipoiseError: for an empty batch.

    Source: Goodfellow et al. 2014, "Generative adversarial nets", equation 1.

    Example:
        >>> import torch
        >>> round(logistic_discriminator_loss(torch.zeros(4), torch.zeros(4)).item(), 4)
        1.3863
    """
    real, fake = as_logits("real_logits", real_logits), as_logits("fake_logits", fake_logits)
    return _cross_entropy(real, real_targets) + _cross_entropy(fake, fake_targets)


def _cross_entropy(logits: Tensor, targets: Any) -> Tensor:
    if isinstance(targets, float) and targets in (0.0, 1.0):
        return softplus(-logits if targets else logits).mean()
    return (softplus(-logits) + (1.0 - targets) * logits).mean()


def minimax_generator_loss(fake_logits: Tensor) -> Tensor:
    """The saturating loss of the generator, ``E log(1 - sigmoid(f)) = -E softplus(f)``.

    Its gradient at a logit is ``-sigmoid(f)``: it vanishes where the discriminator is sure of the fake.

    Source: Goodfellow et al. 2014, equation 1.

    Example:
        >>> import torch
        >>> round(minimax_generator_loss(torch.zeros(4)).item(), 4)
        -0.6931
    """
    return -softplus(as_logits("fake_logits", fake_logits)).mean()


@OBJECTIVES.register("minimax")
class Minimax(LabelledObjective):
    """The original saturating game: D minimises the cross-entropy, G maximises D's loss on fakes.

    Its generator stops learning as soon as the discriminator wins; it is here for study, and as the clearest
    case of a vanishing gradient. For training use `non-saturating`. Options: see `LabelledObjective`.

    Source: Goodfellow et al. 2014, "Generative adversarial nets", equation 1.

    Example:
        >>> Minimax(smoothing=0.1).facts.saturating
        True
    """

    name = "minimax"
    facts = ObjectiveFacts(
        decision_boundary=0.0,
        saturating=True,
        needs_lipschitz=False,
        has_labels=True,
        relative=False,
        bounded_below=True,
        equilibrium_discriminator_loss=2 * math.log(2),
        equilibrium_generator_loss=-math.log(2),
        source="Goodfellow et al. 2014, Generative adversarial nets, equation 1",
    )

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The cross-entropy with this objective's targets."""
        return logistic_discriminator_loss(
            real_logits,
            fake_logits,
            self.targets(real_logits, real=True),
            self.targets(fake_logits, real=False),
        )

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """The saturating loss; real logits are not used."""
        return minimax_generator_loss(fake_logits)
