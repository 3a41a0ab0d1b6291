"""What a written page takes from files: {{verdict}}, {{failing loop}}, and numbers of committed results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tools.documentation import verdict
from tools.documentation.docstring import code

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"
_PLACE = re.compile(r"\{\{ *([^{}]+?) *\}\}")


def fill(markdown: str) -> str:
    """The text with each `{{name}}` replaced.

    `{{number: FILE; KEY/KEY; FORMAT}}` is a number of a JSON file below docs/figures; FORMAT may be left out.

    Raises:
        KeyError: there is no such name, file or key.
    """
    return _PLACE.sub(lambda found: _value(found[1]), markdown)


def _value(name: str) -> str:
    if name.startswith("number:"):
        return _number(*(part.strip() for part in name.removeprefix("number:").split(";")))
    texts = {
        "verdict": lambda: verdict.as_html((verdict.FOLDER / "verdict.txt").read_text(encoding="utf-8")),
        "repaired verdict": lambda: verdict.as_html(_first_paragraph(verdict.FOLDER / "repaired.txt")),
        "failing loop, indented": lambda: _indented(
            code(_without_docstring(verdict.LOOP.read_text(encoding="utf-8")))
        ),
    }
    return texts[name]()


def _number(file: str, keys: str, form: str = ".3g") -> str:
    found: Any = json.loads((FIGURES / file).read_text(encoding="utf-8"))
    for key in keys.split("/"):
        found = found[int(key) if isinstance(found, list) else key]
    return format(found, form)


def _first_paragraph(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n\n")[0]


def _without_docstring(source: str) -> str:
    return source.partition('"""\n\n')[2]


def _indented(text: str) -> str:
    """For a block inside an admonition, whose first line is indented already."""
    return text.replace("\n", "\n    ")
