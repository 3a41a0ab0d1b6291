"""Mode seeking (MSGAN): different latents must give different samples."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.layers.gather import gather_with_gradient
from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradients import widened
from equipoise.validation import Interval, validated


def mode_seeking_penalty(
    samples: Tensor, latent: Tensor, labels: Tensor | None = None, epsilon: float = 1e-5
) -> Tensor:
    """``1 / (mean |G(z1) - G(z2)| / mean |z1 - z2| + epsilon)`` over pairs within the batch.

    Without labels sample 2i is paired with 2i + 1. With labels the batch is sorted by label, neighbours of
    one label are pairs, and neighbours of different labels are not: the difference between classes is not
    diversity. A batch without any pair gives 0.

    Args:
        samples: the generator's output, shape (N, ...).
        latent: its input, shape (N, ...).
        labels: class indices of shape (N,), or None.
        epsilon: its inverse is the penalty of a collapsed generator; 1e-5 in the authors' code.

    Raises:
        EquipoiseError: for fewer than two samples or as many latents as there are not samples.

    Source: Mao et al. 2019, "Mode seeking generative adversarial networks for diverse image synthesis",
    equations 1 and 2.

    Example:
        >>> samples, latent = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [0.0]])
        >>> round(mode_seeking_penalty(samples, latent).item(), 4)
        0.5
    """
    if len(samples) < 2 or len(samples) != len(latent):
        raise EquipoiseError(
            f"`batch_size` must be at least 2 for mode seeking, with one latent a sample, but there are "
            f"{len(samples)} samples and {len(latent)} latents."
        )
    flat, latent = widened(samples).flatten(1), widened(latent).flatten(1)
    if labels is None:
        pairs = len(flat) // 2 * 2
        first, second = (
            torch.arange(0, pairs, 2, device=flat.device),
            torch.arange(1, pairs, 2, device=flat.device),
        )
        valid = torch.ones(pairs // 2, device=flat.device)
    else:
        order = labels.argsort(stable=True)
        first, second = order[:-1], order[1:]
        valid = (labels[first] == labels[second]).to(flat.dtype)
    sample_distance = (valid * (flat[first] - flat[second]).abs().mean(1)).sum()
    latent_distance = (valid * (latent[first] - latent[second]).abs().mean(1)).sum()
    # The number of pairs cancels in the ratio. The masks avoid a read-out of the device to ask for it.
    some = latent_distance > 0
    ratio = sample_distance / torch.where(some, latent_distance, 1.0)
    return torch.where(some, 1.0 / (ratio + epsilon), 0.0)


@PENALTIES.register("mode-seeking")
class ModeSeeking(Penalty):
    """``weight / (mean distance of samples / mean distance of latents + epsilon)`` in the generator's step.

    The pairs are taken within the generator's batch, so no second latent and no second forward pass is
    needed; the authors too generate both members of a pair in one batch. The distances are taken before
    any augmentation or instance noise when the step gives `generated`; noise would pass for diversity.
    Several processes form one batch: the term is not a mean over samples.

    Args:
        weight: the coefficient; 1 in the authors' code.
        epsilon: see `mode_seeking_penalty`.
        every: apply it every so many steps, rescaled (lazy regularisation).

    Source: Mao et al. 2019, "Mode seeking generative adversarial networks for diverse image synthesis".

    Example:
        >>> ModeSeeking().epsilon
        1e-05
    """

    name = "mode-seeking"

    @validated(
        weight=Interval(float, 0, low_open=True),
        epsilon=Interval(float, 0, low_open=True),
        every=Interval(int, 1),
    )
    def __init__(self, weight: float = 1.0, epsilon: float = 1e-5, every: int = 1) -> None:
        super().__init__(every)
        self.weight = float(weight)
        self.epsilon = float(epsilon)

    def generator_term(self, context: StepContext) -> Tensor:
        if context.latent is None:
            raise EquipoiseError(
                "`context.latent` must be the generator's input of this step for mode seeking, but it is "
                "None; pass it with the step."
            )
        samples = context.fake if context.generated is None else context.generated
        labels = context.fake_labels
        return self.weight * mode_seeking_penalty(
            gather_with_gradient(samples),
            gather_with_gradient(context.latent),
            None if labels is None else gather_with_gradient(labels),
            self.epsilon,
        )
