"""A docstring as Markdown: parameters become a list, examples become code, the rest stays text."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_TITLES = ("Args", "Attributes", "Raises", "Returns", "Yields", "Example", "Examples", "Source", "Shapes")
_TITLE = re.compile(rf"^({'|'.join(_TITLES)}):[ \t]*(.*)$")
_ENTRY = re.compile(r"^(\w+(?:, \w+)*): +(.*)$")


@dataclass
class Docstring:
    """What a docstring holds.

    Attributes:
        summary: its first paragraph in one line.
        text: the paragraphs after it, without the named sections.
        parameters: name to description, from `Args`.
        sections: title to text, for the other named sections.
    """

    summary: str = ""
    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


def parse(documented: object) -> Docstring:
    """The docstring of a class or function, taken apart; its own one, not an inherited one.

    Example:
        >>> def halve(x): '''Half of it.\\n\\n    Args:\\n        x: a number.\\n    '''
        >>> parse(halve).parameters
        {'x': 'a number.'}
    """
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in inspect.cleandoc(getattr(documented, "__doc__", None) or "").splitlines():
        begun = _TITLE.match(line)
        if begun:
            blocks.append((begun[1], [begun[2]] if begun[2] else []))
        elif blocks[-1][0] in ("Source", "Shapes") and not line.strip():
            blocks.append(("", []))  # these end with their paragraph; others with the next unindented line
        elif blocks[-1][0] in ("", "Source", "Shapes") or not line or line.startswith(" "):
            blocks[-1][1].append(line)
        else:
            blocks.append(("", [line]))
    paragraphs = "\n\n".join("\n".join(lines).strip() for title, lines in blocks if not title).strip()
    paragraphs = re.sub(r"\n{3,}", "\n\n", paragraphs)
    summary, _, text = paragraphs.partition("\n\n")
    found = Docstring(" ".join(summary.split()), text.strip())
    for title, lines in blocks:
        if title == "Args":
            found.parameters |= entries(lines)
        elif title:
            found.sections[title] = inspect.cleandoc("\n" + "\n".join(lines)).strip()
    return found


def entries(lines: list[str]) -> dict[str, str]:
    """`name: description` items, continued on deeper lines; "a, b: text" counts for both.

    Example:
        >>> entries(["    a, b: two", "        numbers."])
        {'a': 'two numbers.', 'b': 'two numbers.'}
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc("\n" + "\n".join(lines)).splitlines():
        begun = _ENTRY.match(line)
        if begun:
            names = begun[1].split(", ")
            found |= dict.fromkeys(names, begun[2].strip())
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def parameters_of(documented: type) -> dict[str, str]:
    """What is said of each parameter, by the class itself or by the classes it inherits from.

    Example:
        >>> from equipoise.penalties.r1 import R1
        >>> "coefficient" in parameters_of(R1)["gamma"]
        True
    """
    found: dict[str, str] = {}
    for ancestor in reversed(documented.__mro__):
        if ancestor is not object:
            found |= parse(ancestor).parameters
            found |= parse(ancestor.__dict__.get("__init__")).parameters
    return found


def code(text: str, language: str = "python") -> str:
    """A fenced block."""
    return f"```{language}\n{text.strip()}\n```"


def cell(text: object) -> str:
    """Text for one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(columns: list[str], rows: list[list[object]]) -> str:
    """A Markdown table.

    Example:
        >>> print(table(["a"], [["b|c"]]))
        | a |
        |---|
        | b\\|c |
    """
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cell(value) for value in row)} |" for row in rows)])
