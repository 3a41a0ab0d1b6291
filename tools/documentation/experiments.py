"""A page for every experiment of the lab, with its committed figure and outcome where they are there."""

from __future__ import annotations

from pathlib import Path

from tools.documentation.page import Page

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures" / "lab"
OUTCOMES = ROOT / "benchmarks" / "results" / "lab"
FOLDER = "laboratory"
GENERATOR = "@experiments"


def pages() -> list[Page]:
    """The table first, then one page for each experiment."""
    from equipoise.lab.base import EXPERIMENTS, markdown

    made = []
    for name, experiment in EXPERIMENTS.items():
        text = markdown(experiment)
        made.append(Page(f"{FOLDER}/{name}.md", experiment.title, text, GENERATOR, "", (name,)))
    return made
