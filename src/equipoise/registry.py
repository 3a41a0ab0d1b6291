"""Registries: a decorated class or function is found, listed, documented and contract-tested."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from equipoise.errors import EquipoiseError, unknown_name

Entry = TypeVar("Entry")
AnyEntry = TypeVar("AnyEntry")


class Registry(Generic[Entry]):
    """Names to entries of one kind; the modules of the package are imported at the first question.

    Args:
        kind: what an entry is called in an error ("objective", "penalty").
        package: the package whose modules register the entries, or None when they are already imported.

    Example:
        >>> shapes: Registry[type] = Registry("shape", None)
        >>> @shapes.register("square")
        ... class Square: ...
        >>> shapes.names()
        ['square']
        >>> shapes.get("square").__name__
        'Square'
    """

    def __init__(self, kind: str, package: str | None) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, Entry] = {}
        self._complete = package is None

    def register(self, name: str) -> Callable[[AnyEntry], AnyEntry]:
        """A decorator that files the entry under `name`; a name can be taken once."""

        def add(entry: AnyEntry) -> AnyEntry:
            if name in self._entries:
                raise EquipoiseError(f"The {self.kind} name `{name}` is taken; choose another one.")
            self._entries[name] = entry  # type: ignore[assignment]
            return entry

        return add

    def get(self, name: str) -> Entry:
        """The entry of that name; an unknown name is refused with the nearest known one."""
        self._import_all()
        if name not in self._entries:
            raise unknown_name(self.kind, name, self._entries)
        return self._entries[name]

    def build(self, name: str, options: Mapping[str, object]) -> Any:
        """The entry of that name called with its options; an option it does not have is refused by name."""
        entry = cast(Callable[..., Any], self.get(name))
        known = inspect.signature(entry).parameters
        for option in options:
            if option not in known:
                if not known:
                    raise EquipoiseError(f"The {self.kind} `{name}` has no options; remove `{option}`.")
                raise unknown_name(f"option of the {self.kind} `{name}`", option, known)
        return entry(**options)

    def names(self) -> list[str]:
        """All names, sorted."""
        self._import_all()
        return sorted(self._entries)

    def items(self) -> list[tuple[str, Entry]]:
        """All pairs of name and entry, sorted by name."""
        return [(name, self._entries[name]) for name in self.names()]

    def __contains__(self, name: Any) -> bool:
        self._import_all()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _import_all(self) -> None:
        if self._complete or self._package is None:
            return
        self._complete = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")
