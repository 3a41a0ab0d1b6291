"""Gradient reversal: a layer that hands on values as they are and sends their gradient back turned round.

Both players then descend one loss, and one optimizer for both is right. What was sent to the sample is held
against what arrived at the generator's output in the same backward pass: equal values with opposite gradients
come of nothing else.

Source: Ganin and Lempitsky 2015 (1409.7495), section 3.1.
"""

from __future__ import annotations

from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass, GeneratorCall
from equipoise.watching.tree import Path

_OPPOSITE = -0.999
# Other terms of the loss may reach some rows besides (the labelled half of a batch of two domains).
_ROWS = 0.25


def note_sent(one: DiscriminatorPass, gradient: Tensor) -> None:
    """Add up what a backward pass sends through the discriminator to one output of the generator."""
    call, path = one.call, one.output_path
    if call is None or path is None or one.link not in ("storage", "values"):
        return
    if one.rows is not None or one.channels is not None:
        return
    known = call.sent.get(path)
    joined = known is not None and known.shape == gradient.shape
    call.sent[path] = known + gradient if joined and known is not None else gradient


def note_arrived(call: GeneratorCall, path: Path, gradient: Tensor) -> None:
    """What arrived at the output in the same backward pass, beside what was sent."""
    sent = call.sent.pop(path, None)
    if sent is not None and sent.numel() == gradient.numel() and len(sent) == len(gradient):
        call.crossed[path] = (sent, gradient)


def turns_round(leaving: Tensor, arriving: Tensor | None) -> bool:
    """Whether a user's own autograd function sends back the opposite of what it gets.

    Not for built-in operations: those that do so (a negation) turn the values as well.
    """
    if arriving is None or arriving.shape != leaving.shape:
        return False
    return _opposite(arriving.reshape(1, -1), leaving.reshape(1, -1))


def mark_reversed(passes: list[DiscriminatorPass]) -> None:
    """Note at each attached pass whether the gradient was turned, or lost, on its way to the generator."""
    for one in passes:
        call, path = one.call, one.output_path
        if one.attached and not one.reversed and call is not None and path in call.crossed:
            sent, arrived = call.crossed[path]
            one.reversed = _opposite(sent.reshape(len(sent), -1), arrived.reshape(len(arrived), -1))
            one.stopped = not one.reversed and _nothing(sent.flatten(1), arrived.reshape(len(sent), -1))


def _nothing(sent: Tensor, arrived: Tensor) -> bool:
    """Whether nothing arrives of what was sent: a reversal of strength zero. Others may reach some rows."""
    some = (sent != 0).any(dim=1)
    lost = some & (arrived == 0).all(dim=1)
    return bool(lost.sum() >= max(1, _ROWS * len(sent)))


def _opposite(one: Tensor, other: Tensor) -> bool:
    one, other = one.double(), other.double()
    sizes = one.norm(dim=1) * other.norm(dim=1)
    turned = (one * other).sum(dim=1) <= _OPPOSITE * sizes
    some = sizes > 0
    return bool((turned & some).sum() >= max(1, _ROWS * len(one))) if bool(some.any()) else False
