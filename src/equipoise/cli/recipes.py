"""`equipoise recipes`: what there is to train with."""

from __future__ import annotations

from typing import Annotated

import typer

from equipoise.cli.output import JsonOption, console, print_json


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("recipes", rich_help_panel="Train")(recipes)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="A recipe to show whole; all are listed without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the recipes, or show one with its source and all that it sets."""
    from equipoise.recipes import get_recipe, list_recipes

    if name is None:
        found = list_recipes()
        if as_json:
            print_json([recipe.to_json() for recipe in found])
            return
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("recipe", no_wrap=True)
        table.add_column("what it is for")
        for recipe in found:
            table.add_row(recipe.name, recipe.description)
        console().print(table)
        return
    recipe = get_recipe(name)
    if as_json:
        print_json(recipe.to_json())
        return
    import yaml

    screen = console()
    screen.print(recipe.name, style="bold")
    screen.print(f"\n{recipe.description}\n\nSource: {recipe.source}\n\nNotes: {recipe.notes}\n")
    typer.echo(yaml.safe_dump(recipe.settings, sort_keys=False, default_flow_style=None).rstrip())
    typer.echo(
        "\nWhat is not named keeps its default; change anything with --set, such as training.steps=500."
    )
