"""One batch over several processes: concatenation with the gradient that belongs to it.

Layers that look across the batch must see the batch of all processes, or training with two processes of
32 samples is another training than one process of 64. What makes it the same:

* every process sees the samples of all, in the order of the ranks;
* on the way back the gradients that the processes have for one sample are *added* at the process that owns
  the sample, because each process's loss depends on it;
* the average over processes that `DistributedDataParallel` takes of the parameters' gradients then turns the
  mean over each local batch into the mean over the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor

_gathering_allowed: ContextVar[bool] = ContextVar("equipoise_gathering_allowed", default=True)


@contextmanager
def local_batch_only() -> Iterator[None]:
    """Inside, batch-coupled layers look at this process's samples only and communicate nothing.

    Needed wherever one process alone calls a network (a probe or a sample grid on the main process):
    the collective operation would wait for the others for ever.

    Example:
        >>> with local_batch_only():
        ...     world_size()
        1
    """
    token = _gathering_allowed.set(False)
    try:
        yield
    finally:
        _gathering_allowed.reset(token)


def world_size() -> int:
    """How many processes the batch is spread over; 1 without `torch.distributed` or in `local_batch_only`.

    Example:
        >>> world_size()
        1
    """
    if not (_gathering_allowed.get() and distributed.is_available() and distributed.is_initialized()):
        return 1
    return distributed.get_world_size()


def own_slice(local_size: int) -> slice:
    """Where this process's samples are in what `gather_with_gradient` returns.

    Args:
        local_size: the number of samples of this process; the same in every process.

    Example:
        >>> own_slice(32)
        slice(0, 32, None)
    """
    rank = distributed.get_rank() if world_size() > 1 else 0
    return slice(rank * local_size, (rank + 1) * local_size)


def gather_with_gradient(tensor: Tensor) -> Tensor:
    """The tensors of all processes, concatenated along the first dimension in the order of the ranks.

    The backward pass adds what all processes contribute to the gradient of a sample, and is itself
    differentiable, so that gradient penalties (R1, WGAN-GP) go through. All processes must call it, with
    the same shape and the same number of backward passes.

    Args:
        tensor: shape (N, ...), the same N in every process.

    Returns:
        Shape (processes * N, ...); with one process, or without `torch.distributed`, `tensor` itself.

    Example:
        >>> samples = torch.arange(3.0)
        >>> gather_with_gradient(samples) is samples
        True
    """
    if world_size() == 1:
        return tensor
    return _Gather.apply(tensor)


class _Gather(torch.autograd.Function):
    """All samples from each process's own; the transpose of `_SumOwn`."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        context.local_size = tensor.shape[0]
        tensor = tensor.detach().contiguous()
        processes = distributed.get_world_size()
        gathered = tensor.new_empty((processes * tensor.shape[0], *tensor.shape[1:]))
        distributed.all_gather(list(gathered.chunk(processes)), tensor)
        return gathered

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        return _SumOwn.apply(gradients[0], context.local_size)


class _SumOwn(torch.autograd.Function):
    """The sum over processes of the rows that this process owns; the transpose of `_Gather`."""

    @staticmethod
    def forward(context: Any, tensor: Tensor, local_size: int) -> Tensor:
        # All-reduce rather than reduce-scatter: every backend has it.
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        start = distributed.get_rank() * local_size
        return total[start : start + local_size].clone()

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        return _Gather.apply(gradients[0]), None
