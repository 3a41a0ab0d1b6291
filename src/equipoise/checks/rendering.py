"""A diagnosis to read: plain text, HTML for notebooks, and Rich for the terminal."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from equipoise.checks.diagnosis import Diagnosis
from equipoise.checks.finding import Finding, Measurement
from equipoise.history.observations import WARM_UP_STEPS

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 88
_COLOURS = {"error": "#b3261e", "warning": "#9a6700", "info": "#0b57d0", "healthy": "#1a7f37"}
_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "cyan", "healthy": "bold green"}
# What a healthy verdict says was looked at, by the signals that were recorded or the facts that are known.
_MEASURED = (
    ("score.auc", "the scores of reals and fakes"),
    ("slope.generator.mean", "the slope of both losses"),
    ("gradient.samples", "the gradient at the fakes"),
    ("gradient.generator", "the parameters' gradients"),
    ("sample.distance.ratio", "the diversity of the fakes against the reals"),
    ("latent.std", "the latents"),
    ("loss.discriminator", "the losses"),
)


def verdict(diagnosis: Diagnosis) -> str:
    """The diagnosis in one line.

    Example:
        >>> from equipoise.checks.diagnosis import Diagnosis
        >>> verdict(Diagnosis(step=1200))
        'Healthy after 1,200 steps: nothing wrong was found.'
    """
    when = "before training" if diagnosis.source == "preflight" else f"after {diagnosis.step:,} steps"
    counts = {
        severity: sum(f.severity == severity and f.caused_by is None for f in diagnosis.findings)
        for severity in ("error", "warning", "info")
    }
    if diagnosis.healthy:
        remarks = f", {_number(counts['info'], 'remark')}" if counts["info"] else ""
        if diagnosis.source == "log":
            return f"Nothing wrong shows in this log {when}{remarks}; a log alone cannot say more."
        if diagnosis.source != "preflight" and diagnosis.step < WARM_UP_STEPS:
            return (
                f"Nothing wrong was found {when}{remarks}; balance and diversity are judged "
                f"from step {WARM_UP_STEPS} on."
            )
        return f"Healthy {when}: nothing wrong was found{remarks}."
    parts = [_number(counts[severity], severity) for severity in ("error", "warning") if counts[severity]]
    following = sum(f.caused_by is not None and f.severity != "info" for f in diagnosis.findings)
    more = f", {_number(following, 'consequence')}" if following else ""
    return f"Not healthy {when}: {' and '.join(parts)}{more}."


def plain_text(diagnosis: Diagnosis, width: int = WIDTH) -> str:
    """The whole diagnosis as text of at most `width` columns (long words and addresses excepted)."""
    lines = [_wrap(verdict(diagnosis), width)]
    if diagnosis.healthy and (looked := looked_at(diagnosis)):
        lines += [_wrap(looked, width)]
    for finding in diagnosis.findings:
        if finding.caused_by is None:
            lines += ["", *_finding_lines(diagnosis, finding, width)]
    for title, sentences in _ends(diagnosis):
        lines += ["", title]
        lines += [_item(sentence, width) for sentence in sentences]
    return "\n".join(lines)


def notebook_html(diagnosis: Diagnosis) -> str:
    """The same as a self-contained piece of HTML; everything that comes from the run is escaped."""
    worst = "healthy" if diagnosis.healthy else str(diagnosis.worst)
    parts = [
        '<div style="font-family:system-ui,sans-serif;max-width:56em;line-height:1.45">',
        f'<p style="font-weight:600;color:{_COLOURS[worst]}">{html.escape(verdict(diagnosis))}</p>',
    ]
    if diagnosis.healthy and (looked := looked_at(diagnosis)):
        parts.append(f"<p>{html.escape(looked)}</p>")
    parts += [
        _finding_html(diagnosis, finding) for finding in diagnosis.findings if finding.caused_by is None
    ]
    for title, sentences in _ends(diagnosis):
        parts.append(f"<p><b>{html.escape(title)}</b></p>{_list(sentences)}")
    parts.append("</div>")
    return "".join(parts)


def rich_renderable(diagnosis: Diagnosis) -> RenderableType:
    """The same for `rich.print`; Rich is imported here and nowhere else in this room."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    worst = "healthy" if diagnosis.healthy else str(diagnosis.worst)
    parts: list[Any] = [Text(verdict(diagnosis), style=_STYLES[worst])]
    if diagnosis.healthy and (looked := looked_at(diagnosis)):
        parts.append(Text(looked))
    for finding in diagnosis.findings:
        if finding.caused_by is not None:
            continue
        parts += [Text(), Text(_headline(finding), style=_STYLES[finding.severity])]
        parts.append(Padding(Text(finding.message), (0, 0, 0, 2)))
        for title, items in _sections(diagnosis, finding, short=finding.severity == "info"):
            parts.append(Padding(Text(title, style="bold"), (0, 0, 0, 2)))
            parts += [Padding(Text(f"- {item}"), (0, 0, 0, 4)) for item in items]
    for title, sentences in _ends(diagnosis):
        parts += [Text(), Text(title, style="bold"), *(Text(f"- {sentence}") for sentence in sentences)]
    return Group(*parts)


