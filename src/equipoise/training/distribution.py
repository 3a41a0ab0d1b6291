"""Several processes with one batch: the average of the gradients, and the scores.

The networks are not wrapped by DistributedDataParallel. Its reducer expects one forward and one backward
pass a step; a discriminator has two forward passes and, with a gradient penalty, a second derivative, for
which the reducer's hooks fire early or twice, and its buffer broadcasts raise in-place errors. One all-reduce
of all gradients of a player, after its backward pass, computes the same average, is exact, and needs no
exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from equipoise.layers.gather import world_size


def rank() -> int:
    """Which process this is; 0 when there is one."""
    return distributed.get_rank() if world_size() > 1 else 0


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes; nothing happens in a single process.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> layer.weight.grad = torch.ones(1, 1)
        >>> average_gradients(layer.parameters())
        >>> layer.weight.grad.item()
        1.0
    """
    processes = world_size()
    if processes == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes
    position = 0
    for gradient in gradients:
        gradient.copy_(flat[position : position + gradient.numel()].view_as(gradient))
        position += gradient.numel()


@torch.no_grad()
def read_scores(scores: Mapping[str, Tensor]) -> dict[str, float]:
    """The scores as numbers, averaged over the processes; this waits for the device.

    Example:
        >>> read_scores({"loss": torch.tensor(0.5)})
        {'loss': 0.5}
    """
    if not scores:
        return {}
    values = torch.stack([value.detach().float().reshape(()) for value in scores.values()])
    processes = world_size()
    if processes > 1:
        distributed.all_reduce(values)
        values /= processes
    return dict(zip(scores, values.tolist()))


@torch.no_grad()
def average_buffers(network: nn.Module) -> None:
    """Make the floating-point buffers of all processes equal by averaging them.

    Running statistics of batch normalisation differ between processes where it is not synchronised; before a
    checkpoint they are made one, so that a resumed run goes on from what was saved.
    """
    processes = world_size()
    if processes == 1:
        return
    for buffer in network.buffers():
        if buffer.is_floating_point():
            distributed.all_reduce(buffer)
            buffer /= processes
