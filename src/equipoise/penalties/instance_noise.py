"""Instance noise: both supports are widened until they overlap, then the noise fades."""

from __future__ import annotations

from torch import Tensor

from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradients import normal, required_random
from equipoise.penalties.schedules import scheduled
from equipoise.validation import Interval, validated


@PENALTIES.register("instance-noise")
class InstanceNoise(Penalty):
    """The discriminator sees ``x + sigma(t) e`` with e ~ N(0, I), for real and fake, in both players' steps.

    sigma falls linearly from `sigma` to 0 over the first `fraction` of the training and stays there.

    Args:
        sigma: the standard deviation at the start, in the units of the normalised data. The sources give no
            number that fits all data; 0.1 is a tenth of the half-range of images in [-1, 1].
        fraction: the share of the training with noise.

    Source: Sønderby et al. 2017, "Amortised MAP inference for image super-resolution", section 3.3;
    Arjovsky and Bottou 2017, "Towards principled methods for training GANs", section 3.

    Example:
        >>> InstanceNoise(sigma=0.2, fraction=0.5).sigma_at(0.25)
        0.1
    """

    name = "instance-noise"

    @validated(sigma=Interval(float, 0, low_open=True), fraction=Interval(float, 0, 1, low_open=True))
    def __init__(self, sigma: float = 0.1, fraction: float = 0.5) -> None:
        super().__init__()
        self.sigma = float(sigma)
        self.fraction = float(fraction)

    def sigma_at(self, progress: float) -> float:
        """The standard deviation at a share of the training."""
        return scheduled(self.sigma, 0.0, progress / self.fraction, "linear")

    def transform(self, samples: Tensor, context: StepContext) -> Tensor:
        sigma = self.sigma_at(context.progress)
        if sigma == 0.0:
            return samples
        noise = normal(tuple(samples.shape), samples, required_random(context, self.name))
        return samples + sigma * noise
