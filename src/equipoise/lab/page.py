"""The page of one finished experiment, and of several compared: one HTML file each, nothing else needed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import jinja2

from equipoise.lab.base import EXPERIMENTS, page
from equipoise.lab.comparison import Row, rows_of
from equipoise.lab.figure import COLOURS, MEANINGS, panel_svg
from equipoise.lab.outcome import Arm
from equipoise.report.numbers import figure

if TYPE_CHECKING:
    from equipoise.lab.running import Result


def render_page(result: Result) -> str:
    """One experiment: claim, verdict, figure, arms, expectations with sources, doubts, how to rerun."""
    panels = [(panel.title, _data_uri(panel_svg(panel, result.outcome))) for panel in result.outcome.panels]
    sections = page(EXPERIMENTS.get(result.name)) if result.name in EXPERIMENTS else {}
    return (
        _environment()
        .get_template("experiment.html")
        .render(
            result=result,
            outcome=result.outcome,
            panels=panels,
            columns=number_columns(result.outcome.arms),
            sections=sections,
        )
    )


def render_comparison(results: Sequence[Result]) -> str:
    """Several finished experiments in one table."""
    rows: list[tuple[Result, list[Row]]] = [(result, rows_of(result)) for result in results]
    verdicts = [result.held for result in results]
    overall = tone(False if False in verdicts else None if None in verdicts else True)
    return (
        _environment()
        .get_template("comparison.html")
        .render(rows=rows, overall=overall, holding=verdicts.count(True))
    )


def number_columns(arms: Sequence[Arm]) -> list[str]:
    """The names of all numbers of the arms, in the order in which they first appear."""
    return list(dict.fromkeys(name for arm in arms for name in arm.numbers))


def tone(held: bool | None) -> str:
    """The verdict's colour on a page: one of the report's four."""
    return "info" if held is None else "healthy" if held else "error"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        # The report's style sheet, so that all pages of equipoise look alike.
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("equipoise.lab"), jinja2.PackageLoader("equipoise.report")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(figure=figure)
    environment.globals.update(colours=COLOURS, meanings=MEANINGS, tone=tone)
    return environment


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
