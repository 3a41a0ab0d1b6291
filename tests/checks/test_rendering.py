"""Diagnoses as text, HTML and Rich: complete, escaped, and no wider than asked."""

from __future__ import annotations

import io
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from observe import healthy_ns_gan

from equipoise.checks.diagnosis import Diagnosis, judge
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.rendering import consequences, notebook_html, plain_text, rich_renderable, verdict

ROOT = Finding(
    "EQ401",
    "range-mismatch",
    "error",
    0.93,
    "The reals lie in [0, 1] and the fakes in [-1, 1].",
    evidence=(Measurement("sample.real.low", 0.0, -0.02, "not below", "issue 6", "smallest real"),),
    because=(Alternative("collapse", "ruled out", "the spread is 0.9"),),
    remedies=(Remedy("normalise-data", "Map the data to [-1, 1].", "root", "unsafe"),),
    since=120,
)
CHILD = Finding("EQ102", "perfect-discriminator", "error", 0.9, "The AUC is 1.", caused_by="range-mismatch")
GRANDCHILD = Finding("EQ201", "mode-collapse", "warning", 0.7, "Few.", caused_by="perfect-discriminator")
REMARK = Finding("EQ014", "deconv-overlap", "info", 0.9, "The kernel is <b>3</b> & the stride 2.")
SICK = Diagnosis(
    (ROOT, REMARK, CHILD, GRANDCHILD),
    step=4000,
    undecided=("Whether labels are used is open.",),
    problems=("The sensor of latents was switched off.",),
    missing=("scores",),
)


def test_the_verdict_counts_roots_and_consequences_apart() -> None:
    assert verdict(SICK) == "Not healthy after 4,000 steps: 1 error, 2 consequences."
    assert verdict(Diagnosis((REMARK,), step=10)) == (
        "Nothing wrong was found after 10 steps, 1 remark; balance and diversity are judged from step 200 on."
    )
    assert verdict(Diagnosis(source="preflight")) == "Healthy before training: nothing wrong was found."


def test_consequences_are_transitive() -> None:
    assert [finding.name for finding in consequences(SICK, ROOT)] == [
        "perfect-discriminator",
        "mode-collapse",
    ]


@pytest.mark.parametrize(
    "expected",
    [
        "ERROR EQ401 range-mismatch (confidence 93%, since step 120)",
        "sample.real.low = 0 (smallest real), not below -0.02 [issue 6]",
        "collapse: ruled out; the spread is 0.9",
        "[root, unsafe] Map the data to [-1, 1].",
        "Explains: perfect-discriminator (EQ102, error), mode-collapse (EQ201, warning)",
        "Whether labels are used is open.",
        "The sensor of latents was switched off.",
        "Not in this log",
    ],
)
def test_plain_text_says(expected: str) -> None:
    assert expected in plain_text(SICK)
    assert str(SICK) == plain_text(SICK)


def test_plain_text_says_a_consequence_only_once() -> None:
    assert plain_text(SICK).count("perfect-discriminator") == 1
    assert "The AUC is 1." not in plain_text(SICK)


@pytest.mark.parametrize("width", [60, 88, 100])
def test_plain_text_keeps_to_the_width(width: int) -> None:
    for diagnosis in (SICK, judge(healthy_ns_gan())):
        assert max(map(len, plain_text(diagnosis, width).splitlines())) <= width


def test_a_healthy_verdict_names_what_was_measured() -> None:
    text = " ".join(plain_text(judge(healthy_ns_gan(), checks=[])).split())
    assert text.startswith("Healthy after 3,000 steps")
    assert "the gradient at the fakes" in text
    assert "The objective is non-saturating." in text


def test_a_verdict_on_nothing_does_not_pretend() -> None:
    assert "nothing was measured" in plain_text(Diagnosis(step=5))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_balanced_escaped_and_self_contained() -> None:
    text = notebook_html(SICK)
    reader = _Tags()
    reader.feed(text)
    assert reader.open == []
    assert "The kernel is <b>3</b> & the stride 2." in reader.text
    assert "<b>3</b>" not in text
    assert "http" not in text
    assert "src=" not in text
    assert SICK._repr_html_() == text


def test_rich_shows_the_same_findings() -> None:
    from rich.console import Console

    console = Console(width=90, record=True, file=io.StringIO())
    console.print(rich_renderable(SICK))
    text = console.export_text()
    for expected in ("Not healthy", "EQ401", "[root, unsafe]", "ruled out", "EQ014"):
        assert expected in text


def test_rich_is_not_imported_before_it_is_used() -> None:
    code = "import sys, equipoise.checks.rendering; assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
