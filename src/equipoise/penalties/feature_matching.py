"""Feature matching: the generator matches the mean of the discriminator's features."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.layers.gather import gather_with_gradient
from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradients import unwrapped, widened
from equipoise.validation import InstanceOf, Interval, validated


def feature_distance(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """``||mean f(x) - mean f(G(z))||^2``, means over the batch, the square summed over all features.

    The means run over the batches of all processes (of equal size): a mean inside a square is not averaged
    right by averaging the processes' gradients.

    Args:
        real_features, fake_features: shapes (N, ...) and (M, ...) with the same trailing shape; no gradient
            flows into the real ones.

    Source: Salimans et al. 2016, "Improved techniques for training GANs", section 3.1.

    Example:
        >>> feature_distance(torch.ones(4, 3), torch.zeros(8, 3)).item()
        3.0
    """
    real, fake = widened(real_features.detach()), widened(fake_features)
    real_mean = gather_with_gradient(real.mean(0, keepdim=True)).mean(0)
    fake_mean = gather_with_gradient(fake.mean(0, keepdim=True)).mean(0)
    return (real_mean - fake_mean).square().sum()


@PENALTIES.register("feature-matching")
class FeatureMatching(Penalty):
    """``weight * ||E f(x) - E f(G(z))||^2`` in the generator's step, f being `discriminator.features`.

    Args:
        weight: the coefficient.
        replaces_adversarial: train the generator by this term alone, as in the paper, instead of adding it to
            the adversarial loss. The trainer reads it.
        every: apply it every so many steps, rescaled; only 1 when it replaces the adversarial loss.

    Raises:
        EquipoiseError: when the discriminator has no `features`, or a parameter is out of its range.

    Source: Salimans et al. 2016, "Improved techniques for training GANs", section 3.1.

    Example:
        >>> FeatureMatching().replaces_adversarial
        True
    """

    name = "feature-matching"

    @validated(
        weight=Interval(float, 0, low_open=True),
        replaces_adversarial=InstanceOf(bool, "true or false"),
        every=Interval(int, 1),
    )
    def __init__(self, weight: float = 1.0, replaces_adversarial: bool = True, every: int = 1) -> None:
        super().__init__(every)
        if replaces_adversarial and every != 1:
            raise EquipoiseError(
                f"`every` must be 1 when feature matching replaces the adversarial loss, but it is "
                f"{every!r}; in the steps between the generator would have no loss at all."
            )
        self.weight = float(weight)
        self.replaces_adversarial = replaces_adversarial

    def generator_term(self, context: StepContext) -> Tensor:
        discriminator = unwrapped(context.discriminator)
        features = getattr(discriminator, "features", None)
        if not callable(features):
            raise EquipoiseError(
                "`discriminator` must have a method features(samples, labels=None) for feature matching, "
                f"but {type(discriminator).__name__} has none; add it or remove `feature-matching`."
            )
        with torch.no_grad():
            real = (
                features(context.real) if context.labels is None else features(context.real, context.labels)
            )
        labels = context.labels if context.fake_labels is None else context.fake_labels
        fake = features(context.fake) if labels is None else features(context.fake, labels)
        return self.weight * feature_distance(real, fake)
