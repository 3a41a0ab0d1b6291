"""A page for every check, with the text of `equipoise explain`, and their table."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, FAMILIES, Check
from equipoise.checks.page import markdown, page
from tools.documentation.docstring import table
from tools.documentation.page import Page

FOLDER = "reference/checks"
GENERATOR = "@checks"
_INTRODUCTION = """# Checks

A check recognises one failure. `equipoise diagnose RUN` runs all of them on what was recorded, ranks what
they find by root cause, and says of each finding what was measured, what else it could have been, and what
to do.
`equipoise explain CODE` prints the pages below in the terminal.

*preflight* checks decide before training, *passive* ones while watching, *probe* ones with an experiment on
copies of the networks. The name of a code says its family: EQ0 {families}.
"""


def pages() -> list[Page]:
    """The table first, then one page for each check in the order of the codes."""
    ordered = sorted((check for _, check in CHECKS.items()), key=lambda check: check.code)
    return [_table(ordered), *(_page(check) for check in ordered)]


def family(check: type[Check]) -> str:
    """What the first digit of the code stands for."""
    known = check.code.startswith("EQ") and check.code[2:3] in FAMILIES
    return FAMILIES[check.code[2:3]] if known else "third party"


def _table(ordered: list[type[Check]]) -> Page:
    families = ", EQ".join(f"{digit} {name}" for digit, name in FAMILIES.items())
    lines = [_INTRODUCTION.replace("EQ0 {families}", f"EQ{families}")]
    for title in dict.fromkeys(family(check) for check in ordered):
        rows: list[list[object]] = [
            [check.code, f"`{check.name}`", ", ".join(check.kinds), page(check)["summary"]]
            for check in ordered
            if family(check) == title
        ]
        lines += [
            f"## {title.capitalize()}",
            "",
            table(["code", "name", "decided", "what it says"], rows),
            "",
        ]
    return Page(f"{FOLDER}/index.md", "Checks", "\n".join(lines), GENERATOR)


def _page(check: type[Check]) -> Page:
    names = dict.fromkeys(remedy.name for remedy in check.remedies)
    remedies = ", ".join(f"[{name}](../remedies.md#{name})" for name in names)
    also = f"\nWhich other checks name these remedies: {remedies}.\n" if names else ""
    return Page(
        f"{FOLDER}/{check.name}.md",
        f"{check.code} {check.name}",
        markdown(check) + f"{also}\nIn a terminal: `equipoise explain {check.code}`.\n",
        GENERATOR,
        family(check).capitalize(),
        (check.name, check.code),
    )
