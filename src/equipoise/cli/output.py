"""What commands print with: answers on standard output, progress and warnings on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")]

# Columns where there is no terminal to ask: tables in a file or a pipe should not be folded at 80.
WIDTH_WITHOUT_TERMINAL = 140


def console(stream: TextIO | None = None) -> Console:
    """A console on that stream (standard output when not given) that takes brackets in texts as they are."""
    from rich.console import Console

    stream = stream or sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output; numbers that JSON has no word for become null."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Nested values with paths as text and numbers that are not finite as None.

    Example:
        >>> plain({"a": float("nan"), "b": (1, Path("x"))})
        {'a': None, 'b': [1, 'x']}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


def is_main_process() -> bool:
    """Whether this process is the one that speaks, when several train together."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def warnings_as_sentences() -> Iterator[None]:
    """Inside, a warning is one line on standard error, without the place in the code that it came from."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if is_main_process():
            typer.echo(f"Warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield
