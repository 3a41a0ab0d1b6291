"""Random numbers that do not depend on how many processes share a batch, and that survive a restart.

All chance of a training step comes from two generators whose states are part of the checkpoint: one on the
CPU for latents and labels, one on the samples' device for penalties and augmentations. Every process holds
both in the same state and draws for the batch of all processes; it keeps its own slice.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SHAPED = {torch.rand, torch.randn}
_IN_PLACE = {Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_, Tensor.exponential_, Tensor.random_}


def derived_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, so that no two streams of a run are the same.

    Example:
        >>> derived_seed(0, "latents") != derived_seed(0, "penalties")
        True
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "big") >> 1


class SharedDraws(TorchFunctionMode):
    """Inside, a batch of random numbers is drawn for all processes and cut to this one's samples.

    It concerns draws from one given generator of whose first two dimensions one is the local batch; so a
    penalty that draws one number for each sample draws what it would have drawn with the whole batch in one
    process.

    Args:
        generator: the generator whose draws are shared; others are left alone.
        rank, processes: which process this is, of how many.
        local_sizes: the lengths that are a batch: the number of samples of this process, and of packs.

    Example:
        >>> def draw(processes, rank, size):
        ...     generator = torch.Generator().manual_seed(0)
        ...     with SharedDraws(generator, rank, processes, (size,)):
        ...         return torch.rand(size, 1, generator=generator)
        >>> whole = draw(1, 0, 4)
        >>> torch.equal(torch.cat([draw(2, 0, 2), draw(2, 1, 2)]), whole)
        True
    """

    def __init__(
        self, generator: torch.Generator, rank: int, processes: int, local_sizes: Sequence[int]
    ) -> None:
        super().__init__()
        self.generator = generator
        self.rank = rank
        self.processes = processes
        self.local_sizes = tuple(local_sizes)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if self.processes == 1 or options.get("generator") is not self.generator:
            return func(*args, **options)
        if func in _IN_PLACE:
            return self._in_place(func, args, options)
        if func is torch.randint:
            position = max(i for i, entry in enumerate(args) if isinstance(entry, (tuple, list, torch.Size)))
            shape = tuple(args[position])
            before, after = args[:position], args[position + 1 :]
            return self._own(shape, lambda whole: torch.randint(*before, whole, *after, **options))  # type: ignore[call-overload]
        if func in _SHAPED:
            shape = tuple(args[0]) if len(args) == 1 and not isinstance(args[0], int) else tuple(args)
            return self._own(shape, lambda whole: func(whole, **options))
        return func(*args, **options)

    def _axis(self, shape: Sequence[int]) -> int | None:
        return next((axis for axis, length in enumerate(shape[:2]) if length in self.local_sizes), None)

    def _own(self, shape: tuple[int, ...], draw: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
        axis = self._axis(shape)
        if axis is None:
            return draw(shape)
        length = shape[axis]
        whole = draw((*shape[:axis], self.processes * length, *shape[axis + 1 :]))
        return whole.narrow(axis, self.rank * length, length)

    def _in_place(self, func: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
        target: Tensor = args[0]

        def draw(shape: tuple[int, ...]) -> Tensor:
            drawn: Tensor = func(target.new_empty(shape), *args[1:], **options)
            return drawn

        return target.copy_(self._own(tuple(target.shape), draw))


def encode_state(generator: torch.Generator) -> str:
    """A generator's state as text for JSON; `decode_state` sets it again."""
    return base64.b64encode(generator.get_state().numpy().tobytes()).decode("ascii")


def decode_state(generator: torch.Generator, text: str) -> None:
    """Put a generator into the state that `encode_state` wrote down.

    Example:
        >>> generator = torch.Generator().manual_seed(3)
        >>> kept = encode_state(generator)
        >>> first = torch.rand(2, generator=generator)
        >>> decode_state(generator, kept)
        >>> torch.equal(torch.rand(2, generator=generator), first)
        True
    """
    generator.set_state(torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8))
