"""Every recipe trains on every kind of data: the losses are finite, both players move, samples come out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equipoise.data import Dataset, load_data
from equipoise.recipes import recipe_names
from equipoise.trainer import Run, Trainer
from equipoise.training.load import load_configuration
from equipoise.training.session import TrainingSession
from equipoise.training.trackers import build_accelerator

SMALL = {"resnet": 8, "r3gan": 8, "dcgan": 8, "mlp": 16, "auto": 8}


def sequences() -> Dataset:
    phase = np.linspace(0, 6.28, 64, endpoint=False)[:, None, None]
    waves = np.sin(np.linspace(0, 12, 24)[None, None] + phase).astype(np.float32)
    return load_data(waves, kind="sequence", labels=np.arange(64) % 2)


DATA = {"digits": lambda: load_data("digits"), "ring": lambda: load_data("ring"), "sequences": sequences}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("recipe", recipe_names())
def test_recipe_trains(recipe: str, data: str) -> None:
    """Through the session, without files: three steps."""
    configuration = load_configuration(recipe, ["training.batch_size=16", "training.steps=3"])
    configuration.networks.base_channels = SMALL[configuration.networks.architecture]
    dataset = DATA[data]()
    session = TrainingSession(configuration, dataset, build_accelerator(configuration))
    before = session.checkpoint()
    before.tensors = {
        file: {k: v.clone() for k, v in group.items()} for file, group in before.tensors.items()
    }
    for _ in range(3):
        scores = session.run_step()
    assert all(bool(torch.isfinite(value)) for value in scores.values())
    after = session.checkpoint()
    for player in ("generator", "discriminator", "ema"):
        moved = [
            name
            for name, value in after.tensors[player].items()
            if not torch.equal(value, before.tensors[player][name])
        ]
        assert moved, player
    samples = session.sampling_generator().sample(5, seed=3)
    assert samples.shape == (5, *dataset.specification.shape)
    assert samples.dtype == dataset.samples.dtype
    assert np.isfinite(samples.astype(np.float64)).all()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run of the recipe that a newcomer gets, conditional, with its files."""
    out = tmp_path_factory.mktemp("run") / "digits"
    settings = {
        "recipe": "cgan",
        "networks": {"base_channels": 8},
        "training": {"steps": 6, "batch_size": 16, "checkpoint_every": 3},
    }
    return Trainer(settings, data="digits", out=out, watch=False).fit()


def test_a_run_leaves_its_files(finished: Run) -> None:
    names = {entry.name for entry in finished.directory.iterdir()}
    assert names >= {
        "configuration.yaml", "checkpoints", "log.jsonl", "samples.png", "curves.png", "summary.json",
        "summary.md",
    }  # fmt: skip
    assert {entry.name for entry in (finished.directory / "checkpoints").iterdir()} == {"last", "best"}
    assert finished.step == 6
    assert finished.summary["steps"] == 6
    assert finished.summary["architecture"] == "dcgan"
    assert finished.configuration == load_configuration(finished.directory / "configuration.yaml")
    for picture in ("samples.png", "curves.png"):
        assert (finished.directory / picture).read_bytes().startswith(b"\x89PNG")
    assert "- steps: 6" in (finished.directory / "summary.md").read_text()


def test_samples_depend_on_seed_and_label_alone(finished: Run) -> None:
    labels = [3, 1, 4, 1, 5]
    once = finished.sample(5, labels, seed=2)
    assert np.array_equal(once, finished.sample(5, labels, seed=2))
    assert not np.array_equal(once, finished.sample(5, labels, seed=3))
    assert not np.array_equal(once, finished.sample(5, 7, seed=2))
    state = torch.random.get_rng_state()
    finished.sample(2)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_sample_does_not_depend_on_its_batch(finished: Run) -> None:
    generator = finished.generator
    whole = generator.sample(6, seed=4)
    pieces = generator.sample(6, seed=4, batch_size=2)
    assert np.abs(whole.astype(np.int64) - pieces.astype(np.int64)).max() <= 1
