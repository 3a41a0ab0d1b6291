"""What mkdocs calls: the generated pages join the written ones, and the navigation names them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.documentation import site

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
