"""The report: one HTML page that holds everything it shows and asks the network for nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from numpy.typing import NDArray

from equipoise.checks.base import CHECKS
from equipoise.checks.diagnosis import Diagnosis
from equipoise.checks.finding import Finding
from equipoise.checks.page import page as docstring_page
from equipoise.checks.rendering import consequences, looked_at, verdict
from equipoise.errors import EquipoiseError, parameter_error
from equipoise.history.observations import Observations
from equipoise.report import chart_catalogue, known
from equipoise.report.gradient_anatomy import gradient_view
from equipoise.report.line_chart import Chart, charts
from equipoise.report.numbers import figure
from equipoise.report.score_ridge import score_ridge
from equipoise.report.snapshots import samples_view
from equipoise.report.timeline import timeline

Snapshots = Iterable[tuple[int, str, NDArray[Any]]]


def write_report(
    diagnosis: Diagnosis, observations: Observations, samples: Snapshots, path: str | Path
) -> Path:
    """Write the verdict and what it rests on as one self-contained HTML page; returns its path.

    Folders that do not exist are made. The page needs no network and no other file.

    Args:
        diagnosis: the verdict, as `judge` or `monitor.diagnose()` gave it.
        observations: what it was judged from; charts and the timeline are drawn from them.
        samples: snapshots as (step, `real` or `fake`, array), as `History.samples()` gives them.
        path: the file to write.

    Raises:
        EquipoiseError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = write_report(Diagnosis(), Observations(), [], Path(folder) / "report.html")
        ...     "Nothing wrong was found" in page.read_text(encoding="utf-8")
        True
    """
    target = Path(path)
    if target.is_dir():
        raise parameter_error(
            "path", "a file to write the report to", str(path), "add a name such as report.html"
        )
    text = render_page(diagnosis, observations, samples)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EquipoiseError(
            f"The report cannot be written to `{path}` ({error}); choose a folder that can be written to."
        ) from error
    return target


def render_page(diagnosis: Diagnosis, observations: Observations, samples: Snapshots = ()) -> str:
    """The page as text; everything that comes from the run is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("equipoise.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(figure=figure, capital=_capital)
    environment.globals.update(why=_why, references=_references)
    words = verdict(diagnosis)
    roots = [finding for finding in diagnosis.findings if finding.caused_by is None]
    return environment.get_template("page.html").render(
        diagnosis=diagnosis,
        verdict=words,
        tone=_tone(diagnosis, words),
        looked=looked_at(diagnosis) if diagnosis.healthy else "",
        causes=[_with_consequences(diagnosis, finding) for finding in roots if finding.severity != "info"],
        remarks=[_with_consequences(diagnosis, finding) for finding in roots if finding.severity == "info"],
        timeline=timeline(diagnosis, observations),
        samples=samples_view(samples),
        ridge=score_ridge(observations),
        gradient=gradient_view(observations),
        sections=_sections(observations),
        summary=known.summary(observations),
        probes=known.probes(observations),
        facts=known.facts(observations),
        signals=known.signals(observations),
        document=_document(diagnosis),
    )


def _tone(diagnosis: Diagnosis, words: str) -> str:
    """The colour of the verdict: green only where the words themselves say healthy."""
    if diagnosis.healthy:
        return "healthy" if words.startswith("Healthy") else "info"
    return str(diagnosis.worst)


def _with_consequences(diagnosis: Diagnosis, finding: Finding) -> tuple[Finding, list[Finding]]:
    return finding, consequences(diagnosis, finding)


def _sections(observations: Observations) -> dict[str, list[Any]]:
    groups: dict[str, Sequence[Chart]] = {
        "scores": chart_catalogue.SCORES,
        "gradient": chart_catalogue.GRADIENT,
        "losses": chart_catalogue.LOSSES,
        "parameters": chart_catalogue.PARAMETERS,
        "diversity": chart_catalogue.DIVERSITY,
        "data": chart_catalogue.DATA,
        "penalties": chart_catalogue.PENALTIES,
        "cost": chart_catalogue.COST,
    }
    return {name: list(charts(wanted, observations)) for name, wanted in groups.items()}


def _why(finding: Finding) -> str:
    """Why the failure is bad, from its check's page; empty for a check of others without one."""
    return _section(finding, "Why it is bad")


def _references(finding: Finding) -> list[str]:
    """The references of the check's page: its list items, or the paragraph as one."""
    lines = _section(finding, "References").splitlines()
    items: list[str] = []
    for line in lines:
        if line.startswith(("- ", "* ")) or not items:
            items.append(line.removeprefix("- ").removeprefix("* "))
        else:
            items[-1] += f" {line.strip()}"
    return items


def _capital(text: str) -> str:
    """A clause as a sentence: the first letter of an ordinary word is raised, that of a formula stays."""
    word = text.split(" ", 1)[0]
    ordinary = word.isalpha() and word.islower() and (len(word) > 1 or word == "a")
    return text[:1].upper() + text[1:] if ordinary else text


def _section(finding: Finding, title: str) -> str:
    if finding.name not in CHECKS:
        return ""
    try:
        return docstring_page(CHECKS.get(finding.name))[title]
    except EquipoiseError:
        # A third party's check may have no page.
        return ""


def _document(diagnosis: Diagnosis) -> Markup:
    """The verdict as JSON for programs that read the page; no character of it can end the script element."""
    text = json.dumps(_finite(diagnosis.to_dict()), ensure_ascii=True, allow_nan=False, default=str)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return value
