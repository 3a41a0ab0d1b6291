"""A relativistic average loss of which one of the two terms has the wrong target.

Both terms push both sides: the first compares the reals with the mean of the fakes, the second the fakes
with the mean of the reals. With one of them turned round the pushes nearly cancel, and no sign tells; but
the slope is still an exact function of the scores, with one free scale.

Source: Jolicoeur-Martineau 2018 (1807.00734), section 3.4, with the targets of one term exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from equipoise.watching.fingerprint import Batch, sigmoid

Array = NDArray[np.float64]
# Exact slopes fit to rounding (mixed precision: to a few thousandths).
_EXACT = 0.02
_RECORDS = 3


def _logistic(distance: Array) -> Array:
    """Minus the derivative of softplus(-distance)."""
    return sigmoid(-distance)


def _hinge(distance: Array) -> Array:
    return (distance < 1).astype(float)


_PUSHES: dict[str, Callable[[Array], Array]] = {
    "relativistic-average": _logistic,
    "relativistic-average-hinge": _hinge,
}


def slopes(push: Callable[[Array], Array], first: Array, second: Array, *turned: str) -> tuple[Array, Array]:
    """Slopes of mean f(a) + mean f(b), a = first - mean(second), b = mean(first) - second.

    Args:
        push: -f', of a distance that the loss widens.
        first, second: scores of the side to be raised and of the other.
        turned: which of the two terms, "first" and "second", have the other target: f(-a), f(-b).
    """
    ahead, behind = first - second.mean(), first.mean() - second
    raised = -push(-ahead) if "first" in turned else push(ahead)
    lowered = -push(-behind) if "second" in turned else push(behind)
    return -raised - lowered.mean(), lowered + raised.mean()


def _error(predicted: Array, seen: Array) -> float:
    square = float(predicted @ predicted)
    scale = float(predicted @ seen) / square if square else 0.0
    size = float(np.sqrt(np.mean(seen**2)))
    if scale <= 0 or not size:
        return float("inf")
    return float(np.sqrt(np.mean((scale * predicted - seen) ** 2))) / size


def half_turned(batches: Sequence[Batch]) -> dict[str, str]:
    """{player: family} for each player of whose loss one of the two terms has the wrong target.

    Which one it is of the discriminator's depends on whether higher is meant to be real, and is not said.
    """
    found: dict[str, str] = {}
    whole = [one for one in batches if len(one.real_slope) and len(one.fake_slope)]
    made = [one for one in batches if len(one.generator_slope) and len(one.generator_real)]
    for player, used in (("discriminator", whole), ("generator", made)):
        if len(used) < _RECORDS:
            continue
        seen = np.concatenate([_seen(player, one) for one in used])
        if not np.all(np.isfinite(seen)):
            continue
        errors = {
            (family, turned): _error(
                np.concatenate([_said(player, push, one, *turned) for one in used]), seen
            )
            for family, push in _PUSHES.items()
            for turned in ((), ("first",), ("second",))
        }
        (family, turned), error = min(errors.items(), key=lambda entry: entry[1])
        if turned and error < _EXACT:
            found[player] = family
    return found


def _seen(player: str, one: Batch) -> Array:
    if player == "generator":
        return one.generator_slope
    return np.concatenate([one.real_slope, one.fake_slope])


def _said(player: str, push: Callable[[Array], Array], one: Batch, *turned: str) -> Array:
    if player == "generator":
        # Its loss is the discriminator's with the roles exchanged.
        return slopes(push, one.generator, one.generator_real, *turned)[0]
    return np.concatenate(slopes(push, one.real, one.fake, *turned))
