"""Whether the discriminator's own step sends anything back to its scores.

It may be trained by what stands beside them only: the class term without the adversarial one, or a gradient
penalty whose loss was sent back alone. A penalty on a sigmoid's output reaches that output itself when it is
differentiated twice, so what reaches the scores of a penalised batch says nothing of the adversarial loss.
"""

from __future__ import annotations

from collections.abc import Iterable

from equipoise.watching.passes import DiscriminatorPass


def sent_back(passes: Iterable[DiscriminatorPass]) -> bool | None:
    """Whether a loss reached the scores in a step of the discriminator.

    Returns:
        False if samples were scored there, with a graph, and no score but a penalty's had a slope;
        None where that cannot be said: nothing was scored for it (a step of a penalty, or of another term),
        or it is not certain which of its answers are scores.

    Args:
        passes: all that wait at the discriminator's update.
    """
    known = [one for one in passes if not one.penalty_norms]
    if any(one.sloped for one in known):
        return True
    own = [one for one in known if not one.attached and one.certain]
    return False if any(score.live for one in own for score in one.scores) else None


def fakes_used(passes: Iterable[DiscriminatorPass]) -> bool | None:
    """Whether the scores of the generator's samples, computed in a step of the discriminator, enter its loss.

    Returns:
        False if they were scored with a graph and nothing was sent back to them, while one other batch was
        the only one with a slope: its scores stand in the place of theirs. None if no fakes were scored in a
        pass of their own, or if the fakes of the loss may be elsewhere, augmented: several other batches
        have slopes, or one that is long enough to hold reals and fakes.

    Args:
        passes: all that wait at the discriminator's update.
    """
    # Also fakes that were not detached: what both losses use was sent back by the discriminator's first.
    own = [one for one in passes if not one.penalty_norms and one.certain]
    fakes = [one for one in own if one.link is not None and one.rows is None and not one.pairs]
    if not fakes:
        return None
    if any(one.sloped for one in fakes):
        return True
    live = all(score.live for one in fakes for score in one.scores)
    attached = any(one.attached and one.sloped for one in passes)
    others = [one for one in own if one.link is None and one.sloped]
    if not live or len(others) != 1 or attached:
        return None
    rows = max(len(one.samples) for one in fakes)
    return False if len(others[0].samples) < 2 * rows else None
