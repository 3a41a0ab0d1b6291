"""Trackers, pictures, the distance, Ctrl-C, sampling errors: the smaller parts of a run."""

from __future__ import annotations

import math
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from equipoise.data import Normalisation, SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.trainer import Run, Trainer, load_generator
from equipoise.training.assembly import plan_networks, resolve_architecture
from equipoise.training.configuration import NetworksSection
from equipoise.training.distance import sliced_wasserstein_distance
from equipoise.training.interruption import StopRequest
from equipoise.training.pictures import image_grid, save_curves, save_samples
from equipoise.training.sampling import SavedGenerator

IMAGES = SampleSpecification("image", (1, 8, 8), classes=10)
VECTORS = SampleSpecification("vector", (2,))


def test_tensorboard_gets_the_scores(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = {
        "recipe": "gan",
        "networks": {"base_channels": 8},
        "training": {"steps": 4, "batch_size": 8, "log_every": 2, "trackers": ["tensorboard"]},
    }
    Trainer(settings, data="ring", out=tmp_path / "run", watch=False).fit()
    steps = []
    for file in (tmp_path / "run").rglob("events.out.tfevents*"):
        found = events.EventAccumulator(str(file))
        found.Reload()
        if "generator_loss" in found.Tags()["scalars"]:
            steps += [event.step for event in found.Scalars("generator_loss")]
    assert steps == [2, 4]


def test_a_missing_tracker_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    settings = {"recipe": "gan", "training": {"steps": 1, "trackers": ["wandb"]}}
    with pytest.raises(EquipoiseError, match="needs the package `wandb`"):
        Trainer(settings, data="ring", out=tmp_path / "run", watch=False).fit()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("auto", "image", "dcgan"),
        ("auto", "vector", "mlp"),
        ("auto", "sequence", "conv1d"),
        ("dcgan", "vector", "mlp"),
        ("resnet", "sequence", "conv1d"),
        ("r3gan", "image", "r3gan"),
        ("mlp", "image", "mlp"),
    ],
)
def test_architecture_for_a_kind(name: str, kind: str, expected: str) -> None:
    shape = {"image": (1, 8, 8), "vector": (2,), "sequence": (1, 16)}[kind]
    assert resolve_architecture(name, SampleSpecification(kind, shape)) == expected


def test_unknown_architecture() -> None:
    with pytest.raises(EquipoiseError, match="did you mean `dcgan`"):
        resolve_architecture("dcgn", IMAGES)


def test_width_meant_for_another_architecture_is_left_to_the_one_that_is_used() -> None:
    settings = NetworksSection(architecture="dcgan", base_channels=8, latent_dim=5)
    assert plan_networks(settings, IMAGES).options["base_channels"] == 8
    options = plan_networks(settings, VECTORS).options
    assert "base_channels" not in options
    assert options["latent_dim"] == 5


def test_distance_of_a_shift_and_of_equal_sets() -> None:
    random = torch.Generator().manual_seed(0)
    samples = torch.randn(400, 3, 4, 4, generator=random)
    assert sliced_wasserstein_distance(samples, samples) == 0
    # The projection of the all-ones vector on a random unit direction is N(0, 1) in the limit.
    shifted = sliced_wasserstein_distance(samples + 1, samples, projections=4000)
    assert shifted == pytest.approx(math.sqrt(2 / math.pi), rel=0.05)
    assert sliced_wasserstein_distance(samples * 0, samples) > 0.5
    with pytest.raises(EquipoiseError, match="of the reals' shape"):
        sliced_wasserstein_distance(samples[:3], samples)


def test_grid_places_images_row_by_row() -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 3), np.uint8)
    grid = image_grid(images, columns=3, gap=1)
    assert grid.shape == (5, 11, 3)
    assert [int(grid[0, column, 0]) for column in (0, 4, 8)] == [0, 1, 2]
    assert [int(grid[3, column, 0]) for column in (0, 4, 8)] == [3, 4, 5]
    assert int(grid[2, 0, 0]) == 255


