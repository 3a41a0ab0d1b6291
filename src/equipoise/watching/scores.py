"""The adversarial score in whatever a discriminator returns, and the loss's slope at it.

A discriminator may return one number per sample, a map of patches, several scales, features beside the
score, or classes beside it. A score is a tensor that no other returned tensor was computed from. Where a
sigmoid is the last operation the score is what went into it, because the slope with respect to the
probability is unbounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from equipoise.watching.asked import never
from equipoise.watching.classes import Reading, Readings, read_slopes, read_values, told_nothing
from equipoise.watching.tree import Path, float32, floating_tensors

# Operations that only rearrange; between a sigmoid and the returned tensor they change nothing.
_REARRANGING = (
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "T", "Transpose", "Permute",
    "Clone", "Expand", "Select", "Slice", "ToCopy",
)  # fmt: skip
_ANCESTORS = 4000
# One number a sample is 0, a map of one channel 1; what comes behind may be features or classes.
SURE_LIKENESS = 1


@dataclass(eq=False)
class Score:
    """One score tensor of one forward pass.

    Attributes:
        path: where in the discriminator's output it stands.
        values: the scores before a final sigmoid, flat per sample: (rows, places), detached, float32.
        raw: the tensor as returned, flat per sample, detached, float32.
        sigmoid: whether the last operation was a sigmoid.
        slopes: dL/ds of each backward pass through it, in the shape of `values`; not of penalty passes.
        raw_slopes: the same with respect to the returned tensor.
        penalty_passes: how often it was differentiated with create_graph, as gradient penalties do.
        reading: how the loss reads several classes as one score; None if each number is a score.
        answers: where there is a reading, the flat answers behind `values` and `raw`.
        order: number of the first backward pass that reached it, or -1.
        tasks: the engine's numbers of all of them.
        live: whether a loss could be sent back to it, which it cannot under no_grad.
    """

    path: Path
    values: Tensor
    raw: Tensor
    sigmoid: bool
    shape: tuple[int, ...]
    slopes: list[Tensor] = field(default_factory=list)
    raw_slopes: list[Tensor] = field(default_factory=list)
    penalty_passes: int = 0
    order: int = -1
    tasks: set[int] = field(default_factory=set)
    reading: Reading | None = None
    answers: Tensor | None = None
    live: bool = False

    def read_as(self, reading: Reading) -> None:
        """Make one score of its classes, and one slope of what was sent back to them."""
        if self.reading is not None or self.sigmoid:
            return
        self.reading, self.answers = reading, self.raw
        self.values = self.raw = read_values(self.raw, self.shape, reading)
        sent, self.raw_slopes, self.slopes = self.raw_slopes, [], []
        for slope in sent:
            self.take(slope)

    def take(self, slope: Tensor) -> None:
        """What a loss sent back to the flat answers."""
        if self.reading is not None and self.answers is not None:
            if told_nothing(slope, self.shape, self.reading):
                return
            slope = read_slopes(self.answers, slope, self.shape, self.reading)
        self.raw_slopes.append(slope)
        if not self.sigmoid:
            self.slopes.append(slope)


def _flat(value: Tensor, rows: int) -> Tensor:
    value = float32(value)
    if value.ndim == 0 or rows <= 0 or value.shape[0] != rows:
        # Packed or scalar outputs: every element counts as a row of its own group.
        return value.reshape(value.shape[0] if value.ndim else 1, -1)
    return value.reshape(rows, -1)


def terminal_tensors(output: Any) -> list[tuple[Path, Tensor]]:
    """The floating tensors of an output from which no other returned tensor was computed."""
    found = [(path, value) for path, value in floating_tensors(output)]
    if len(found) <= 1:
        return found
    nodes = {value.grad_fn: index for index, (_, value) in enumerate(found) if value.grad_fn is not None}
    if not nodes:
        return found
    inner: set[int] = set()
    for start in list(nodes):
        seen: set[Any] = set()
        frontier = [parent for parent, _ in start.next_functions if parent is not None]
        while frontier and len(seen) < _ANCESTORS:
            node = frontier.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in nodes:
                inner.add(nodes[node])
            frontier += [parent for parent, _ in node.next_functions if parent is not None]
    return [entry for index, entry in enumerate(found) if index not in inner]


def _likeness(value: Tensor, sample_shape: tuple[int, ...]) -> int:
    shape = tuple(value.shape[1:])
    if shape in ((), (1,)):
        return 0
    if len(shape) >= 2 and shape[0] == 1 and shape != sample_shape:
        return 1
    if len(shape) == 1:
        return 3
    return 4 if shape == sample_shape else 2


class Answers:
    """What the answers of a discriminator, or of each of several, have been like so far."""

    def __init__(self) -> None:
        self._best: dict[int, int] = {}

    def only_features(
        self, member: int, terminals: list[tuple[Path, Tensor]], sample_shape: tuple[int, ...]
    ) -> bool:
        """Whether one that gives a number or a map a sample was asked for something else this time."""
        likeness = min((_likeness(value, sample_shape) for _, value in terminals), default=4)
        best = self._best[member] = min(self._best.get(member, likeness), likeness)
        return best <= SURE_LIKENESS < likeness


def choose_scores(
    terminals: list[tuple[Path, Tensor]], sample_shape: tuple[int, ...]
) -> tuple[list[Path], bool]:
    """Which terminal tensors are scores, and whether that is certain.

    One number per sample beats a map of one channel; both beat a row of classes. A tensor of the sample's own
    shape is a reconstruction (an energy-based discriminator), and then the score is not certain. One
    number for the whole batch beside others is a loss that the discriminator computes itself.
    """

    if not terminals:
        return [], False
    several = [entry for entry in terminals if entry[1].ndim] or terminals
    ranked = [(_likeness(value, sample_shape), path) for path, value in several]
    best = min(order for order, _ in ranked)
    if best <= SURE_LIKENESS:
        # Several scales may mix single numbers and one-channel maps.
        return [path for order, path in ranked if order <= SURE_LIKENESS], True
    chosen = [path for order, path in ranked if order == best]
    # A flat row per sample is a set of patches when all places are used alike; that shows only in the slopes.
    return chosen, best in (2, 3) and len(chosen) >= 1


def sigmoid_node(value: Tensor) -> Any | None:
    """The autograd node of a sigmoid that is the last real operation before a tensor, or None."""
    node = value.grad_fn
    for _ in range(8):
        if node is None:
            return None
        name = node.name()
        if name.startswith("SigmoidBackward"):
            return node
        if not name.startswith(_REARRANGING):
            return None
        parents = [parent for parent, _ in node.next_functions if parent is not None]
        if len(parents) != 1:
            return None
        node = parents[0]
    return None


def listen(
    path: Path,
    value: Tensor,
    rows: int,
    on_slope: Callable[[Score], None],
    on_fault: Callable[[Exception], None],
    readings: Readings,
    on_reading: Callable[[Path, Reading], None],
    asked: Callable[[], bool] = never,
) -> Score:
    """Read a score tensor and hook what the loss will send back to it.

    Args:
        path, value: the tensor and where it was returned.
        rows: how many samples were given, to fold patches per sample.
        on_slope: called at every plain backward pass that reaches the score.
        readings: how answers of several classes are read.
        on_reading: called when this answer's loss has shown how it is read.
        asked: tells whether the backward pass under way is no loss that is sent back.
        on_fault: called instead of raising; a fault must never stop the user's backward pass.
    """
    # The closures below must not refer to the node: it holds them, and such a circle is never collected.
    node = sigmoid_node(value) if value.requires_grad else None
    raw = _flat(value, rows)
    values = raw
    if node is not None:
        saved = getattr(node, "_saved_result", None)
        probability = raw if saved is None else _flat(saved.detach(), rows)
        if probability.shape == raw.shape:
            values = torch.logit(probability.double(), eps=1e-12).to(raw.dtype)
    score = Score(path, values, raw, node is not None, tuple(value.shape[1:]))
    if path in readings.known:
        score.read_as(readings.known[path])
    score.live = value.requires_grad
    if not score.live:
        return score

    def receive(gradient: Tensor) -> None:
        # With create_graph the gradient belongs to a penalty on dD/dx, not to the adversarial loss.
        if torch.is_grad_enabled():
            score.penalty_passes += 1
            return
        try:
            if asked():
                return
            slope = _flat(gradient.detach(), rows)
            if score.reading is None and not score.sigmoid:
                shown = readings.learn(path, raw, slope, score.shape)
                if shown is not None:
                    on_reading(path, shown)
                    score.read_as(shown)
            score.take(slope)
            if score.slopes:
                on_slope(score)
        except Exception as error:  # noqa: BLE001
            on_fault(error)

    def receive_at_sigmoid(inputs: tuple[Tensor | None, ...], _: tuple[Tensor | None, ...]) -> None:
        if torch.is_grad_enabled() or not inputs or inputs[0] is None:
            return
        try:
            if asked():
                return
            slope = _flat(inputs[0].detach(), rows)
            if slope.shape == values.shape:
                score.slopes.append(slope)
                on_slope(score)
        except Exception as error:  # noqa: BLE001
            on_fault(error)

    value.register_hook(receive)
    if node is not None:
        node.register_hook(receive_at_sigmoid)
    return score
