"""From recipes, files and overrides to a configuration; everything unknown is refused with the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from equipoise.errors import EquipoiseError
from equipoise.training.configuration import TrainingConfiguration
from equipoise.training.load import load_configuration


def test_overrides_reach_every_depth() -> None:
    found = load_configuration(
        "wgan-gp",
        [
            "training.batch_size=128",
            "training.ema.half_life=500",
            "optimizers.generator.learning_rate=1e-3",
            "optimizers.generator.betas=[0.1, 0.5]",
            "penalties.gradient-penalty.weight=3",
            "penalties.instance-noise.sigma=0.2",
            "data.options.limit=100",
            "training.trackers=[tensorboard]",
        ],
    )
    assert found.training.batch_size == 128
    assert found.training.ema.half_life == 500
    assert found.optimizers.generator.learning_rate == 1e-3
    assert found.optimizers.generator.betas == (0.1, 0.5)
    assert found.penalties == {"gradient-penalty": {"weight": 3}, "instance-noise": {"sigma": 0.2}}
    assert found.data.options == {"limit": 100}
    assert found.recipe == "wgan-gp"


def test_a_penalty_is_added_and_taken_away() -> None:
    assert load_configuration("wgan-gp", ["penalties.gradient-penalty=null"]).penalties == {}
    assert load_configuration("dcgan", ["penalties.r1={}"]).penalties == {"r1": {}}
    assert load_configuration("dcgan", ["penalties.r1.gamma=2"]).penalties == {"r1": {"gamma": 2}}


def test_another_objective_loses_the_options_of_the_first() -> None:
    found = load_configuration("minibatch-discrimination", ["objective.name=hinge"])
    assert (found.objective.name, found.objective.options) == ("hinge", {})


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "training.batchsize=3",
            "no setting named `training.batchsize`; did you mean `training.batch_size`?",
        ),
        ("batch_size=3", "no setting named `batch_size`; did you mean `training.batch_size`?"),
        ("learning_rate=3", "did you mean `optimizers.generator.learning_rate`?"),
        ("optimizers.generator.lr=1", "no setting named `optimizers.generator.lr`"),
        ("training.steps.now=3", "no setting named `training.steps.now`"),
        ("training.steps=many", "`training.steps` must be a whole number, but it is 'many'."),
        ("training.steps=2.5", "`training.steps` must be a whole number, but it is 2.5."),
        ("training.batch_size=0", "`training.batch_size` must be at least 1, but it is 0."),
        ("training.compile=perhaps", "`training.compile` must be true or false"),
        ("training=3", "`training` must be a section of keys and values, but it is 3."),
        (
            "optimizers.generator.name=adm",
            "must be one of 'adam', 'rmsprop', 'sgd', but it is 'adm'; did you mean 'adam'",
        ),
        ("optimizers.generator.betas=[0]", "must be a list of the right length"),
        ("optimizers.generator.betas=[0, 1.5]", "must be below 1, but it is 1.5"),
        ("optimizers.generator.learning_rate=.inf", "must be a finite number"),
        ("training.mixed_precision=fp8", "must be one of 'no', 'bf16'"),
        ("training.trackers=[tensorbord]", "did you mean 'tensorboard'"),
        ("training.batch_size", "must look like `training.batch_size=128`"),
        ("training.batch_size=[", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(EquipoiseError) as caught:
        load_configuration("dcgan", [override])
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value).lower()


def test_file_on_top_of_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"recipe": "wgan", "training": {"steps": 7}}))
    found = load_configuration(path)
    assert (found.training.steps, found.training.discriminator_steps) == (7, 5)
    assert load_configuration(str(path)).training.steps == 7


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    found = load_configuration("r3gan", ["training.steps=11"])
    path = tmp_path / "configuration.yaml"
    path.write_text(yaml.safe_dump(found.to_values()))
    assert load_configuration(path) == found
    assert load_configuration(found) == found
    assert TrainingConfiguration.from_values(found.to_values()) == found


def test_sources_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="no recipe named `dcgn`; did you mean `dcgan`"):
        load_configuration("dcgn")
    with pytest.raises(EquipoiseError, match="There is no configuration file"):
        load_configuration(tmp_path / "missing.yaml")
    (tmp_path / "broken.yaml").write_text("training: [")
    with pytest.raises(EquipoiseError, match="is not valid YAML"):
        load_configuration(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(EquipoiseError, match="must hold sections of keys and values"):
        load_configuration(tmp_path / "list.yaml")
