"""Batches that are scored for a gradient penalty only, and are neither real nor fake.

Differentiated twice, a penalty on a sigmoid's output s reaches that output itself (s' = s (1 - s) depends on
it), so a slope arrives at its scores as a loss's would. Where the reals are scored in a pass of their own,
the penalty's points (interpolates, reals with noise as in Kodali et al., "On Convergence and Stability of
GANs", 2017) are not them, whatever arrived there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass

# Samples moved with a little noise still go along; two batches of data do not.
_ALONG = 0.7


def only_penalised(
    one: DiscriminatorPass,
    passes: Sequence[DiscriminatorPass],
    pushed_like_fakes: Sequence[DiscriminatorPass],
) -> bool:
    """Whether a pass of the discriminator's step is a penalty's alone.

    True if its samples were differentiated for a penalty, and another batch that the generator did not make
    was scored without one, of other values. The reals of R1 have no such batch beside them, or it is the
    same one, scored again.

    Args:
        one: the pass asked about.
        passes: all passes of the step.
        pushed_like_fakes: those that cannot be the reals, as they are pushed with the fakes.
    """
    if not one.penalty_norms or not one.differentiable or one.link is not None or one.tagged is not None:
        return False
    beside = [
        other
        for other in passes
        if other is not one
        and not other.penalty_norms
        and not other.attached
        and other.link is None
        and other.member == one.member
        and not any(other is fake for fake in pushed_like_fakes)
        and other.samples.shape == one.samples.shape
        and any(score.live for score in other.scores)
    ]
    return bool(beside) and not any(torch.equal(other.samples, one.samples) for other in beside)


def without_graph(passes: Sequence[DiscriminatorPass]) -> int:
    """How many batches' ds/dx a loop asked for without `create_graph`, for nothing else that can be seen.

    Where another batch is the same one moved along that slope or its sign (Goodfellow et al., "Explaining and
    Harnessing Adversarial Examples", 2015), it was asked for to move the samples.
    """
    return sum(
        any(not _moves(slope, one, passes) for slope in one.asked_slopes)
        for one in passes
        if one.asked_slopes and not one.penalty_norms
    )


def _moves(slope: Tensor, one: DiscriminatorPass, passes: Sequence[DiscriminatorPass]) -> bool:
    for other in passes:
        if other is one or other.samples.shape != slope.shape:
            continue
        change = (other.samples - one.samples).reshape(-1).float()
        for way in (slope, slope.sign()):
            if abs(float(torch.cosine_similarity(change, way.reshape(-1).float(), dim=0))) > _ALONG:
                return True
    return False
