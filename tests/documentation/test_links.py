"""Every relative link of every page, written or generated, leads to a file and to a heading that is there."""

from __future__ import annotations

import posixpath
import re
import tempfile
import unicodedata
from pathlib import Path

import pytest

from tools.documentation import fill, site

ROOT = Path(__file__).parents[2]
GENERATED = {page.uri: page.text for page in site.pages()}
WRITTEN = {
    str(path.relative_to(site.DOCS)): fill.fill(path.read_text(encoding="utf-8"))
    for path in site.DOCS.rglob("*.md")
}
PAGES = {**WRITTEN, **GENERATED}
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")


def prose(text: str) -> str:
    """Without code, in which brackets are no links."""
    text = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE) if "    >>>" in text else text


def slug(heading: str) -> str:
    """The anchor that Python-Markdown gives a heading."""
    plain = re.sub(r"`|\]\([^)]*\)|[\[\]*]", "", heading)
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def anchors(text: str) -> set[str]:
    return {slug(found) for found in re.findall(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)}


def broken(home: str, text: str, pages: dict[str, str], root: Path) -> list[str]:
    found = []
    for link in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(home), target)) if target else home
        there = path in pages or (root / path).is_file()
        if not there or (anchor and anchor not in anchors(pages.get(path, ""))):
            found.append(link)
    return found


@pytest.mark.parametrize("uri", sorted(PAGES))
def test_links_of_the_site_lead_somewhere(uri: str) -> None:
    assert broken(uri, PAGES[uri], PAGES, site.DOCS) == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_repository_lead_somewhere(name: str) -> None:
    pages = {f"docs/{uri}": text for uri, text in WRITTEN.items()}
    assert broken(name, (ROOT / name).read_text(encoding="utf-8"), pages, ROOT) == []


def test_a_broken_link_is_seen() -> None:
    pages = {"a.md": "# A heading\n", "b.md": ""}
    assert broken("b.md", "[x](a.md#a-heading) [y](a.md) [z](https://example.org)", pages, ROOT) == []
    assert broken("b.md", "[x](a.md#no-such) [y](c.md)", pages, ROOT) == ["a.md#no-such", "c.md"]


def test_the_site_has_many_links() -> None:
    assert sum(len(LINK.findall(prose(text))) for text in PAGES.values()) > 500


def test_every_figure_that_a_page_shows_has_words_for_those_who_do_not_see_it() -> None:
    for uri, text in PAGES.items():
        for words in re.findall(r"!\[([^\]]*)\]\(", prose(text)):
            assert words.strip(), uri


def test_no_page_is_about_the_machine_that_it_was_written_on() -> None:
    # The folder of the project and the one around it, where that is not the file system's own root.
    places = {ROOT, *ROOT.parents[:-1], Path.home(), Path(tempfile.gettempdir())}
    own = "|".join(re.escape(f"{place}/") for place in places)
    for uri, text in PAGES.items():
        assert not re.search(rf"{own}|/tmp/|/home/|/root/", text), uri
