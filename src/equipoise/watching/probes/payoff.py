"""The adversarial losses of the fitted family, as functions of oriented scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from equipoise.objectives.base import OBJECTIVES, Objective, build_objective
from equipoise.watching.probes.material import ProbeSkipped


class Payoff:
    """Both players' losses, on scores before a final sigmoid, oriented.

    Args:
        facts: what is known of the run: the fitted family, else the declared one.
        sigmoid: whether the discriminator ends in a sigmoid, so that a family of raw outputs is given
            probabilities.
    """

    def __init__(self, facts: Mapping[str, Any], sigmoid: bool) -> None:
        name = facts.get("objective.family") or facts.get("objective.declared")
        if name not in OBJECTIVES:
            raise ProbeSkipped("the family of the loss is not known")
        self.objective: Objective = build_objective(str(name))
        raw = name in ("least-squares", "wasserstein", "hinge") or bool(facts.get("objective.double_sigmoid"))
        self._outputs = sigmoid and raw

    def _raw(self, scores: Tensor) -> Tensor:
        scores = scores.reshape(-1)
        return torch.sigmoid(scores) if self._outputs else scores

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D as a scalar."""
        real, fake = _equal(self._raw(real), self._raw(fake))
        return self.objective.discriminator_loss(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """L_G as a scalar; relative families need scores of reals too."""
        raw = self._raw(fake)
        if not self.objective.facts.relative:
            return self.objective.generator_loss(raw)
        if real is None:
            raise ProbeSkipped("a relative loss needs reals beside the fakes")
        own, other = _equal(self._raw(real), raw)
        return self.objective.generator_loss(other, own)

    def slope(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """N dL_G/ds at each of the N scores."""
        score = fake.detach().double().reshape(-1).requires_grad_()
        beside = None if real is None else real.detach().double()
        (slope,) = torch.autograd.grad(self.generator(score, beside), score, allow_unused=True)
        return torch.zeros_like(score) if slope is None else slope.detach() * len(score)

    @property
    def undecided(self) -> float:
        """The score at which the discriminator is undecided; 0 where single scores mean nothing."""
        boundary = self.objective.facts.decision_boundary or 0.0
        if not self._outputs:
            return boundary
        # A probability at the boundary, as the score before the sigmoid; one half where none is there.
        return float(torch.logit(torch.tensor(boundary))) if 0 < boundary < 1 else 0.0


def _equal(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    count = min(len(first), len(second))
    return first[:count], second[:count]
