"""Every recipe is documented and is a valid configuration."""

from __future__ import annotations

import pytest

from equipoise.errors import EquipoiseError
from equipoise.objectives import build_objective
from equipoise.penalties import build_penalty
from equipoise.recipes import get_recipe, list_recipes, recipe_names
from equipoise.training.load import load_configuration

PROMISED = {
    "cgan", "dcgan", "default", "feature-matching", "gan", "lsgan", "microbatch-gan",
    "minibatch-discrimination", "pacgan", "points", "r3gan", "sngan", "wgan", "wgan-gp",
}  # fmt: skip


def test_the_promised_recipes_are_there() -> None:
    assert set(recipe_names()) >= PROMISED
    assert [recipe.name for recipe in list_recipes()] == recipe_names()


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_is_documented_and_valid(name: str) -> None:
    recipe = get_recipe(name)
    for text in (recipe.description, recipe.source, recipe.notes):
        assert len(text) > 25
        assert text.strip().endswith((".", ")", "4")), text
    configuration = load_configuration(name)
    assert configuration.recipe == name
    build_objective(configuration.objective.name, **configuration.objective.options)
    for penalty, options in configuration.penalties.items():
        build_penalty(penalty, **options)


def test_published_settings() -> None:
    wgan, gp, sngan = (load_configuration(name) for name in ("wgan", "wgan-gp", "sngan"))
    assert wgan.penalties == {"weight-clipping": {"bound": 0.01}}
    assert {wgan.optimizers.generator.name, wgan.optimizers.discriminator.name} == {"rmsprop"}
    assert wgan.optimizers.discriminator.learning_rate == 5e-5
    assert wgan.training.discriminator_steps == gp.training.discriminator_steps == 5
    assert gp.penalties == {"gradient-penalty": {"weight": 10.0}}
    assert gp.optimizers.discriminator.betas == (0.0, 0.9)
    assert gp.optimizers.discriminator.learning_rate == 1e-4
    assert sngan.objective.name == "hinge"
    assert sngan.penalties == {"spectral-normalisation": {}}
    assert load_configuration("pacgan").networks.pack == 2
    assert load_configuration("microbatch-gan").networks.microbatch == 2
    assert load_configuration("dcgan").optimizers.generator.betas == (0.5, 0.999)


def test_unknown_recipe() -> None:
    with pytest.raises(EquipoiseError, match="did you mean `wgan`"):
        get_recipe("wgn")
