"""Combinations that cannot work are refused by name, doubtful ones warned about, and sound ones pass."""

from __future__ import annotations

import pytest

from equipoise.data import SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.recipes import recipe_names
from equipoise.training.load import load_configuration
from equipoise.training.rules import RULES, check_rules

IMAGES = SampleSpecification("image", (1, 8, 8), classes=10)
VECTORS = SampleSpecification("vector", (2,), classes=8)
SEQUENCES = SampleSpecification("sequence", (1, 32))
UNLABELLED = SampleSpecification("image", (1, 8, 8))

REFUSED = {
    "wasserstein-without-lipschitz": ("wgan", ["penalties.weight-clipping=null"], IMAGES),
    "batch-norm-under-gradient-penalty": ("wgan-gp", ["networks.discriminator_normalisation=batch"], IMAGES),
    "pack-does-not-divide-batch": ("pacgan", ["training.batch_size=33"], IMAGES),
    "microbatch-does-not-divide-batch": ("microbatch-gan", ["training.batch_size=33"], IMAGES),
    "batch-layer-alone": ("minibatch-discrimination", ["training.batch_size=1"], IMAGES),
    "conditional-without-labels": ("cgan", [], UNLABELLED),
    "augmentation-needs-images": ("gan", ["penalties.diffaugment={}"], VECTORS),
    "two-lipschitz-constraints": ("wgan", ["penalties.spectral-normalisation={}"], IMAGES),
    "mode-seeking-alone": ("gan", ["penalties.mode-seeking={}", "training.batch_size=1"], VECTORS),
    "microbatch-owns-its-losses": ("microbatch-gan", ["objective.name=hinge"], IMAGES),
}
WARNED = {
    "batch-norm-under-slope-penalty": ("dcgan", ["penalties.r1={}"], IMAGES, 1),
    "accumulated-batch-statistics": ("feature-matching", ["training.gradient_accumulation=2"], IMAGES, 1),
    "batch-norm-across-processes": ("dcgan", [], IMAGES, 2),
    "compile-goes-around": ("wgan-gp", ["training.compile=true"], IMAGES, 1),
    "momentum-under-weight-clipping": ("wgan", ["optimizers.discriminator.name=adam"], IMAGES, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    recipe, overrides, specification = REFUSED[name]
    with pytest.raises(EquipoiseError, match=f"^{name}: ") as caught:
        check_rules(load_configuration(recipe, overrides), specification)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", WARNED)
def test_warned(name: str) -> None:
    recipe, overrides, specification, processes = WARNED[name]
    found = check_rules(load_configuration(recipe, overrides), specification, processes)
    assert name in [sentence.split(":")[0] for sentence in found]


def test_every_rule_has_a_case() -> None:
    assert set(RULES.names()) == REFUSED.keys() | WARNED.keys()
    assert {name for name, entry in RULES.items() if entry.level == "refuse"} == REFUSED.keys()


@pytest.mark.parametrize("recipe", recipe_names())
@pytest.mark.parametrize("specification", [IMAGES, VECTORS, SEQUENCES], ids=lambda found: found.kind)
def test_no_recipe_breaks_a_rule(recipe: str, specification: SampleSpecification) -> None:
    if recipe == "cgan" and specification.classes is None:
        pytest.skip("a conditional recipe needs labels")
    assert check_rules(load_configuration(recipe), specification) == []
