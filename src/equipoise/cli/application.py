"""The Typer application: the commands, and what every one of them does with errors, Ctrl-C and closed pipes.

Exit status: 0 fine, 1 `diagnose` found an error-severity finding, 2 the request was wrong, 130 stopped with
Ctrl-C, 141 the reader of the output went away.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from equipoise.errors import EquipoiseError

WRONG_REQUEST = 2
INTERRUPTED = 130
CLOSED_PIPE = 141

# In the order of the help page. A name whose file is not there is left out: to offer a new command, add its
# file here, with a function `register(application)`.
COMMANDS = (
    "train",
    "sample",
    "evaluate",
    "data",
    "recipes",
    "diagnose",
    "report",
    "checks",
    "explain",
    "lab",
)


class Commands(TyperGroup):
    """Turns what a command raises into one sentence and an exit status; lists the commands in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                group = getattr(command, "rich_help_panel", None)
                title = group if isinstance(group, str) else "Commands"
                groups.setdefault(title, []).append((name, command.get_short_help_str(100)))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except EquipoiseError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(WRONG_REQUEST) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt
        except BrokenPipeError as error:
            discard_output()
            raise typer.Exit(CLOSED_PIPE) from error
        return result


def discard_output() -> None:
    """Send what is still to be written to nowhere, so that the end of the process does not complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        # There is no file behind the stream, as in a notebook or a test.
        return


def _show_version(wanted: bool) -> None:
    if wanted:
        import equipoise

        typer.echo(f"equipoise {equipoise.__version__}")
        raise typer.Exit


def build_application() -> typer.Typer:
    """All commands whose files are there."""
    application = typer.Typer(
        name="equipoise",
        cls=Commands,
        no_args_is_help=True,
        # Typer's coloured help imports a Markdown parser and a highlighter: twice the time to answer.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @application.callback()
    def equipoise(
        version: Annotated[
            bool,
            typer.Option(
                "--version", is_eager=True, callback=_show_version, help="Print the version and exit."
            ),
        ] = False,
    ) -> None:
        """Train, watch, diagnose and treat generative adversarial networks."""

    for name in COMMANDS:
        if importlib.util.find_spec(f"equipoise.cli.{name}") is not None:
            importlib.import_module(f"equipoise.cli.{name}").register(application)
    return application


def run() -> None:
    """Run the application on the process's arguments, and end the process."""
    application = build_application()
    try:
        application()
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            discard_output()
