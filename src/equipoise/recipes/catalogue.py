"""What recipes there are; a YAML file in this folder is one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from equipoise.errors import EquipoiseError, unknown_name

_ABOUT = ("description", "source", "notes")


@dataclass(frozen=True)
class Recipe:
    """A named training configuration and where it comes from.

    Attributes:
        name: what `--recipe` takes; the file's name without `.yaml`.
        description: what it is for, in one sentence.
        source: the paper or code that the hyper-parameters are from.
        notes: where it departs from its source, and what to expect.
        settings: the sections of the configuration that it sets; the rest keeps its defaults.
    """

    name: str
    description: str
    source: str
    notes: str
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "name": self.name,
            "description": self.description,
            "source": self.source,
            "notes": self.notes,
            "settings": self.settings,
        }


def recipe_names() -> list[str]:
    """The names of all recipes, sorted.

    Example:
        >>> "dcgan" in recipe_names()
        True
    """
    folder = resources.files(__package__)
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def get_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        EquipoiseError: no recipe has that name; the nearest one is suggested.

    Example:
        >>> get_recipe("wgan").settings["optimizers"]["discriminator"]["name"]
        'rmsprop'
    """
    names = recipe_names()
    if name not in names:
        raise unknown_name("recipe", name, names)
    text = (resources.files(__package__) / f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    missing = [key for key in _ABOUT if not isinstance(values.get(key), str)]
    if missing:
        raise EquipoiseError(
            f"Recipe `{name}` must say its {', '.join(missing)} as text; add that to the head of its file."
        )
    about = {key: " ".join(values.pop(key).split()) for key in _ABOUT}
    return Recipe(name=name, settings=values, **about)


def list_recipes() -> list[Recipe]:
    """All recipes, sorted by name."""
    return [get_recipe(name) for name in recipe_names()]
