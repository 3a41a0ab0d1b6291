"""`equipoise lab`: rerun known failures, see what cures them, compare what was found."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equipoise.cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from equipoise.lab.running import Result

DEFAULT_FOLDER = Path("runs/lab")
SECONDS_BETWEEN_LINES = 10.0

OutOption = Annotated[
    Path, typer.Option(help="The folder for all experiments; each has one of its own in it.")
]


def register(application: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_experiments)
    group.command("run")(run)
    group.command("compare")(compare)
    application.add_typer(
        group,
        name="lab",
        rich_help_panel="Laboratory",
        help="Rerun known failures from a fixed seed: what cures them, and what only hides them.",
    )


def list_experiments(as_json: JsonOption = False) -> None:
    """List the experiments: name, about how long a run takes, and the claim it tests."""
    from equipoise.lab.base import EXPERIMENTS

    rows = [
        {
            "name": name,
            "title": experiment.title,
            "claim": experiment.claim,
            "question": experiment.question,
            "minutes": experiment.minutes,
        }
        for name, experiment in EXPERIMENTS.items()
    ]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("minutes", justify="right", no_wrap=True)
    table.add_column("claim")
    for row in rows:
        table.add_row(str(row["name"]), f"{row['minutes']:g}", str(row["claim"]))
    screen = console()
    screen.print(table)
    screen.print(f"\n{len(rows)} experiments. `equipoise lab run NAME` runs one; minutes are for one core.")


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An experiment, or `all`.")],
    out: OutOption = DEFAULT_FOLDER,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    budget: Annotated[
        float, typer.Option(help="Share of the full number of steps; below 1 the claim is not judged.")
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Run one experiment or all; leaves figure.png, figure.svg, page.html and outcome.json in OUT/NAME.

    Exit status: 0 when every claim holds (or none is judged), 1 when one does not.
    """
    from equipoise.lab.base import EXPERIMENTS
    from equipoise.lab.running import run_experiment

    names = EXPERIMENTS.names() if name == "all" else [name]
    results = []
    for each in names:
        experiment = EXPERIMENTS.get(each)
        if not as_json:
            console().print(f"{each}: {experiment.claim}")
        with progress_line() as tell:
            result = run_experiment(each, out, budget=budget, seed=seed, progress=tell)
        results.append(result)
        if not as_json:
            show(result, out / each)
    if as_json:
        documents = [_without_drawing(result) for result in results]
        print_json(documents if name == "all" else documents[0])
    elif len(results) > 1:
        held = sum(result.held is True for result in results)
        console().print(f"{held} of {len(results)} claims hold.")
    if any(result.held is False for result in results):
        raise typer.Exit(1)


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FOLDER] [NAMES]", help="A folder of finished experiments, or names."),
    ] = None,
    out: OutOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Show finished experiments in one table; writes compare.html into their folder.

    The first argument may be the folder; otherwise it is OUT.
    """
    from equipoise.lab.comparison import finished, rows_of
    from equipoise.lab.page import render_comparison
    from equipoise.lab.running import FILE_NAME, write_whole

    wanted = list(names or ())
    folder = out
    if wanted and not (out / wanted[0] / FILE_NAME).is_file() and Path(wanted[0]).is_dir():
        folder = Path(wanted.pop(0))
    results = finished(folder, wanted)
    path = folder / "compare.html"
    write_whole(path, render_comparison(results).encode("utf-8"))
    if as_json:
        print_json(
            [
                {
                    "name": result.name,
                    "claim": result.claim,
                    "held": result.held,
                    "seconds": result.seconds,
                    "arms": [row.to_json() for row in rows_of(result)],
                }
                for result in results
            ]
        )
        return
    from equipoise.report.numbers import figure

    screen = console()
    for result in results:
        screen.print(f"{result.name}: {result.verdict}. {figure(result.seconds, 3)} s. {result.claim}")
        table = _table("arm", "role", result.outcome.key, "measured to be")
        for row in rows_of(result):
            value = "" if row.value != row.value else f"{figure(row.value, 3)} {row.unit}".strip()
            table.add_row(row.arm, row.role, value, row.state)
        screen.print(table)
        screen.print()
    held = sum(result.held is True for result in results)
    screen.print(f"{held} of {len(results)} claims hold. Page: {path}", soft_wrap=True)


def show(result: Result, folder: Path) -> None:
    """What one run found, on the terminal."""
    from equipoise.lab.page import number_columns
    from equipoise.report.numbers import figure

    screen = console()
    columns = number_columns(result.outcome.arms)
    table = _table("arm", "role", "measured to be", *columns)
    for arm in result.outcome.arms:
        cells = [
            f"{figure(arm.numbers[name].value, 3)} {arm.numbers[name].unit}".strip()
            if name in arm.numbers
            else ""
            for name in columns
        ]
        table.add_row(arm.name, arm.role, arm.state, *cells)
    screen.print(table)
    screen.print()
    for arm in result.outcome.arms:
        for finding in arm.findings:
            screen.print(
                f"watched `{arm.name}`, step {finding['step']}: {finding['code']} {finding['name']} "
                f"({finding['severity']})"
            )
    for entry in result.outcome.expectations:
        mark = "yes" if entry.holds else "NO "
        measured = f"{figure(entry.measured)} {entry.unit}".strip()
        screen.print(f"{mark} {entry.sentence} {measured} {entry.comparison} {figure(entry.threshold)}")
    for doubt in result.outcome.doubts:
        screen.print(f"doubt: {doubt}")
    screen.print(f"{result.verdict}. {figure(result.seconds, 3)} seconds, seed {result.seed}.")
    screen.print(f"Figure: {folder / 'figure.png'}\nPage: {folder / 'page.html'}\n", soft_wrap=True)


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading)
    return table


def _without_drawing(result: Result) -> dict[str, Any]:
    """The result without what only the figure needs; outcome.json has all of it."""
    document = result.to_json()
    del document["panels"]
    for arm in document["arms"]:
        del arm["series"]
    return document


@contextmanager
def progress_line() -> Iterator[Callable[[str, float], None]]:
    """One line on standard error that tells how far a run is; where that is no terminal, one now and then."""
    live = sys.stderr.isatty()
    told = time.monotonic()

    def tell(words: str, done: float) -> None:
        nonlocal told
        line = f"{done:4.0%} {words}"[:100]
        if live:
            typer.echo(f"\r\x1b[K{line}", nl=False, err=True)
        elif time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            typer.echo(line, err=True)

    try:
        yield tell
    finally:
        if live:
            typer.echo("\r\x1b[K", nl=False, err=True)
