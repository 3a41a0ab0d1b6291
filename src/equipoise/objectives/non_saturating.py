"""The non-saturating game: the generator maximises the probability of passing for real."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import softplus

from equipoise.objectives.base import OBJECTIVES, ObjectiveFacts, as_logits
from equipoise.objectives.labels import LabelledObjective
from equipoise.objectives.minimax import logistic_discriminator_loss


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss ``-E log sigmoid(f) = E softplus(-f)``.

    Its gradient at a logit is ``-sigmoid(-f)``: it is largest where the discriminator is sure of the fake.

    Args:
        fake_logits: logits of any shape.

    Source: Goodfellow et al. 2014, "Generative adversarial nets", section 3.

    Example:
        >>> import torch
        >>> round(non_saturating_generator_loss(torch.zeros(4)).item(), 4)
        0.6931
    """
    return softplus(-as_logits("fake_logits", fake_logits)).mean()


@OBJECTIVES.register("non-saturating")
class NonSaturating(LabelledObjective):
    """The loss that most people mean by "GAN": cross-entropy for D, ``-log D(G(z))`` for G.

    Options: see `LabelledObjective`.

    Source: Goodfellow et al. 2014, "Generative adversarial nets", section 3.

    Example:
        >>> import torch
        >>> undecided = torch.zeros(8)
        >>> round(NonSaturating().discriminator_loss(undecided, undecided).item(), 4)
        1.3863
    """

    name = "non-saturating"
    facts = ObjectiveFacts(
        decision_boundary=0.0,
        saturating=False,
        needs_lipschitz=False,
        has_labels=True,
        relative=False,
        bounded_below=True,
        equilibrium_discriminator_loss=2 * math.log(2),
        equilibrium_generator_loss=math.log(2),
        source="Goodfellow et al. 2014, Generative adversarial nets, section 3",
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
        """The non-saturating loss; real logits are not used."""
        return non_saturating_generator_loss(fake_logits)