@pytest.mark.parametrize(
    ("specification", "shape"),
    [
        (SampleSpecification("image", (3, 8, 8)), (9, 3, 8, 8)),
        (SampleSpecification("image", (2, 8, 8)), (9, 2, 8, 8)),
        (SampleSpecification("vector", (1,)), (50, 1)),
        (SampleSpecification("vector", (5,)), (50, 5)),
        (SampleSpecification("sequence", (2, 30)), (4, 2, 30)),
    ],
)
def test_pictures_of_every_kind(specification: SampleSpecification, shape: tuple, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=shape)
    save_samples(tmp_path / "samples.png", samples, specification, samples)
    with Image.open(tmp_path / "samples.png") as picture:
        assert min(picture.size) > 20


def test_curves_of_a_log_with_gaps(tmp_path: Path) -> None:
    save_curves(tmp_path / "curves.png", [{"step": 1, "generator_loss": 0.5}, {"step": 2, "distance": 0.1}])
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_the_second_control_c_is_not_caught() -> None:
    # A background job may have been started with the signal ignored.
    outer = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, outer)


def _interrupt_twice() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.made
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handlers_come_back_and_other_threads_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    failed = []

    def elsewhere() -> None:
        try:
            with StopRequest():
                pass
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert not failed


class Doubles(nn.Module):
    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.scale * latent + (0 if labels is None else labels[:, None])


def saved(conditional: bool) -> SavedGenerator:
    specification = SampleSpecification("vector", (2,), classes=3 if conditional else None)
    return SavedGenerator(Doubles(), specification, Normalisation.divided_by(4.0), conditional)


def test_samples_are_in_the_units_of_the_data() -> None:
    latents = torch.randn(5, 2, generator=torch.Generator().manual_seed(6))
    np.testing.assert_allclose(saved(False).sample(5, seed=6), 4 * 2 * latents.numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        saved(True).sample(5, labels=1, seed=6), 4 * (2 * latents.numpy() + 1), rtol=1e-6
    )


def test_labels_that_cannot_be() -> None:
    with pytest.raises(EquipoiseError, match="trained without classes"):
        saved(False).sample(2, labels=1)
    with pytest.raises(EquipoiseError, match="classes of 0 to 2"):
        saved(True).sample(2, labels=3)
    with pytest.raises(EquipoiseError, match="one class or 2 of them"):
        saved(True).sample(2, labels=[0, 1, 2])
    with pytest.raises(EquipoiseError, match="`n` must be"):
        saved(True).sample(0)


def test_folders_that_hold_no_run(tmp_path: Path) -> None:
    with pytest.raises(EquipoiseError, match="holds no checkpoint"):
        Run(tmp_path)
    with pytest.raises(EquipoiseError, match="There is no folder"):
        load_generator(tmp_path / "missing")
    with pytest.raises(EquipoiseError, match="`resume` needs `out`"):
        Trainer("gan", resume=True)


def test_without_a_folder_a_new_one_is_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"recipe": "gan", "networks": {"base_channels": 8}, "training": {"steps": 1, "batch_size": 4}}
    runs = [Trainer(settings, data="ring", watch=False).fit() for _ in range(2)]
    assert [str(run.directory) for run in runs] == ["runs/ring-gan", "runs/ring-gan-2"]


def test_without_an_average_samples_are_from_the_last_weights(tmp_path: Path) -> None:
    settings = {
        "recipe": "gan",
        "networks": {"base_channels": 8},
        "training": {"steps": 3, "batch_size": 4, "ema": {"enabled": False}},
    }
    run = Trainer(settings, data="ring", out=tmp_path / "run", watch=False).fit()
    assert not (tmp_path / "run" / "checkpoints" / "last" / "ema.safetensors").exists()
    np.testing.assert_array_equal(run.sample(3), load_generator(run, ema=False).sample(3))
