"""From a recipe's name, a YAML file or plain values to a configuration, with overrides."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from equipoise.errors import EquipoiseError, unknown_name
from equipoise.recipes import get_recipe, recipe_names
from equipoise.training.configuration import TrainingConfiguration
from equipoise.training.configuration_errors import unknown_setting

# Below these any key may stand; their owners check it.
_FREE = ("penalties", "objective", "data.options", "networks.options")


def load_configuration(
    source: str | Path | Mapping[str, Any] | TrainingConfiguration = "default",
    overrides: Iterable[str] = (),
) -> TrainingConfiguration:
    """The configuration that a recipe, a file or values describe, after the overrides.

    Args:
        source: a recipe's name, the path of a YAML file, a mapping, or a configuration. A mapping or file
            may name a recipe under `recipe`; what it does not set is then taken from there.
        overrides: ``"section.key=value"`` each; the value is read as YAML. ``penalties.NAME=null``
            takes a penalty away.

    Raises:
        EquipoiseError: an unknown recipe, file, key or value, with the nearest valid one.

    Example:
        >>> load_configuration("dcgan", ["training.batch_size=128"]).training.batch_size
        128
    """
    values = _values(source)
    for override in overrides:
        apply_override(values, override)
    values["penalties"] = {
        name: options if options is not None else {}
        for name, options in (values.get("penalties") or {}).items()
    }
    return TrainingConfiguration.from_values(values)


def _values(source: str | Path | Mapping[str, Any] | TrainingConfiguration) -> dict[str, Any]:
    if isinstance(source, TrainingConfiguration):
        return source.to_values()
    if isinstance(source, Mapping):
        return _on_recipe(dict(copy.deepcopy(dict(source))))
    path = Path(source)
    if isinstance(source, str) and path.suffix not in {".yaml", ".yml"}:
        if path.name != source:
            raise unknown_name("recipe", source, recipe_names())
        return get_recipe(source).settings | {"recipe": source}
    return _on_recipe(_read_yaml(path))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EquipoiseError(
            f"There is no configuration file {str(path)!r}; give a recipe's name or a YAML file."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise EquipoiseError(f"The configuration file {str(path)!r} cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        first = " ".join(str(error).split())
        raise EquipoiseError(f"The configuration file {str(path)!r} is not valid YAML: {first}.") from None
    if not isinstance(values, dict):
        raise EquipoiseError(f"The configuration file {str(path)!r} must hold sections of keys and values.")
    # A recipe's own file can be used by its path.
    for key in ("description", "source", "notes"):
        values.pop(key, None)
    return values


def _on_recipe(values: dict[str, Any]) -> dict[str, Any]:
    recipe = values.get("recipe")
    if recipe is None:
        return values
    return merged(get_recipe(recipe).settings | {"recipe": recipe}, values)


def merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, those of `above` first; another objective's options do not stay.

    Example:
        >>> merged({"training": {"steps": 1, "seed": 2}}, {"training": {"steps": 5}})
        {'training': {'steps': 5, 'seed': 2}}
    """
    result = copy.deepcopy(below)
    for key, value in above.items():
        if (
            isinstance(value, Mapping)
            and isinstance(result.get(key), dict)
            and key not in {"objective", "penalties"}
        ):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set one dotted key in nested values, in place."""
    name, equals, text = override.partition("=")
    name = name.strip()
    if not equals or not name:
        raise EquipoiseError(
            f"An override must look like `training.batch_size=128`, but it is {override!r}; write key=value."
        )
    try:
        value = _scalar(yaml.safe_load(text))
    except yaml.YAMLError:
        raise EquipoiseError(f"The value of the override {override!r} is not valid YAML; quote it.") from None
    keys = name.split(".")
    _check_path(keys)
    if keys[:1] == ["penalties"] and len(keys) == 2 and value is None:
        (values.setdefault("penalties", {}) or {}).pop(keys[1], None)
        return
    if keys == ["objective", "name"]:
        values["objective"] = {"name": value}
        return
    place = values
    for key in keys[:-1]:
        inner = place.get(key)
        if inner is None:
            inner = place[key] = {}
        if not isinstance(inner, dict):
            raise EquipoiseError(f"`{name}` cannot be set, because `{key}` holds no further keys.")
        place = inner
    place[keys[-1]] = value


def _scalar(value: object) -> object:
    """YAML 1.1 reads 1e-4 as text, because it has no dot; people mean a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, list):
        return [_scalar(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _scalar(entry) for key, entry in value.items()}
    return value


def _check_path(keys: list[str]) -> None:
    model: type[BaseModel] = TrainingConfiguration
    for position, key in enumerate(keys):
        if ".".join(keys[:position]) in _FREE:
            return
        field = model.model_fields.get(key)
        if field is None:
            raise unknown_setting(".".join(keys), TrainingConfiguration)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
        elif position + 1 < len(keys) and ".".join(keys[: position + 1]) not in _FREE:
            raise unknown_setting(".".join(keys), TrainingConfiguration)
