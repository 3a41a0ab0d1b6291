"""The adversarial score of a discriminator's answer, with its graph, before a final sigmoid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from equipoise.watching.anatomy import float32_graph
from equipoise.watching.classes import Reading, read_values
from equipoise.watching.scores import choose_scores, terminal_tensors
from equipoise.watching.tree import Path, at_path, floating_tensors, map_tensors

_SIGMOIDS: tuple[Callable[..., Any], ...] = (
    torch.sigmoid,
    torch.Tensor.sigmoid,
    torch.special.expit,
    nn.functional.sigmoid,
)
_KEPT = 8


class _Sigmoids(TorchFunctionMode):
    """Remembers what went into the last sigmoids and what came out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = args[0] if args else None
        result = func(*args, **(kwargs or {}))
        if func in _SIGMOIDS and isinstance(given, Tensor) and isinstance(result, Tensor):
            self.seen = [*self.seen[1 - _KEPT :], (given, result)]
        return result

    def before(self, value: Tensor) -> Tensor:
        """What went into the sigmoid that gave `value` or what `value` is a view of; `value` if none did."""
        for given, result in reversed(self.seen):
            if result.numel() == value.numel() and (
                result is value or torch.equal(result.detach().reshape(-1), value.detach().reshape(-1))
            ):
                return given.reshape(value.shape)
        return value


def score_paths(
    discriminator: nn.Module, args: Any, kwargs: Any, sample_shape: tuple[int, ...], sample: Path
) -> list[Path]:
    """Where the scores of the sample stand in what the discriminator returns.

    A discriminator that takes a real and a fake in one call returns scores of both; those that do not depend
    on the sample are not its own.
    """

    def tracked(path: Path, value: Tensor) -> Tensor:
        return value.detach().requires_grad_() if path == sample and value.is_floating_point() else value

    tree = map_tensors({"args": args, "kwargs": kwargs}, tracked)
    live = dict(floating_tensors(tree)).get(sample)
    with torch.enable_grad():
        output = discriminator(*tree["args"], **tree["kwargs"])
        terminals = terminal_tensors(output)
        chosen = choose_scores(terminals, sample_shape)[0]
        if live is None or len(chosen) < 2:
            return chosen
        values = dict(terminals)
        own = [path for path in chosen if values[path].requires_grad and _depends(values[path], live)]
    return own or chosen


def _depends(value: Tensor, sample: Tensor) -> bool:
    (gradient,) = torch.autograd.grad(value.sum(), sample, retain_graph=True, allow_unused=True)
    return gradient is not None


def scores(
    discriminator: nn.Module,
    args: Any,
    kwargs: Any,
    paths: list[Path],
    rows: int,
    readings: Mapping[Path, Reading] | None = None,
) -> Tensor:
    """The scores of a batch before a final sigmoid, shape (rows, places), in float32 or wider, with their
    graph.

    Several maps or scales stand side by side, and so do places that were flattened into the batch. A score
    that was given to a pack of samples is repeated for each.
    """
    with _Sigmoids() as sigmoids:
        output = discriminator(*args, **kwargs)
    columns = []
    for path in paths:
        value = float32_graph(sigmoids.before(at_path(output, path)))
        if value.ndim == 0:
            value = value.reshape(1)
        shape = tuple(value.shape[1:])
        value = value.reshape(len(value), -1)
        reading = (readings or {}).get(path)
        if reading is not None:
            value = read_values(value, shape, reading)
        if len(value) != rows and rows % len(value) == 0:
            value = value.repeat_interleave(rows // len(value), dim=0)
        elif len(value) > rows and len(value) % rows == 0:
            # Places (patches, several views of a sample) flattened into the batch, sample by sample.
            value = value.reshape(rows, -1)
        columns.append(value)
    return torch.cat(columns, dim=1)
