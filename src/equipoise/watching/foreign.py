"""What the generator's loss adds to the discriminator's gradient behind the discriminator's own loss.

Where both losses are sent back before either update, the generator's goes through the discriminator last and
leaves its gradient there, for the discriminator's step to use: unless the weights ask for none meanwhile, or
are cleared. The engine tells which backward pass reaches a weight, and its end shows what it has added.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from equipoise.watching.asked import reached
from equipoise.watching.attachment import Problems, shielded
from equipoise.watching.passes import Assignment, DiscriminatorPass


class Foreign:
    """The last backward pass that added to the discriminator's gradient: whose it was and what it added."""

    def __init__(self, discriminator: nn.Module, problems: Problems) -> None:
        self._discriminator, self._problems = discriminator, problems
        self._last = -1
        self._share: Tensor | None = None
        self._generator: set[int] = set()

    def backward(self) -> None:
        """A backward pass reached a score: the first of its scores."""
        weight = next((one for one in self._discriminator.parameters() if reached(one)), None)
        if weight is None:
            return
        self._last, self._share = torch._C._current_graph_task_id(), None
        before = None if weight.grad is None else weight.grad.detach().clone()

        def end() -> None:
            if weight.grad is not None and not weight.grad.is_sparse:
                after = weight.grad.detach()
                added = after if before is None or before.is_sparse else after - before
                self._share = added.norm() / after.norm().clamp(min=1e-30)

        engine = torch.autograd.Variable._execution_engine
        engine.queue_callback(shielded(self._problems, "foreign-gradients", end))

    def generator(self, passes: Iterable[DiscriminatorPass]) -> None:
        """The generator's update: the passes that its loss was sent back through."""
        self._generator |= _tasks(passes)

    def discriminator(self, assignment: Assignment) -> Tensor | None:
        """The discriminator's update: the share that the generator's loss added last; None if unknown.

        Reals are sent the discriminator's own loss: what reached one of them is no other's. One pass of the
        fakes may be sent both.
        """
        last, share = self._last, self._share
        own = _tasks(part.owner for part in assignment.real)
        foreign = last in (self._generator | _tasks(assignment.leftover)) - own
        self.forget()
        if last < 0 or not own:
            return None
        return share if foreign else torch.zeros(())

    def forget(self) -> None:
        """Begin anew."""
        self._last, self._share, self._generator = -1, None, set()


def _tasks(passes: Iterable[DiscriminatorPass]) -> set[int]:
    return {task for one in passes if not one.reversed for score in one.scores for task in score.tasks}
