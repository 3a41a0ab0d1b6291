"""All generated pages and the navigation they stand in, without mkdocs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tools.documentation import checks, commands, experiments, parts, recipes, remedies, settings, signals
from tools.documentation.page import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# A name in mkdocs.yml that begins with @ stands for the pages that this generator makes.
GENERATORS: dict[str, Callable[[], list[Page]]] = {
    "@checks": checks.pages,
    "@remedies": remedies.pages,
    "@recipes": recipes.pages,
    "@objectives": parts.objectives,
    "@penalties": parts.penalties,
    "@layers": parts.layers,
    "@networks": parts.networks,
    "@metrics": parts.metrics,
    "@settings": settings.pages,
    "@signals": signals.pages,
    "@commands": commands.pages,
    "@experiments": experiments.pages,
}


# Where a name has several pages and none is of the page's own kind, these kinds are meant, in this order.
_MEANT: dict[str, tuple[str, ...]] = {
    "@checks": ("@signals", "@penalties", "@objectives", "@layers"),
    "@recipes": ("@objectives", "@penalties"),
}
_NAME = re.compile(r"(?<![`\[])`([A-Za-z][\w.-]*)`(?![`\]])")
_ADDRESS = re.compile(r"(?<![<(\[\"`])(https?://[^\s)>,;`|]*[\w/])")
# Names of these kinds are also ordinary words (`modes`, `default`); they are linked from these pages only.
_LINKED_FROM = {"@signals": ("@checks",), "@recipes": ("@recipes",)}


def pages() -> list[Page]:
    """Every generated page, with the names in its text linked."""
    made = [page for generate in GENERATORS.values() for page in generate()]
    return linked(made)


def expand(navigation: list[Any], made: Iterable[Page], written: Path = DOCS) -> list[Any]:
    """The navigation with each `@name` and pattern replaced by its pages; what is not there is left out."""
    made = list(made)
    there = {page.uri for page in made}
    expanded: list[Any] = []
    for entry in navigation:
        title, target = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(target, list):
            inner = expand(target, made, written)
            if inner:
                expanded.append({title: inner})
        elif target.startswith("@"):
            group = [page for page in made if page.generator == target]
            if len(group) == 1:
                expanded.append({title: group[0].uri} if title else group[0].uri)
            elif group:
                tree = _tree(group)
                expanded += [{title: tree}] if title else tree
        elif "*" in target:
            expanded += sorted(str(path.relative_to(written)) for path in written.glob(target))
        elif target in there or (written / target).is_file():
            expanded.append(entry)
    return expanded


def _tree(group: list[Page]) -> list[Any]:
    """Pages in their order; those of one section under its name."""
    tree: list[Any] = []
    sections: dict[str, list[Any]] = {}
    for page in group:
        if not page.section:
            tree.append({page.title: page.uri} if not page.uri.endswith("index.md") else page.uri)
            continue
        if page.section not in sections:
            sections[page.section] = []
            tree.append({page.section: sections[page.section]})
        sections[page.section].append({page.title: page.uri})
    return tree


def linked(made: list[Page]) -> list[Page]:
    """Each `name` in backticks that has a page becomes a link to it, and each address a link, outside code.

    Where two kinds share a name (the penalty and the probe gradient-penalty) the page's own kind is meant,
    then those of `_MEANT`; where that leaves more than one there is no link.
    """
    homes: dict[str, list[Page]] = {}
    for page in made:
        for name in page.names:
            homes.setdefault(name, []).append(page)
    return [page.with_text(_link(page, homes)) for page in made]


def _link(page: Page, homes: dict[str, list[Page]]) -> str:
    def replace(found: re.Match[str]) -> str:
        candidates = [
            home
            for home in homes.get(found[1], [])
            if home.uri != page.uri and page.generator in _LINKED_FROM.get(home.generator, (page.generator,))
        ]
        for kind in (page.generator, *_MEANT.get(page.generator, ())):
            if len(candidates) > 1:
                candidates = [home for home in candidates if home.generator == kind] or candidates
        if found[1] in page.names or len(candidates) != 1:
            return found[0]
        return f"[`{found[1]}`]({page.relative(candidates[0], found[1])})"

    lines, fenced = [], False
    for line in page.text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        if fenced or line.startswith(("#", "    ", "```")):
            lines.append(line)
        else:
            line = _ADDRESS.sub(r"<\1>", line)
            lines.append(_NAME.sub(replace, line))
    return "\n".join(lines) + "\n"
