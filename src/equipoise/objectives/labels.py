"""Real and fake targets of the objectives that have them: one-sided smoothing and noisy labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.objectives.base import Objective
from equipoise.validation import Constraint, Interval, validated


class OneSided(Constraint):
    """Zero; anything else asks for two-sided smoothing, which is refused with the reason."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, (int, float)) and value == 0

    def describe(self) -> str:
        return (
            "0, because smoothed fake targets put the generator's own density into the optimal "
            "discriminator's numerator and so reward wrong samples far from the data (Salimans et al. 2016, "
            "section 3.4)"
        )

    def invalid_example(self) -> object:
        return 0.1


class LabelledObjective(Objective):
    """An objective whose discriminator is told targets: 1 for real and 0 for fake samples.

    Both options weaken a discriminator that wins; they do not cure the reason why it wins.

    Args:
        smoothing: one-sided label smoothing; real targets become 1 - smoothing, fake ones stay 0.
        noisy_labels: the probability with which a sample's target in the discriminator's loss is swapped
            for the other side's, drawn for each sample from `random`. Half and more would teach nothing.
        fake_smoothing: only 0; anything else is two-sided smoothing and is refused with the reason.

    Raises:
        EquipoiseError: for a number outside its range, or for two-sided smoothing.

    Source: Salimans et al. 2016, "Improved techniques for training GANs", section 3.4 (smoothing); noisy
    labels are a practitioners' rule without a derivation (Chintala et al. 2016, "How to train a GAN?").

    Example:
        >>> LabelledObjective(smoothing=0.1).targets(torch.zeros(3), real=True)
        0.9
    """

    @validated(
        smoothing=Interval(float, 0, 1, high_open=True),
        noisy_labels=Interval(float, 0, 0.5, high_open=True),
        fake_smoothing=OneSided(),
    )
    def __init__(
        self, smoothing: float = 0.0, noisy_labels: float = 0.0, fake_smoothing: float = 0.0
    ) -> None:
        self.smoothing = float(smoothing)
        self.noisy_labels = float(noisy_labels)
        self.random: torch.Generator | None = None

    @property
    def uses_chance(self) -> bool:
        return self.noisy_labels > 0

    def targets(self, logits: Tensor, real: bool) -> Any:
        """A batch's targets: a number, or with noisy labels a tensor that broadcasts against the logits."""
        real_target = 1.0 - self.smoothing
        target, other = (real_target, 0.0) if real else (0.0, real_target)
        if not self.noisy_labels:
            return target
        if self.random is None:
            raise EquipoiseError(
                "`objective.random` must be a torch.Generator when `noisy_labels` is above 0, but it is "
                "None; set it before the first step, so that a resumed run repeats the draws."
            )
        # One draw a sample: the logits of a patch discriminator share their sample's target.
        shape = logits.shape[:1] + (1,) * (logits.dim() - 1)
        chance = torch.rand(shape, generator=self.random, device=self.random.device).to(logits.device)
        swapped = (chance < self.noisy_labels).to(
            logits.dtype if logits.dtype.itemsize >= 4 else torch.float32
        )
        return target + swapped * (other - target)
