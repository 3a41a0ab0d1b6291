"""`equipoise diagnose`: what is wrong with a run, with proof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.output import JsonOption, console, print_json

FOUND_AN_ERROR = 1


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("diagnose", rich_help_panel="Diagnose")(diagnose)


def diagnose(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run's folder, a history file, a CSV file, or a TensorBoard log."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with RUN: findings ranked by root cause, with evidence and remedies.

    Exit status 1 when there is an error-severity finding, else 0. From a CSV file or a TensorBoard log
    comes only what such a log can support, and what is missing is said.
    """
    from equipoise.diagnosis import diagnose as judge_run

    diagnosis = judge_run(run)
    if as_json:
        print_json(diagnosis.to_dict())
    elif sys.stdout.isatty():
        from equipoise.checks.rendering import rich_renderable

        console().print(rich_renderable(diagnosis))
    else:
        from equipoise.checks.rendering import plain_text

        typer.echo(plain_text(diagnosis))
    if diagnosis.worst == "error":
        raise typer.Exit(FOUND_AN_ERROR)
