"""What mkdocs calls: the generated pages join the written ones, and the navigation names them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

# mkdocs loads this file by its path; the package and the benchmarks are found from the repository's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.documentation import fill, site

_made = site.pages()


def on_config(config: Any, **_: Any) -> Any:
    """Put the generated pages where mkdocs.yml has a name with @."""
    config["nav"] = site.expand(config["nav"], _made)
    return config


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the generated pages."""
    for page in _made:
        files.append(File.generated(config, page.uri, content=page.text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what written pages take from files."""
    return markdown if page.file.generated_by else fill.fill(markdown)
