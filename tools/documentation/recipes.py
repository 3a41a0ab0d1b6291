"""A page for every recipe, with all that it sets."""

from __future__ import annotations

import yaml

from equipoise.recipes.catalogue import Recipe, list_recipes
from tools.documentation.docstring import code, table
from tools.documentation.page import Page

FOLDER = "reference/recipes"
GENERATOR = "@recipes"
_INTRODUCTION = """# Recipes

A recipe is a training configuration with a source. `equipoise train DATA --recipe NAME` uses one, `--set`
changes anything in it, `equipoise recipes NAME` prints it. How each does on the digits is in the
[benchmarks](../../benchmarks.md).
"""


def pages() -> list[Page]:
    """The table first, then one page for each recipe."""
    recipes = list_recipes()
    rows: list[list[object]] = [[f"`{recipe.name}`", recipe.description] for recipe in recipes]
    text = f"{_INTRODUCTION}\n{table(['recipe', 'what it is for'], rows)}\n"
    return [
        Page(f"{FOLDER}/index.md", "Recipes", text, GENERATOR),
        *(
            Page(f"{FOLDER}/{recipe.name}.md", recipe.name, _text(recipe), GENERATOR, "", (recipe.name,))
            for recipe in recipes
        ),
    ]


def _text(recipe: Recipe) -> str:
    used = [str(recipe.settings.get("objective", {}).get("name", "")), *recipe.settings.get("penalties", {})]
    settings = yaml.safe_dump(recipe.settings, sort_keys=False, default_flow_style=None)
    return "\n".join(
        [
            f"# Recipe `{recipe.name}`",
            "",
            recipe.description,
            "",
            recipe.notes,
            "",
            "Uses " + ", ".join(f"`{name}`" for name in used if name) + ".",
            "",
            f"**Source.** {recipe.source}",
            "",
            "## What it sets",
            "",
            code(settings, "yaml"),
            "",
            "What is not named keeps its default.",
            "",
            "## Use it",
            "",
            code(
                f"equipoise train digits --recipe {recipe.name} --out runs/{recipe.name} --steps 3000", "bash"
            ),
        ]
    )
