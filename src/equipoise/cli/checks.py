"""`equipoise checks`: every failure that equipoise can recognise."""

from __future__ import annotations

import typer

from equipoise.cli.output import JsonOption, console, print_json


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("checks", rich_help_panel="Diagnose")(checks)


def checks(as_json: JsonOption = False) -> None:
    """List all checks: code, name, when they can be decided, and what they say in one line.

    Kinds: preflight (before training), passive (while watching), probe (an experiment on copies).
    """
    from equipoise.checks import CHECKS
    from equipoise.checks.base import FAMILIES
    from equipoise.checks.page import page

    rows = sorted(
        (
            {
                "code": check.code,
                "name": check.name,
                "family": FAMILIES.get(check.code[2:3], "third party"),
                "kinds": list(check.kinds),
                "stage": check.stage,
                "summary": " ".join(page(check)["summary"].split()),
            }
            for _, check in CHECKS.items()
        ),
        key=lambda row: str(row["code"]),
    )
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("code", "name", "kinds"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it says")
    family = None
    for row in rows:
        if row["family"] != family:
            family = row["family"]
            table.add_row()
            table.add_row("", f"— {family} —")
        table.add_row(str(row["code"]), str(row["name"]), ", ".join(row["kinds"]), str(row["summary"]))
    screen = console()
    screen.print(table)
    screen.print(f"\n{len(rows)} checks. `equipoise explain CODE` shows the page of one.")
