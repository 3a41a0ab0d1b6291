"""What the gradient penalties share: the discriminator's gradient at its input, its norm, its random numbers.

The gradient is that of the *sum* of the logits. When the discriminator judges each sample alone this is the
gradient of each sample's own logit. With layers that couple the batch (minibatch discrimination, minibatch
standard deviation, batch norm) a sample also moves the logits of the others, and the gradient holds both:
an approximation of the per-sample gradient that every published implementation makes too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError
from equipoise.penalties.base import StepContext


def unwrapped(network: nn.Module) -> nn.Module:
    """The network inside a distributed wrapper, or the network itself."""
    parallel = (nn.parallel.DistributedDataParallel, nn.DataParallel)
    return network.module if isinstance(network, parallel) else network


def pack_of(discriminator: nn.Module) -> int:
    """How many consecutive samples the discriminator judges together (PacGAN); 1 unless it says so."""
    return int(getattr(unwrapped(discriminator), "pack", 1))


def widened(tensor: Tensor) -> Tensor:
    """The tensor in float32 or wider: sums of squares in half precision overflow or vanish."""
    return tensor if tensor.dtype.itemsize >= 4 else tensor.float()


def require_whole_packs(number: int, pack: int) -> None:
    """Refuse a batch that a packed discriminator cannot divide into packs."""
    if number % pack:
        raise EquipoiseError(
            f"`batch_size` must be a multiple of the discriminator's pack {pack}, but it is {number}; "
            "change one of the two."
        )


def judge(discriminator: nn.Module, samples: Tensor, labels: Tensor | None) -> Tensor:
    """The discriminator's logits, with labels where there are labels."""
    logits: Tensor = discriminator(samples) if labels is None else discriminator(samples, labels)
    return logits


def input_gradient(discriminator: nn.Module, samples: Tensor, labels: Tensor | None = None) -> Tensor:
    """The gradient of the discriminator's logits at its input, with graph, for a second backward pass.

    The pass runs without autocast: in half precision the squares of small gradients vanish.

    Args:
        discriminator: called with the samples, and the labels unless they are None.
        samples: shape (N, ...); detached here.
        labels: shape (N,) or None.

    Returns:
        The gradient of the sum of all logits in float32 or wider, of the samples' shape.

    Raises:
        EquipoiseError: when the logits have no graph, or the batch is no whole number of packs.

    Example:
        >>> critic = nn.Linear(2, 1, bias=False)
        >>> gradient = input_gradient(critic, torch.zeros(5, 2))
        >>> bool((gradient == critic.weight).all())
        True
    """
    require_whole_packs(len(samples), pack_of(discriminator))
    dtype = next((p.dtype for p in discriminator.parameters() if p.is_floating_point()), samples.dtype)
    with torch.enable_grad(), torch.autocast(samples.device.type, enabled=False):
        inputs = samples.detach().to(dtype).requires_grad_(True)
        logits = judge(discriminator, inputs, labels)
        if not logits.requires_grad:
            raise EquipoiseError(
                "`discriminator` must return logits with a graph for a gradient penalty, but they have none; "
                "remove detach() and no_grad() from its forward pass."
            )
        (gradient,) = torch.autograd.grad(
            widened(logits).sum(), inputs, create_graph=True, materialize_grads=True
        )
    return widened(gradient)


def squared_norms(gradient: Tensor, pack: int = 1) -> Tensor:
    """The squared Euclidean norm of each sample's gradient over all its axes, jointly for each pack.

    Args:
        gradient: shape (N, ...).
        pack: how many consecutive samples make one sample of the discriminator.

    Returns:
        Shape (N / pack,).

    Raises:
        EquipoiseError: when `pack` does not divide N.

    Example:
        >>> squared_norms(torch.ones(4, 3, 2, 2)).tolist()
        [12.0, 12.0, 12.0, 12.0]
        >>> squared_norms(torch.ones(4, 3), pack=2).tolist()
        [6.0, 6.0]
    """
    require_whole_packs(len(gradient), pack)
    return gradient.reshape(len(gradient) // pack, -1).square().sum(1)


def norms(gradient: Tensor, pack: int = 1) -> Tensor:
    """The norm of each sample's (or pack's) gradient; its own gradient at 0 is 0 and not NaN.

    Args, returns, raises: as `squared_norms`.

    Example:
        >>> norms(torch.ones(2, 4)).tolist()
        [2.0, 2.0]
    """
    squares = squared_norms(gradient, pack)
    positive = squares > 0
    # The inner `where` keeps the infinite slope of the root at 0 out of the backward pass.
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def required_random(context: StepContext, penalty: str) -> torch.Generator:
    """The step's random generator; chance from anywhere else would break an exact resume."""
    if context.random is None:
        raise EquipoiseError(
            f"`context.random` must be a torch.Generator for the penalty `{penalty}`, but it is None; "
            "create one with a seed and pass it with every step."
        )
    generator: torch.Generator = context.random
    return generator


def uniform(shape: tuple[int, ...], like: Tensor, random: torch.Generator) -> Tensor:
    """Numbers from U(0, 1) in `like`'s type and device, drawn on the generator's device."""
    drawn: Any = torch.rand(shape, generator=random, device=random.device)
    return drawn.to(like.device, like.dtype)


def normal(shape: tuple[int, ...], like: Tensor, random: torch.Generator) -> Tensor:
    """Numbers from N(0, 1) in `like`'s type and device, drawn on the generator's device."""
    drawn: Any = torch.randn(shape, generator=random, device=random.device)
    return drawn.to(like.device, like.dtype)
