"""A check's docstring as its page: for the terminal (`equipoise explain`) and for the documentation."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence

from equipoise.checks.base import CHECKS, FAMILIES, SECTIONS, Check
from equipoise.errors import EquipoiseError, unknown_name

WIDTH = 88


def page(check: type[Check]) -> dict[str, str]:
    """The docstring split at its sections: `summary` first, then the fixed sections in their order.

    Raises:
        EquipoiseError: a section is missing, empty, repeated or out of order.

    Example:
        >>> from equipoise.checks.base import CHECKS
        >>> list(page(CHECKS.get("g-objective-sign")))[:3]
        ['summary', 'What it does', 'Why it is bad']
    """
    return fixed_sections(check, f"check `{check.name}`", SECTIONS)


def fixed_sections(documented: type, subject: str, titles: Sequence[str]) -> dict[str, str]:
    """The class's own docstring split at these titles, all of which it must have, in this order.

    A section begins at a line that holds its title alone, with or without `#`, a colon or an underline.

    Args:
        subject: what is documented, for the error's sentence, such as "check `non-finite`".

    Raises:
        EquipoiseError: a section is missing, empty, repeated or out of order.
    """
    parts: dict[str, list[str]] = {"summary": []}
    current = "summary"
    for line in inspect.cleandoc(documented.__dict__.get("__doc__") or "").splitlines():
        title = line.strip("#*: ") if not line.startswith(" ") else ""
        if title in titles:
            if title in parts:
                raise EquipoiseError(
                    f"The docstring of the {subject} has the section `{title}` twice; keep one."
                )
            current = title
            parts[current] = []
        elif not (parts[current] == [] and line and set(line.strip()) <= set("-=~")):
            parts[current].append(line)
    found = list(parts)[1:]
    if found != list(titles):
        raise EquipoiseError(
            f"The docstring of the {subject} must have the sections {', '.join(titles)} in this "
            f"order, but it has {', '.join(found) or 'none'}; add what is missing."
        )
    sections = {title: textwrap.dedent("\n".join(lines)).strip() for title, lines in parts.items()}
    for title, text in sections.items():
        if not text:
            raise EquipoiseError(f"The docstring of the {subject} has nothing under `{title}`; write it.")
    return sections


def find_check(code_or_name: str) -> type[Check]:
    """The check of that code (any case) or name; anything else is refused with the nearest name.

    Example:
        >>> find_check("eq004").name
        'g-objective-sign'
    """
    wanted = code_or_name.strip()
    for name, check in CHECKS.items():
        if wanted.upper() == check.code or wanted.lower() == name:
            return check
    known = [check.code for _, check in CHECKS.items()] if wanted[:2].upper() == "EQ" else CHECKS.names()
    raise unknown_name("check", wanted, known)


def explain(code_or_name: str) -> str:
    """The page of a check as plain text for a terminal of at least 88 columns.

    Example:
        >>> explain("EQ004").splitlines()[0]
        'EQ004 g-objective-sign'
    """
    check = find_check(code_or_name)
    sections = page(check)
    lines = [f"{check.code} {check.name}", _facts(check), "", _wrapped(sections.pop("summary"))]
    for title, text in sections.items():
        lines += ["", title, "-" * len(title), _wrapped(text)]
        if title == "Remedies":
            lines += [
                _wrapped(f"- [{remedy.cure}, {remedy.safety}] {remedy.text}") for remedy in check.remedies
            ]
    return "\n".join(lines) + "\n"


def markdown(check: type[Check]) -> str:
    """The page of a check for the documentation."""
    sections = page(check)
    lines = [f"# {check.code} `{check.name}`", "", sections.pop("summary"), "", f"*{_facts(check)}*"]
    for title, text in sections.items():
        lines += ["", f"## {title}", "", text]
        if title == "Remedies" and check.remedies:
            lines += ["", "| remedy | cure | safety |", "|---|---|---|"]
            lines += [
                f"| {remedy.text.replace('|', chr(92) + '|')} | {remedy.cure} | {remedy.safety} |"
                for remedy in check.remedies
            ]
    reads = [*check.signals, *check.facts, *check.probes]
    lines += ["", "## What it reads", "", ", ".join(f"`{name}`" for name in reads) + "."]
    if check.explains:
        lines += ["", "Explains: " + ", ".join(f"`{name}`" for name in check.explains) + "."]
    return "\n".join(lines) + "\n"


def _facts(check: type[Check]) -> str:
    family = FAMILIES.get(check.code[2:3], "third party") if check.code.startswith("EQ") else "third party"
    return f"Family: {family}. Decided: {', '.join(check.kinds)}."


def _wrapped(text: str) -> str:
    """Paragraphs and list items filled to the width; indented blocks and tables stay as they are."""
    out: list[str] = []
    for block in text.split("\n\n"):
        paragraph: list[str] = []
        for line in block.splitlines():
            if line.startswith((" ", "|")) and not (paragraph and paragraph[0].startswith("- ")):
                out += [*_filled(paragraph), line]
                paragraph = []
            elif line.startswith(("- ", "* ")):
                out += _filled(paragraph)
                paragraph = [line]
            else:
                paragraph.append(line.strip())
        out += [*_filled(paragraph), ""]
    return "\n".join(out).rstrip()


def _filled(lines: list[str]) -> list[str]:
    if not lines:
        return []
    hanging = "  " if lines[0].startswith(("- ", "* ")) else ""
    return textwrap.wrap(" ".join(lines), WIDTH, subsequent_indent=hanging, break_on_hyphens=False)
