"""`equipoise report`: the verdict and what it rests on, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from equipoise.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from numpy.typing import NDArray


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("report", rich_help_panel="Diagnose")(report)


def report(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run's folder, a history file, a CSV file, or a TensorBoard log."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; by default report.html in, or beside, RUN.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page: verdict, findings over the run, gradients, samples, diversity."""
    from equipoise.checks import judge
    from equipoise.diagnosis import observe
    from equipoise.report import write_report

    observations = observe(run)
    target = out or (run if run.is_dir() else run.parent) / "report.html"
    diagnosis = judge(observations)
    written = write_report(diagnosis, observations, samples_of(run), target)
    if as_json:
        print_json({"report": written, "diagnosis": diagnosis.to_dict()})
    else:
        typer.echo(f"The report is {written}")


def samples_of(run: Path) -> list[tuple[int, str, NDArray]]:
    """The snapshots of samples in a run's history; none in a plain log."""
    from equipoise.history.store import FILE_NAME, open_history

    history_file = run / FILE_NAME if run.is_dir() else run
    if not history_file.is_file() or history_file.suffix not in (".sqlite", ".sqlite3", ".db"):
        return []
    with open_history(history_file) as history:
        return list(history.samples())
