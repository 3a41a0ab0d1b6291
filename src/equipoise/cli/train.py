"""`equipoise train`: from a data set to a run's folder."""

from __future__ import annotations

import shlex
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equipoise.cli.application import INTERRUPTED
from equipoise.cli.output import JsonOption, is_main_process, print_json, warnings_as_sentences
from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    from equipoise.checks import Diagnosis
    from equipoise.trainer import Run

# What a run leaves behind, with the word that people look for.
FILES = {
    "samples": "samples.png",
    "curves": "curves.png",
    "checkpoint": "checkpoints/last",
    "best checkpoint": "checkpoints/best",
    "summary": "summary.md",
    "log": "log.jsonl",
    "history": "history.sqlite",
    "settings": "configuration.yaml",
}


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("train", rich_help_panel="Train")(train)


def train(
    data: Annotated[
        str,
        typer.Argument(help="A built-in set such as digits, a file, a folder, or a Hub id owner/name."),
    ],
    recipe: Annotated[
        str,
        typer.Option(help="A recipe's name (see `equipoise recipes`) or a YAML file.", metavar="NAME|FILE"),
    ] = "default",
    steps: Annotated[int | None, typer.Option(help="Updates of the generator.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random in the run.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; a new one under runs/ by default.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what --out holds; begin where it holds nothing.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A setting, such as training.batch_size=128; repeatable."
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Record what `diagnose` needs.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Train a GAN on DATA and leave samples, curves, checkpoints and a summary in a folder.

    Ctrl-C saves and stops; --resume goes on exactly where it was.
    """
    from equipoise.cli.progress import progress
    from equipoise.trainer import Trainer
    from equipoise.training.interruption import TrainingInterruptedError

    overrides = list(settings or [])
    overrides += [f"training.steps={steps}"] if steps is not None else []
    overrides += [f"training.seed={seed}"] if seed is not None else []
    trainer = Trainer(
        recipe,
        data=data,
        out=out,
        resume=resume,
        watch=watch,
        overrides=overrides,
    )
    headline = f"Training on {data} with the recipe {recipe}, into {trainer.out}"
    trainer.callbacks.append(progress(sys.stderr, headline))
    again = command_to_go_on(data, recipe, steps, seed, trainer.out, settings or [], watch)
    try:
        with warnings_as_sentences():
            run = trainer.fit()
    except TrainingInterruptedError as stopped:
        if is_main_process():
            typer.echo(f"{stopped}\n\n  {again}", err=True)
        raise typer.Exit(INTERRUPTED) from stopped
    except KeyboardInterrupt as stopped:
        if is_main_process():
            typer.echo(f"Stopped; what the last checkpoint holds is kept. Go on with:\n\n  {again}", err=True)
        raise typer.Exit(INTERRUPTED) from stopped
    if is_main_process():
        conclude(run, trainer.warnings, watch, as_json)


def command_to_go_on(
    data: str, recipe: str, steps: int | None, seed: int | None, out: Path, settings: list[str], watch: bool
) -> str:
    """The command that goes on with a run.

    Example:
        >>> command_to_go_on("ring", "default", 90, None, Path("runs/a b"), [], True)
        "equipoise train ring --steps 90 --out 'runs/a b' --resume"
    """
    words = ["equipoise", "train", data]
    words += ["--recipe", recipe] if recipe != "default" else []
    words += ["--steps", str(steps)] if steps is not None else []
    words += ["--seed", str(seed)] if seed is not None else []
    for setting in settings:
        words += ["--set", setting]
    words += [] if watch else ["--no-watch"]
    return shlex.join([*words, "--out", str(out), "--resume"])


def conclude(run: Run, warnings: list[str], watched: bool, as_json: bool) -> None:
    """Say where everything is, and the verdict in one line."""
    files = {name: run.directory / place for name, place in FILES.items() if (run.directory / place).exists()}
    diagnosis = verdict_of(run.directory) if watched else None
    if as_json:
        print_json(
            {
                "run": run.directory,
                "step": run.step,
                "files": files,
                "summary": run.summary,
                "warnings": warnings,
                "diagnosis": diagnosis.to_dict() if diagnosis is not None else None,
            }
        )
        return
    typer.echo(f"{spent(run.step, run.summary)}\n")
    width = max(map(len, files))
    for name, path in files.items():
        typer.echo(f"  {name:<{width}}  {path}")
    if diagnosis is not None:
        from equipoise.checks.rendering import verdict

        typer.echo(f"\n{verdict(diagnosis)}")
        for finding in diagnosis.findings[:1]:
            if finding.severity != "info":
                typer.echo(f"{finding.code} {finding.name}: {finding.message}")
                typer.echo(f"More: {shlex.join(['equipoise', 'diagnose', str(run.directory)])}")


def spent(step: int, summary: dict[str, Any]) -> str:
    """How far the run got and how fast it was.

    Example:
        >>> spent(3000, {"seconds": 60.0, "steps_per_second": 50.0})
        '3,000 steps are done; the last session took 1:00 at 50.0 steps/s.'
    """
    from equipoise.cli.progress import duration

    speed = summary.get("steps_per_second")
    if speed is None:
        return f"{step:,} steps are done."
    took = f"the last session took {duration(summary['seconds'])} at {speed:.1f} steps/s"
    return f"{step:,} steps are done; {took}."


def verdict_of(folder: Path) -> Diagnosis | None:
    """What `equipoise diagnose` says of the folder, or None where there is nothing to judge by.

    A training that took hours must not end in an error because its history cannot be read.
    """
    from equipoise.diagnosis import diagnose

    try:
        return diagnose(folder)
    except (EquipoiseError, OSError, sqlite3.Error) as error:
        typer.echo(f"Warning: There is no verdict on this run ({error})", err=True)
        return None