def consequences(diagnosis: Diagnosis, cause: Finding) -> list[Finding]:
    """All findings that a root explains, directly or through others, in the diagnosis's order."""
    names = {cause.name}
    found: list[Finding] = []
    for _ in diagnosis.findings:
        for finding in diagnosis.findings:
            if finding.caused_by in names and finding.name not in names:
                names.add(finding.name)
                found.append(finding)
    return [finding for finding in diagnosis.findings if finding in found]


def measured(measurement: Measurement) -> str:
    """One piece of evidence in one line: what was measured against which threshold, and whose.

    Example:
        >>> measured(Measurement("score.auc", 0.9997, 0.999, "above", "ours", "real against fake"))
        'score.auc = 0.9997 (real against fake), above 0.999 [ours]'
    """
    text = f"{measurement.name} = {_figure(measurement.value)}"
    if measurement.meaning:
        text += f" ({measurement.meaning})"
    if measurement.threshold is not None:
        text += f", {measurement.comparison} {_figure(measurement.threshold)}"
    if measurement.source:
        text += f" [{measurement.source}]"
    return text


def _headline(finding: Finding) -> str:
    since = f", since step {finding.since:,}" if finding.since else ""
    sure = f"confidence {finding.confidence:.0%}"
    return f"{finding.severity.upper()} {finding.code} {finding.name} ({sure}{since})"


def _sections(
    diagnosis: Diagnosis, finding: Finding, *, short: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """The parts below the message; `short` leaves what a remark needs: its first remedy."""
    if short:
        if finding.remedies:
            yield "What to do", [f"[{finding.remedies[0].safety}] {finding.remedies[0].text}"]
        return
    if finding.evidence:
        yield "Evidence", [measured(measurement) for measurement in finding.evidence]
    if finding.because:
        yield (
            "What else it could be",
            [f"{other.cause}: {other.verdict}; {other.reason}" for other in finding.because],
        )
    if finding.remedies:
        yield (
            "What to do",
            [f"[{remedy.cure}, {remedy.safety}] {remedy.text}" for remedy in finding.remedies],
        )
    if explained := consequences(diagnosis, finding):
        yield "Explains", [", ".join(f"{other.name} ({other.code}, {other.severity})" for other in explained)]


def _ends(diagnosis: Diagnosis) -> Iterator[tuple[str, list[str]]]:
    if diagnosis.undecided:
        yield "Undecided", list(diagnosis.undecided)
    if diagnosis.missing:
        yield "Not in this log", list(diagnosis.missing)
    if diagnosis.problems:
        yield "Problems of the watching itself", list(diagnosis.problems)


def looked_at(diagnosis: Diagnosis) -> str:
    """One sentence on what was measured, for a healthy verdict; empty before training."""
    named = [words for name, words in _MEASURED if name in diagnosis.measured]
    if not named:
        return (
            "But nothing was measured that a verdict could rest on."
            if diagnosis.source != "preflight"
            else ""
        )
    family = diagnosis.facts.get("objective.family")
    objective = f" The objective is {family}." if family else ""
    probes = [name for name in diagnosis.measured if name.startswith("probe ")]
    active = f", and {_number(len(probes), 'active probe')}" if probes else ""
    return f"Measured: {', '.join(named)}{active}.{objective}"


def _finding_lines(diagnosis: Diagnosis, finding: Finding, width: int) -> Iterator[str]:
    yield _headline(finding)
    yield _wrap(finding.message, width, "  ")
    for title, items in _sections(diagnosis, finding, short=finding.severity == "info"):
        if title == "Explains":
            yield _wrap(f"Explains: {items[0]}", width, "  ", "    ")
            continue
        yield f"  {title}"
        for item in items:
            yield _item(item, width, "    ")


def _finding_html(diagnosis: Diagnosis, finding: Finding) -> str:
    colour = _COLOURS[finding.severity]
    parts = [
        f'<div style="border-left:4px solid {colour};padding:.2em 0 .2em .9em;margin:.9em 0">',
        f'<p style="margin:.2em 0;color:{colour};font-weight:600">{html.escape(_headline(finding))}</p>',
        f'<p style="margin:.2em 0">{html.escape(finding.message)}</p>',
    ]
    for title, items in _sections(diagnosis, finding):
        if title == "Explains":
            parts.append(f'<p style="margin:.2em 0"><b>Explains:</b> {html.escape(items[0])}</p>')
            continue
        shown = " open" if title == "What to do" else ""
        parts.append(f"<details{shown}><summary>{html.escape(title)}</summary>{_list(items)}</details>")
    return "".join(parts) + "</div>"


def _list(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"


def _wrap(text: str, width: int, first: str = "", following: str | None = None) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _item(text: str, width: int, indent: str = "") -> str:
    return _wrap(f"- {text}", width, indent, f"{indent}  ")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _figure(value: float) -> str:
    return f"{value:.4g}"
