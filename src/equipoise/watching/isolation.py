"""Working on copies, so that nothing of the user's changes: no buffer, flag, gradient or random number."""

from __future__ import annotations

import contextlib
import copy
import functools
import random
import types
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.watching.attachment import Hook

if TYPE_CHECKING:
    from equipoise.watching.watcher import Watcher


@contextlib.contextmanager
def preserved_randomness(seed: int | None = None) -> Iterator[None]:
    """Restore the random state of Python, NumPy and torch (all devices) on leaving; `seed` seeds inside."""
    python, numpy_state = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            if seed is not None:
                torch.manual_seed(seed)
                random.seed(seed)
                np.random.seed(seed % 2**32)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)


@contextlib.contextmanager
def unheard(watcher: Watcher) -> Iterator[None]:
    """Networks that are called in between are called by us, and the watcher does not listen."""
    before, watcher.busy = watcher.busy, True
    try:
        yield
    finally:
        watcher.busy = before


_ISOLATED: weakref.WeakSet[nn.Module] = weakref.WeakSet()


def is_isolated(module: nn.Module) -> bool:
    """Whether a module is one of our own copies, or a part of one."""
    return module in _ISOLATED


def isolated_copy(module: nn.Module) -> nn.Module:
    """A deep copy that shares nothing with the module and carries no hook that would.

    Attributes that are computed tensors (old-style weight and spectral normalisation keep their result on the
    module) cannot be copied deeply by torch; they are replaced by detached clones, which the module's own
    hooks recompute at the next forward pass.
    """
    memo: dict[int, Any] = {}
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    for parameter in module.parameters():
        if parameter.grad is not None:
            # A copy of the gradient is never needed; None keeps it small.
            memo[id(parameter.grad)] = None
    result = copy.deepcopy(module, memo)
    for part in result.modules():
        for hooks in (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks):
            for key in [key for key, hook in hooks.items() if _foreign(hook)]:
                del hooks[key]
                part._forward_hooks_with_kwargs.pop(key, None)
                part._forward_pre_hooks_with_kwargs.pop(key, None)
                part._forward_hooks_always_called.pop(key, None)
    for parameter in result.parameters():
        parameter.grad = None
    for part in result.modules():
        _ISOLATED.add(part)
    return result


def _foreign(hook: Any) -> bool:
    """Ours, or a plain function of the user's: a copy shares it, and what it writes to is the user's.

    Callable objects and bound methods are copied with the module (old-style weight normalisation is one).
    """
    while isinstance(hook, functools.partial):
        hook = hook.func
    return isinstance(hook, (Hook, types.FunctionType, types.BuiltinFunctionType))


@contextlib.contextmanager
def plain_numbers(device: torch.device) -> Iterator[None]:
    """Full precision, gradients enabled, no inference mode: the setting every probe computes in."""
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device_type=device.type, enabled=False),
    ):
        yield


def module_device(module: nn.Module) -> torch.device:
    """The device of the first parameter or buffer; the CPU if there is none."""
    for tensor in (*module.parameters(), *module.buffers()):
        return tensor.device
    return torch.device("cpu")
