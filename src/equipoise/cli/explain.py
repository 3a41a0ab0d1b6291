"""`equipoise explain`: the page of a check."""

from __future__ import annotations

from typing import Annotated

import typer

from equipoise.cli.output import JsonOption, print_json


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("explain", rich_help_panel="Diagnose")(explain)


def explain(
    check: Annotated[str, typer.Argument(metavar="CODE|NAME", help="Such as EQ101, or the check's name.")],
    as_json: JsonOption = False,
) -> None:
    """Show the page of a check: evidence and thresholds with their sources, look-alikes, remedies."""
    from equipoise.checks import page as pages

    if not as_json:
        typer.echo(pages.explain(check).rstrip())
        return
    found = pages.find_check(check)
    print_json(
        {
            "code": found.code,
            "name": found.name,
            "kinds": found.kinds,
            "stage": found.stage,
            "sections": pages.page(found),
            "remedies": [remedy.to_json() for remedy in found.remedies],
            "reads": {"signals": found.signals, "facts": found.facts, "probes": found.probes},
            "explains": found.explains,
        }
    )
