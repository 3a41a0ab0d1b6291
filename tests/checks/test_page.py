"""Every check's docstring is its page."""

from __future__ import annotations

import pytest

from equipoise.checks.base import CHECKS, SECTIONS
from equipoise.checks.page import explain, find_check, markdown, page
from equipoise.errors import EquipoiseError


@pytest.mark.parametrize("name", CHECKS.names())
def test_every_check_has_its_page(name: str) -> None:
    check = CHECKS.get(name)
    sections = page(check)
    assert tuple(sections) == ("summary", *SECTIONS)
    assert len(sections["summary"].splitlines()[0]) < 110
    for render in (explain(name), markdown(check)):
        assert check.code in render
        for remedy in check.remedies:
            assert remedy.text.split()[0] in render
        for title in SECTIONS:
            assert title in render


@pytest.mark.parametrize("name", CHECKS.names())
def test_the_terminal_page_is_not_wider_than_a_terminal(name: str) -> None:
    long = [line for line in explain(name).splitlines() if len(line) > 88]
    assert not [line for line in long if " " in line.strip().removeprefix("- ")]


def test_a_check_is_found_by_code_and_name_in_any_case() -> None:
    assert find_check("EQ004") is find_check("eq004") is find_check(" G-objective-sign ")


@pytest.mark.parametrize("wanted", ["EQ999", "g-objectve-sign", ""])
def test_unknown_checks_are_refused(wanted: str) -> None:
    with pytest.raises(EquipoiseError, match="There is no check named"):
        find_check(wanted)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("Remedies", "Cures"), "must have the sections"),
        (lambda text: text.replace("What it does\n    It looks.", "What it does"), "nothing under"),
        (lambda text: text + "\nReferences\n    More.\n", "twice"),
        (lambda text: "", "must have the sections"),
    ],
)
def test_incomplete_pages_are_refused(change, words: str) -> None:
    text = "One.\n\n" + "\n\n".join(f"{title}\n    It looks." for title in SECTIONS)
    check = type("Some", (), {"__doc__": change(text), "name": "some"})
    with pytest.raises(EquipoiseError, match=words):
        page(check)
