"""What every adversarial objective has in common: two losses and a record of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from equipoise.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ObjectiveFacts:
    """What is true of a loss family, whatever the networks.

    Attributes:
        decision_boundary: the logit at which the discriminator calls a sample neither real nor fake;
            None where single logits have no meaning (Wasserstein, relativistic).
        saturating: whether the generator's gradient at the logit vanishes when the discriminator wins.
        needs_lipschitz: whether the loss is meaningless without a Lipschitz constraint on the discriminator.
        has_labels: whether there are real/fake targets that can be smoothed or flipped.
        relative: whether each loss depends on real and fake logits together.
        bounded_below: whether the discriminator's loss has a lower bound.
        equilibrium_discriminator_loss: its value when the discriminator says "undecided" everywhere.
        equilibrium_generator_loss: likewise; None where it is arbitrary.
        source: where the loss comes from.
    """

    decision_boundary: float | None
    saturating: bool
    needs_lipschitz: bool
    has_labels: bool
    relative: bool
    bounded_below: bool
    equilibrium_discriminator_loss: float | None
    equilibrium_generator_loss: float | None
    source: str


class Objective:
    """A pair of adversarial losses on raw scores (logits).

    Both return the mean over all elements as a scalar; logits may have any shape. Relative objectives
    need `real_logits` in the generator's loss too.
    """

    name: ClassVar[str]
    facts: ClassVar[ObjectiveFacts]

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        raise NotImplementedError

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        raise NotImplementedError


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "equipoise.objectives")


def build_objective(name: str, **options: object) -> Objective:
    """The objective of that name with its options."""
    return OBJECTIVES.get(name)(**options)
