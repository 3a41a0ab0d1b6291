"""The site builds without a warning, and a reader's browser fetches nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.documentation import site

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?(?:https?:)?//|<link[^>]*rel=\"?(?:stylesheet|preload|preconnect|icon)"
    r"[^>]*href=\"?(?:https?:)?//"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    pytest.importorskip("material", reason="mkdocs-material is not installed: `make docs` installs it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_built(built: Path) -> None:
    for page in site.pages():
        assert (built / page.uri).with_suffix(".html").is_file(), page.uri
    assert (built / "figures/start/report.html").is_file()


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    for path in built.rglob("*.html"):
        found = FETCHED.search(path.read_text(encoding="utf-8"))
        assert not found, (path.name, found and found[0])
    for path in (built / "assets" / "stylesheets").glob("*.css"):
        assert not re.search(r"url\([\"']?https?:|@import", path.read_text(encoding="utf-8")), path.name


def test_the_verdict_is_at_the_top_of_the_start_page(built: Path) -> None:
    text = (built / "index.html").read_text(encoding="utf-8")
    assert text.index("EQ401") < text.index('id="three-ways-in"')
    assert "{{" not in text
