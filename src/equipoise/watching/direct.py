"""Listening to `module.forward(...)`: a loop that calls it so passes by every forward hook of torch."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import torch
from torch import nn

from equipoise.watching.attachment import Hook


class DirectCalls:
    """Reports the calls of one module's `forward` that did not come through the module's own call.

    The method of the class is wrapped, not an attribute of the module, so that a copy and a pickle of the
    module carry nothing of it. When nobody listens any more, the class is as it was.
    """

    def __init__(self, module: nn.Module, report: Hook) -> None:
        self._module = weakref.ref(module)
        self._report = report
        self._called = False
        self._handle = module.register_forward_pre_hook(Hook(self, "_on_call"))
        self._kind = type(module)
        if self._kind not in _LISTENERS:
            _LISTENERS[self._kind] = weakref.WeakSet()
            _wrap(self._kind)
        _LISTENERS[self._kind].add(self)

    def _on_call(self, *_: Any) -> None:
        self._called = True

    def enters(self, network: nn.Module) -> bool:
        """Whether this call of `forward` is the module's and a direct one."""
        if self._module() is not network:
            return False
        direct, self._called = not self._called, False
        return direct

    def leaves(self, network: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """Report a direct call."""
        self._report(network, args, kwargs, output)

    def remove(self) -> None:
        """Stop listening; the last one gives the class its method back."""
        self._handle.remove()
        listeners = _LISTENERS.get(self._kind)
        if listeners is None:
            return
        listeners.discard(self)
        if not listeners:
            del _LISTENERS[self._kind]
            _unwrap(self._kind)


_LISTENERS: dict[type[nn.Module], weakref.WeakSet[DirectCalls]] = {}
_OWN = "_equipoise_own_forward"


def _wrap(kind: type[nn.Module]) -> None:
    inherited, own = kind.forward, kind.__dict__.get("forward")

    @functools.wraps(inherited)
    def forward(network: nn.Module, *args: Any, **kwargs: Any) -> Any:
        known = () if torch.compiler.is_compiling() else tuple(_LISTENERS.get(kind, ()))
        listening = [one for one in known if one.enters(network)]
        output = inherited(network, *args, **kwargs)
        for one in listening:
            one.leaves(network, args, kwargs, output)
        return output

    setattr(forward, _OWN, own)
    kind.forward = forward


def _unwrap(kind: type[nn.Module]) -> None:
    wrapped = kind.__dict__.get("forward")
    if not hasattr(wrapped, _OWN):
        return  # somebody else has replaced it since
    own = getattr(wrapped, _OWN)
    if own is None:
        del kind.forward
    else:
        kind.forward = own


def can_be_listened_to(module: nn.Module) -> bool:
    """Whether `forward` is a method that may be wrapped: of the user's own class, not compiled or scripted.

    Torch's own classes (`Sequential`) are everywhere in a process; they are left alone.
    """
    compiled = getattr(module, "_compiled_call_impl", None) is not None
    foreign = type(module).__module__.partition(".")[0] == "torch"
    return not (compiled or foreign or "forward" in vars(module))
