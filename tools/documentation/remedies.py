"""One page with every remedy that a check names: what to do, whether it cures, and who names it."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Remedy
from tools.documentation.page import Page

_INTRODUCTION = """# Remedies

What the checks tell you to do. The same remedy can remove the cause of one failure and only hide another, so
each check says which it is:

- **root**: it removes the cause;
- **symptomatic**: it hides or delays the failure.

And of each remedy it is said what it does to the training:

- **safe**: the mathematics of the loop stay the same;
- **unsafe**: it changes the game that the two networks play;
- **display-only**: it is for you to do, in the data, the code or the architecture.
"""


def named() -> dict[str, list[tuple[type[Check], Remedy]]]:
    """Every remedy's name with the checks that prescribe it, both sorted."""
    found: dict[str, list[tuple[type[Check], Remedy]]] = {}
    for check in sorted((check for _, check in CHECKS.items()), key=lambda check: check.code):
        for remedy in check.remedies:
            found.setdefault(remedy.name, []).append((check, remedy))
    return dict(sorted(found.items()))


def pages() -> list[Page]:
    """The page; each remedy has its heading."""
    lines = [_INTRODUCTION]
    for name, uses in named().items():
        texts = list(dict.fromkeys(remedy.text for _, remedy in uses))
        safeties = sorted({remedy.safety for _, remedy in uses})
        lines += [f"## {name}", "", *(f"{text}\n" for text in texts), f"*{', '.join(safeties)}*", ""]
        for cure, words in (("root", "Removes the cause of"), ("symptomatic", "Hides or delays")):
            checks = [f"`{check.name}`" for check, remedy in uses if remedy.cure == cure]
            if checks:
                lines += [f"{words}: {', '.join(dict.fromkeys(checks))}.", ""]
    return [Page("reference/remedies.md", "Remedies", "\n".join(lines), "@remedies")]
