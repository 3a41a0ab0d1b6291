"""What a generated page is."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Page:
    """One page of the site that is made from the code.

    Attributes:
        uri: its file below `docs`, such as `reference/checks/g-objective-sign.md`.
        title: its name in the navigation.
        text: the Markdown.
        generator: which placeholder of mkdocs.yml it stands for, such as `@checks`.
        section: the group it belongs to in the navigation, or "".
        names: what it documents; mentions elsewhere are linked to it.
        anchors: for names that are one of many on the page, the heading's anchor.
    """

    uri: str
    title: str
    text: str
    generator: str
    section: str = ""
    names: tuple[str, ...] = ()
    anchors: dict[str, str] = field(default_factory=dict)

    def with_text(self, text: str) -> Page:
        return replace(self, text=text)

    def relative(self, other: Page, name: str = "") -> str:
        """The link from this page to another one."""
        anchor = f"#{other.anchors[name]}" if name in other.anchors else ""
        return posixpath.relpath(other.uri, posixpath.dirname(self.uri)) + anchor
