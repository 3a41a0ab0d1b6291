"""`equipoise data`: what a data set is, before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from equipoise.cli.output import JsonOption, console, print_json
from equipoise.errors import EquipoiseError

_MOST_LISTED = 12


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("data", rich_help_panel="Train")(data)


def data(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A built-in set such as digits, a file, a folder, or a Hub id owner/name.",
        ),
    ],
    preview: Annotated[
        Path | None, typer.Option(help="Write a picture of the data to this PNG file.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE", help="For the reader, such as image_size=32; repeatable."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what DATA is: kind, shape, range, classes, and what may trouble a GAN.

    Give the same options to `equipoise train` as --set data.options.KEY=VALUE.
    """
    if preview is not None and preview.suffix.lower() != ".png":
        raise EquipoiseError(f"`--preview` must be a .png file, but it is '{preview}'; change its ending.")
    from equipoise.data import load_data

    dataset = load_data(source, **parse_options(options or []))
    facts = dataset.describe()
    if preview is not None:
        facts["preview"] = str(dataset.preview(preview))
    if as_json:
        print_json(facts)
    else:
        _show(facts)


def parse_options(options: list[str]) -> dict[str, Any]:
    """Texts like ``image_size=32`` as arguments; the values are read as YAML.

    Example:
        >>> parse_options(["image_size=32", "split=test"])
        {'image_size': 32, 'split': 'test'}
    """
    import yaml

    parsed = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.strip():
            raise EquipoiseError(
                f"`--option` must look like image_size=32, but it is {option!r}; write KEY=VALUE."
            )
        try:
            parsed[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise EquipoiseError(f"The value of the option {option!r} is not valid YAML; quote it.") from None
    return parsed


def _show(facts: dict[str, Any]) -> None:
    from rich.table import Table

    screen = console()
    shape = ", ".join(f"{axis} {size}" for axis, size in zip(facts["axes"], facts["shape"]))
    low, high = facts["range"]
    lines = {
        "data": f"{facts['name']} (split {facts['split']})",
        "samples": f"{facts['count']:,}",
        "kind": f"{facts['kind']} of {shape}, {facts['dtype']}",
        "range": f"{low:.6g} to {high:.6g}",
        "networks see": facts["normalisation"],
        "classes": _classes(facts["classes"]),
    }
    if "preview" in facts:
        lines["preview"] = facts["preview"]
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, text in lines.items():
        table.add_row(name, str(text))
    screen.print(table)
    screen.print(_channels(facts["channels"]))
    for sentence in facts["warnings"]:
        screen.print(f"Warning: {sentence}", style="yellow")


def _classes(classes: dict[str, Any] | None) -> str:
    if classes is None:
        return "none"
    names = list(classes["samples"])
    listed = ", ".join(names[:_MOST_LISTED]) + (", ..." if len(names) > _MOST_LISTED else "")
    return f"{classes['count']} ({listed}), of {classes['smallest']:,} to {classes['largest']:,} samples"


def _channels(channels: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    hidden = len(channels) - _MOST_LISTED
    table = Table(caption=f"and {hidden} more" if hidden > 0 else None)
    table.add_column("channel or feature")
    numbers = ("minimum", "maximum", "mean", "standard_deviation")
    for name in numbers:
        table.add_column(name.replace("_", " "), justify="right")
    for channel in channels[:_MOST_LISTED]:
        table.add_row(str(channel["name"]), *(f"{channel[name]:.5g}" for name in numbers))
    return table
