"""The reference of the command line, from the application itself."""

from __future__ import annotations

import inspect
from typing import Any

import typer

from equipoise.cli.application import build_application
from tools.documentation.docstring import code, table
from tools.documentation.page import Page

_INTRODUCTION = """# Commands

`equipoise COMMAND --help` prints the same. Exit status: 0 fine, 1 `diagnose` found an error, 2 the request
was wrong, 130 stopped with Ctrl-C, 141 the reader of the output went away.
"""


def pages() -> list[Page]:
    """The page; each command has its heading."""
    group: Any = typer.main.get_command(build_application())
    lines = [_INTRODUCTION]
    for name, command in group.commands.items():
        if not command.hidden:
            lines += _command(f"equipoise {name}", command, depth=2)
    return [Page("reference/commands.md", "Commands", "\n".join(lines), "@commands")]


def all_commands() -> dict[str, Any]:
    """Every command by its words: "train", "lab run"."""
    found: dict[str, Any] = {}

    def walk(prefix: str, group: Any) -> None:
        for name, command in group.commands.items():
            found[f"{prefix}{name}"] = command
            if hasattr(command, "commands"):
                walk(f"{prefix}{name} ", command)

    walk("", typer.main.get_command(build_application()))
    return found


def _command(words: str, command: Any, depth: int) -> list[str]:
    lines = [f"{'#' * depth} {words}", "", inspect.cleandoc(command.help or ""), ""]
    inner = getattr(command, "commands", {})
    if inner:
        for name, one in inner.items():
            lines += _command(f"{words} {name}", one, depth + 1)
        return lines
    with command.make_context(words, [], resilient_parsing=True) as context:
        records = [
            (parameter, parameter.get_help_record(context))
            for parameter in command.params
            if not getattr(parameter, "hidden", False)
        ]
    arguments = [
        record for parameter, record in records if parameter.param_type_name == "argument" and record
    ]
    options = [record for parameter, record in records if parameter.param_type_name == "option" and record]
    usage = " ".join(
        [words, "[OPTIONS]" if options else "", *(argument[0].split()[0].upper() for argument in arguments)]
    )
    lines += [code(" ".join(usage.split()), "text"), ""]
    if arguments or options:
        rows: list[list[object]] = [
            [f"`{_plain(name)}`", _escaped(told)] for name, told in (*arguments, *options)
        ]
        lines += [table(["argument", "what it is"], rows), ""]
    return lines


def _plain(name: str) -> str:
    return name.replace("|", " or ")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[").replace("]", "\\]").replace("<", "&lt;")
