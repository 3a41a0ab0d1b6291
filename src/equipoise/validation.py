"""Parameter validation: constraints as data, one sentence for every breach."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar, cast

from equipoise.errors import parameter_error

Function = TypeVar("Function", bound=Callable[..., Any])


class Constraint:
    """What a parameter may be; `describe` is read after "must be"."""

    def accepts(self, value: object) -> bool:
        raise NotImplementedError

    def describe(self) -> str:
        raise NotImplementedError

    def invalid_example(self) -> object:
        """A value that breaks the constraint, for tests that run over all constraints."""
        return object()


@dataclass(frozen=True)
class Interval(Constraint):
    """A real or whole number between two bounds.

    Example:
        >>> Interval(float, 0, 1).accepts(0.5), Interval(float, 0, 1).accepts(2)
        (True, False)
        >>> Interval(int, 1, None).describe()
        'a whole number of at least 1'
    """

    kind: type
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def accepts(self, value: object) -> bool:
        wanted = Integral if self.kind is int else Real
        if isinstance(value, bool) or not isinstance(value, wanted):
            return False
        number = float(cast(float, value))
        if math.isnan(number):
            return False
        if self.low is not None and (number < self.low or (self.low_open and number == self.low)):
            return False
        return not (
            self.high is not None and (number > self.high or (self.high_open and number == self.high))
        )

    def describe(self) -> str:
        noun = "a whole number" if self.kind is int else "a number"
        parts = []
        if self.low is not None:
            parts.append(f"{'above' if self.low_open else 'of at least'} {self.low:g}")
        if self.high is not None:
            parts.append(f"{'below' if self.high_open else 'of at most'} {self.high:g}")
        return " ".join([noun, " and ".join(parts)]).strip()

    def invalid_example(self) -> object:
        if self.low is not None:
            return self.kind(self.low - 1)
        if self.high is not None:
            return self.kind(self.high + 1)
        return "not a number"


@dataclass(frozen=True)
class OneOf(Constraint):
    """One of a few values."""

    options: tuple[object, ...]

    def accepts(self, value: object) -> bool:
        return any(type(value) is type(option) and value == option for option in self.options)

    def describe(self) -> str:
        return "one of " + ", ".join(repr(option) for option in self.options)


@dataclass(frozen=True)
class InstanceOf(Constraint):
    """An instance of a type, with a plain description of it."""

    kind: type | tuple[type, ...]
    description: str

    def accepts(self, value: object) -> bool:
        return isinstance(value, self.kind)

    def describe(self) -> str:
        return self.description


@dataclass(frozen=True)
class Optional(Constraint):
    """None, or what the other constraint accepts."""

    other: Constraint

    def accepts(self, value: object) -> bool:
        return value is None or self.other.accepts(value)

    def describe(self) -> str:
        return f"None or {self.other.describe()}"

    def invalid_example(self) -> object:
        return self.other.invalid_example()


def check_parameter(name: str, value: object, constraint: Constraint, remedy: str = "") -> None:
    """Raise the standard sentence unless the constraint accepts the value."""
    if not constraint.accepts(value):
        raise parameter_error(name, constraint.describe(), value, remedy)


def validated(**constraints: Constraint) -> Callable[[Function], Function]:
    """Check named parameters of a function or constructor before it runs.

    The constraints stay readable as ``function.constraints``, so that a test can break each in turn.

    Example:
        >>> @validated(rate=Interval(float, 0, 1))
        ... def drop(rate): return rate
        >>> drop(2)
        Traceback (most recent call last):
        equipoise.errors.EquipoiseError: `rate` must be a number of at least 0 and of at most 1, but it is 2.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            for name, constraint in constraints.items():
                check_parameter(name, bound.arguments[name], constraint)
            return function(*args, **kwargs)

        wrapper.constraints = dict(constraints)  # type: ignore[attr-defined]
        return cast(Function, wrapper)

    return decorate


def constraints_of(function: object) -> Mapping[str, Constraint]:
    """The constraints that `validated` declared on a function or on a class's constructor."""
    target = function.__init__ if inspect.isclass(function) else function
    return cast(Mapping[str, Constraint], getattr(target, "constraints", {}))
