"""One page with every setting of a training, from the configuration's own models."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from equipoise.training.configuration import TrainingConfiguration
from tools.documentation.docstring import table
from tools.documentation.page import Page

_INTRODUCTION = """# Settings

Everything that determines a training. `--set SECTION.KEY=VALUE` changes one, a YAML file holds many, a
[recipe](recipes/index.md) names those that belong together. `equipoise train` refuses an unknown name and
says which one is nearest.
"""


def pages() -> list[Page]:
    """The page; each section has its heading."""
    lines = [_INTRODUCTION]
    for name, field in TrainingConfiguration.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            lines += _section(name, field.annotation)
    lines += ["## penalties", "", "One key for each penalty, with its options: `penalties.r1.gamma=1.0`.", ""]
    return [Page("reference/settings.md", "Settings", "\n".join(lines), "@settings")]


def all_settings() -> list[str]:
    """The dotted name of every setting.

    Example:
        >>> "training.ema.half_life" in all_settings()
        True
    """
    return [name for name, _ in _leaves("", TrainingConfiguration) if "." in name]


def _section(name: str, model: type[BaseModel]) -> list[str]:
    rows: list[list[object]] = [
        [f"`{key}`", f"`{field.get_default(call_default_factory=True)!r}`", field.description or ""]
        for key, field in _leaves(f"{name}.", model)
    ]
    return [
        f"## {name}",
        "",
        inspect.cleandoc(model.__doc__ or ""),
        "",
        table(["setting", "default", ""], rows),
        "",
    ]


def _leaves(prefix: str, model: type[BaseModel]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _leaves(f"{prefix}{name}.", field.annotation)
        else:
            found.append((f"{prefix}{name}", field))
    return found
