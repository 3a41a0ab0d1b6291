"""`equipoise data` and `equipoise recipes`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equipoise.recipes import list_recipes


def test_data_as_text(equipoise) -> None:
    text = equipoise("data", "digits").stdout
    for part in ("1,797", "image of channels 1, height 8, width 8", "0 to 255", "10 (0, 1, 2"):
        assert part in text


def test_data_as_json_with_options_and_preview(equipoise, tmp_path: Path) -> None:
    picture = tmp_path / "ring.png"
    options = ["--option", "modes=5", "--option", "count=100"]
    facts = json.loads(equipoise("data", "ring", "--json", "--preview", picture, *options).stdout)
    assert (facts["count"], facts["classes"]["count"], facts["preview"]) == (100, 5, str(picture))
    assert Image.open(picture).format == "PNG"


def test_data_of_a_file(equipoise, tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.arange(40.0).reshape(10, 4))
    text = equipoise("data", tmp_path / "table.npy").stdout
    assert "vector" in text
    assert "0 to 39" in text


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--preview", "picture.jpg"], "`--preview` must be a .png file"),
        (["--option", "modes"], "`--option` must look like image_size=32"),
        (["--option", "mods=3"], "did you mean `modes`?"),
        (["--option", "modes=[1"], "is not valid YAML"),
    ],
)
def test_data_refusals(equipoise, arguments: list[str], part: str) -> None:
    result = equipoise("data", "ring", *arguments)
    assert result.exit_code == 2
    assert part in result.stderr


def test_every_recipe_is_listed(equipoise) -> None:
    text = equipoise("recipes").stdout
    answer = json.loads(equipoise("recipes", "--json").stdout)
    assert [entry["name"] for entry in answer] == [recipe.name for recipe in list_recipes()]
    for recipe in list_recipes():
        assert f"\n{recipe.name} " in text


def test_a_recipe_is_shown_whole(equipoise) -> None:
    text = " ".join(equipoise("recipes", "wgan-gp").stdout.split())
    (recipe,) = [recipe for recipe in list_recipes() if recipe.name == "wgan-gp"]
    assert recipe.source in text
    assert "learning_rate" in text
    assert json.loads(equipoise("recipes", "wgan-gp", "--json").stdout) == json.loads(
        json.dumps(recipe.to_json())
    )
