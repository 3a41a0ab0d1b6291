"""Fakes that were changed behind the graph before the discriminator judged them: noise, a pool of older ones.

A generator with a wrong target would turn the direction that is read from slopes alone, and with it the
roles; these links do not depend on any slope.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass, GeneratorCall
from equipoise.watching.tree import floating_tensors

_ROWS, _SHARE, _RATIO = 64, 0.9, 0.5


def link_changed(passes: list[DiscriminatorPass], calls: Sequence[GeneratorCall]) -> None:
    """At a discriminator's update in which no fakes were recognised: link the pass that holds them."""
    own = [one for one in passes if one.sloped and not one.attached]
    unknown = [one for one in own if not one.penalty_norms]
    if len(unknown) < 2 or any(one.link or one.tagged for one in own):
        return
    for one in unknown:
        for call in calls:
            if pooled_rows(one.samples, call.output()):
                one.link, one.call = "values", call
                return
    made = [call for call in calls if not translates(call)]
    found = noisy_copy([one.samples for one in unknown], [call.output() for call in made])
    if found is not None:
        unknown[found[0]].link, unknown[found[0]].call = "values", made[found[1]]


def translates(call: GeneratorCall) -> bool:
    """Whether a sample goes in where one comes out: what comes out may be meant to be near a real.

    A cycle gives a real back, and a reconstruction of it looks like a noisy copy.
    """
    made = call.output().shape
    return any(
        value.shape == made or (value.ndim > 1 and value.shape[2:] == made[2:] != ())
        for _, value in floating_tensors((call.args, call.kwargs))
    )


def pooled_rows(samples: Tensor, output: Tensor) -> bool:
    """Whether some rows of a batch are the generator's in their places: a pool of new and of older fakes."""
    width, own = samples.shape[1:2], output.shape[1:2]
    if (
        samples.ndim != output.ndim
        or samples.ndim < 2
        or samples.shape[2:] != output.shape[2:]
        or own > width
    ):
        return False
    if len(samples) != len(output) or samples.dtype != output.dtype or samples.device != output.device:
        return False
    parts = [samples] if own == width else [samples[:, -own[0] :], samples[:, : own[0]]]
    return any(bool((part == output).flatten(1).all(1).any()) for part in parts)


def noisy_copy(batches: list[Tensor], outputs: list[Tensor]) -> tuple[int, int] | None:
    """Which of several batches is one of the generator's outputs with noise on it: (batch, output).

    Each row must be nearer to its own row of the output than to the others, and the batch at least twice as
    near (in squared distance, and far nearer than the rows are to each other) as every other batch of that
    step, so that a target that goes with the output row for row is not taken for it.
    """
    if len(batches) < 2:
        return None
    found: list[tuple[float, int, int]] = []
    for place, batch in enumerate(batches):
        for number, output in enumerate(outputs):
            if batch.shape != output.shape or len(batch) < 4 or batch.device != output.device:
                continue
            one, other = (value[:_ROWS].detach().flatten(1).float() for value in (batch, output))
            distances = (
                one.square().sum(1)[:, None] + other.square().sum(1)[None] - 2 * one @ other.T
            ).clamp(min=0)
            own = distances.diagonal().mean()
            rest = (distances.sum() - distances.diagonal().sum()) / (len(one) * (len(one) - 1))
            nearest = (distances.argmin(1) == torch.arange(len(one), device=one.device)).float().mean()
            ratio, share = torch.stack([own / rest.clamp(min=1e-30), nearest]).tolist()
            found.append((ratio if share > _SHARE else 1.0, place, number))
    found.sort()
    if not found or found[0][0] >= _RATIO:
        return None
    ratio, place, number = found[0]
    if any(rival < 2 * ratio for rival, elsewhere, _ in found if elsewhere != place):
        return None
    return place, number
