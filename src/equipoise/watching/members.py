"""A discriminator that is only a container: a list of discriminators that the loop calls one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from equipoise.watching.attachment import unwrapped
from equipoise.watching.passes import DiscriminatorPass


def without_forward(module: nn.Module) -> bool:
    """Whether a module cannot be called itself, as `ModuleList` and `ModuleDict` cannot."""
    return type(module).forward is nn.Module.forward


def _callable_parts(module: nn.Module) -> Iterator[nn.Module]:
    for part in module.children():
        if without_forward(part):
            yield from _callable_parts(part)
        else:
            yield part


class Members(nn.Module):
    """Several discriminators of the same samples as one: its answer is the tuple of theirs.

    A vocoder's discriminators of periods and of scales in one list judge one sample each time, and the
    generator is sent the sum. Members that judge other samples (those of another domain) have no part in it.
    """

    def __init__(self, container: nn.Module) -> None:
        super().__init__()
        self.container = container
        self._together: set[int] = set()

    @property
    def members(self) -> list[nn.Module]:
        """What the loop calls."""
        return list(_callable_parts(self.container))

    def place(self, module: nn.Module) -> int:
        """Where in the answer a member's own stands; -1 for a module that is none."""
        return next((place for place, one in enumerate(self.members) if one is module), -1)

    def joins(self, place: int, beside: bool) -> bool:
        """Whether a member takes part; `beside` says that another one was given the same sample."""
        if beside or not self._together:
            self._together.add(place)
        return place in self._together

    def answer(self, place: int, output: Any) -> tuple[Any, ...]:
        """A member's answer at its place in the answer of all."""
        return (*(None,) * place, output)

    def forward(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Every member's answer to the same call."""
        return tuple(
            one(*args, **kwargs) if place in self._together else None
            for place, one in enumerate(self.members)
        )


def takes_part(
    discriminator: nn.Module, one: DiscriminatorPass, module: nn.Module, passes: list[DiscriminatorPass]
) -> bool:
    """Whether a pass is of the watched discriminator; notes at it which of several members it is of."""
    if not isinstance(discriminator, Members):
        return True
    one.member = discriminator.place(unwrapped(module))
    others = [other for other in passes if other.member != one.member]
    return discriminator.joins(
        one.member, any(shares_storage(other.samples, one.samples) for other in others)
    )


def shares_storage(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors that live now are views of the same memory."""
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata
