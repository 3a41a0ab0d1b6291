"""One page with everything that watching may record: signals, facts, probes."""

from __future__ import annotations

import re

from equipoise.history import signals
from equipoise.history.catalogue import FACTS, PROBES, SIGNALS
from tools.documentation.docstring import table
from tools.documentation.page import Page

_INTRODUCTION = """# Signals

Everything that `equipoise.watch` and the trainer may record. A check can read nothing else.
"""


def pages() -> list[Page]:
    """The page; each probe has its heading."""
    words = (signals.__doc__ or "").partition("\n\n")[2]
    groups: dict[str, list[list[object]]] = {}
    for signal in SIGNALS.values():
        row: list[object] = [f"`{signal.name}`", signal.unit, _formula(signal.formula)]
        groups.setdefault(signal.name.partition(".")[0], []).append(row)
    lines = [_INTRODUCTION, words.strip(), "", "## Over time", ""]
    for group, rows in groups.items():
        lines += [f"### {group}", "", table(["signal", "unit", "formula"], rows), ""]
    lines += ["## Facts of the run as a whole", ""]
    lines += [
        table(["fact", "what it says"], [[f"`{f.name}`", _formula(f.meaning)] for f in FACTS.values()]),
        "",
    ]
    lines += ["## Probes", ""]
    lines += ["Experiments on copies of the networks; the training does not notice them.", ""]
    for probe in PROBES.values():
        rows = [[f"`{name}`", _formula(formula)] for name, formula in probe.numbers.items()]
        lines += [f"### Probe {probe.name}", "", probe.question, "", table(["number", "formula"], rows), ""]
    names = (*PROBES, *SIGNALS, *FACTS)
    anchors = {name: f"probe-{name}" for name in PROBES}
    anchors |= {name: name.partition(".")[0] for name in SIGNALS}
    anchors |= dict.fromkeys(FACTS, "facts-of-the-run-as-a-whole")
    return [Page("reference/signals.md", "Signals", "\n".join(lines), "@signals", "", names, anchors)]


def _formula(text: str) -> str:
    """A formula that Markdown leaves alone: no emphasis, no tags, no links."""
    return re.sub(r"([\\*_<>\[\]])", r"\\\1", text)
