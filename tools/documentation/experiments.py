"""A page for every experiment of the laboratory, with its committed figure and outcome."""

from __future__ import annotations

import json
from pathlib import Path

from equipoise.lab.base import EXPERIMENTS, Experiment, markdown
from equipoise.lab.page import number_columns
from equipoise.lab.running import Result
from equipoise.report.numbers import figure
from tools.documentation.docstring import table
from tools.documentation.page import Page

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures" / "lab"
OUTCOMES = ROOT / "benchmarks" / "results" / "lab"
FOLDER = "laboratory"
GENERATOR = "@experiments"
_INTRODUCTION = """# Laboratory

Known failures, each rerun from a fixed seed: what happens, what cures it, what only hides it.
`equipoise lab run NAME` runs one, [the tutorial](../tutorials/laboratory.md) says what it leaves. The last
column is the run whose figure and numbers are on the page.
"""


def pages() -> list[Page]:
    """The table first, then one page for each experiment."""
    rows: list[list[object]] = []
    made = []
    for name, experiment in EXPERIMENTS.items():
        result = committed(name)
        verdict = result.verdict if result else ""
        rows.append([f"`{name}`", experiment.claim, f"{experiment.minutes:g}", verdict])
        text = _page(experiment, result)
        made.append(Page(f"{FOLDER}/{name}.md", experiment.title, text, GENERATOR, "", (name,)))
    columns = ["experiment", "claim", "minutes on one core", "committed run"]
    index = f"{_INTRODUCTION}\n{table(columns, rows)}\n"
    return [Page(f"{FOLDER}/index.md", "Laboratory", index, GENERATOR), *made]


def committed(name: str) -> Result | None:
    """The outcome that is committed for the experiment, or None."""
    path = OUTCOMES / f"{name}.json"
    return Result.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _page(experiment: type[Experiment], result: Result | None) -> str:
    head, section, rest = markdown(experiment).partition("\n## ")
    shown = _figure(experiment)
    return f"{head}\n{shown}{section}{rest}" + (_measured(result) if result else "")


def _figure(experiment: type[Experiment]) -> str:
    for kind in ("svg", "png"):
        if (FIGURES / f"{experiment.name}.{kind}").is_file():
            return f"![{experiment.title}](../figures/lab/{experiment.name}.{kind})\n"
    return ""


def _measured(result: Result) -> str:
    """What the committed run found: expectations, arms, doubts, findings of the watching."""
    outcome = result.outcome
    lines = ["", "## What was measured", ""]
    lines += [
        f"{result.verdict}. Seed {result.seed}, {figure(result.seconds, 3)} seconds, {_machine(result)}.",
        "",
    ]
    rows: list[list[object]] = [
        [
            entry.sentence,
            f"{figure(entry.measured)} {entry.unit}",
            f"{entry.comparison} {figure(entry.threshold)}",
            entry.source,
            "yes" if entry.holds else "**no**",
        ]
        for entry in outcome.expectations
    ]
    lines += [table(["expected", "measured", "bound", "where the bound is from", "holds"], rows), ""]
    columns = number_columns(outcome.arms)
    arms: list[list[object]] = [
        [
            arm.name,
            arm.role,
            arm.state,
            *(
                f"{figure(arm.numbers[name].value, 3)} {arm.numbers[name].unit}"
                if name in arm.numbers
                else ""
                for name in columns
            ),
        ]
        for arm in outcome.arms
    ]
    lines += [table(["arm", "said to be", "measured to be", *columns], arms), ""]
    found = [
        f"- `{arm.name}`, step {finding['step']}: {finding['severity']} `{finding['name']}`"
        for arm in outcome.arms
        for finding in arm.findings
    ]
    if found:
        lines += ["## What equipoise.watch said of the arms", "", *found, ""]
    if outcome.doubts:
        lines += ["## Doubts", "", *(f"- {doubt}" for doubt in outcome.doubts), ""]
    return "\n".join(lines)


def _machine(result: Result) -> str:
    known = [f"{key} {value}" for key, value in result.machine.items()]
    return ", ".join(known)
