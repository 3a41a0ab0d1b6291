"""Hooks that cannot hurt: inert in copies and pickles, silent after a fault, gone after close."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

Result = TypeVar("Result")


class Problems:
    """What went wrong inside the sensors; a sensor that fails is switched off, the user's loop goes on."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._off: set[str] = set()

    def off(self, sensor: str) -> bool:
        return sensor in self._off

    def report(self, sensor: str, error: BaseException) -> None:
        self._off.add(sensor)
        self.sentences.append(
            f"The sensor `{sensor}` was switched off after {type(error).__name__}: {str(error)[:200]}"
        )


def harmless(sensor: str) -> Callable[[Callable[..., Result]], Callable[..., Result | None]]:
    """For methods of an object with `problems`: no graph, no exception leaves, a fault switches it off."""

    def decorate(method: Callable[..., Result]) -> Callable[..., Result | None]:
        @functools.wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Result | None:
            if self.problems.off(sensor):
                return None
            try:
                with torch.no_grad():
                    return method(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001  a fault in a sensor must never reach the user's loop
                self.problems.report(sensor, error)
                return None

        return wrapper

    return decorate


def shielded(problems: Problems, sensor: str, hook: Callable[..., None]) -> Callable[..., None]:
    """For hooks on tensors and autograd nodes: no exception reaches the user's backward pass.

    The grad mode is left as it is, because such a hook reads from it whether a graph is being built.
    """

    def guarded(*args: Any) -> None:
        if problems.off(sensor):
            return
        try:
            hook(*args)
        except Exception as error:  # noqa: BLE001  a fault in a sensor must never reach the user's loop
            problems.report(sensor, error)

    return guarded


class Hook:
    """A callable for torch's hooks that refers to its owner weakly.

    A deep copy of the user's module and a pickle of it get an inert hook, so that neither copies the watcher
    nor fails; a deep copy of the generator tells the watcher that it exists, because it may be an average.
    """

    def __init__(self, owner: Any = None, method: str = "") -> None:
        self._owner = None if owner is None else weakref.ref(owner)
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        # While torch.compile traces, the hook must leave no trace in the graph.
        if self._owner is None or torch.compiler.is_compiling():
            return
        owner = self._owner()
        if owner is not None:
            getattr(owner, self._method)(*args, **kwargs)

    def is_on(self, module: nn.Module) -> bool:
        """Whether one that calls the same method of the same owner is among a module's forward hooks."""
        hooks = [one for one in module._forward_hooks.values() if isinstance(one, Hook)]
        return any(one._owner == self._owner and one._method == self._method for one in hooks)

    def __deepcopy__(self, memo: dict[int, Any]) -> Hook:
        # A copy of the generator may be its moving average; it is only noticed when it is called.
        if self._owner is not None and self._method == "_on_generator":
            copied = Hook()
            copied._owner, copied._method = self._owner, "_on_generator_copy"
            return copied
        return Hook()

    def __copy__(self) -> Hook:
        return Hook()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Hook, ())


def unwrapped(module: nn.Module) -> nn.Module:
    """The user's own module inside DistributedDataParallel, DataParallel and torch.compile wrappers."""
    while True:
        if isinstance(module, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            module = module.module
        elif isinstance(getattr(module, "_orig_mod", None), nn.Module):
            module = module._orig_mod  # type: ignore[assignment]
        else:
            return module


def hook_targets(module: nn.Module) -> list[nn.Module]:
    """Where to put a forward hook so that every call is seen.

    The inner module sees calls through DistributedDataParallel and direct ones. A compiled module's calls are
    seen from outside only: inside, the compiler has traced the hooks away.
    """
    inner = unwrapped(module)
    targets = [inner]
    layer = module
    while layer is not inner:
        if isinstance(getattr(layer, "_orig_mod", None), nn.Module):
            targets.append(layer)
            layer = layer._orig_mod  # type: ignore[assignment]
        else:
            layer = layer.module  # type: ignore[assignment]
    return targets
