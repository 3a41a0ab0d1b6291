"""Two processes with batch 8 make the update of one process with batch 16, through the whole trainer.

Batch normalisation is excepted: on the CPU torch has no synchronised version, and a rule warns about it.
"""

from __future__ import annotations

import copy
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
import torch.multiprocessing

from equipoise.data import load_data
from equipoise.trainer import Trainer
from equipoise.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from equipoise.training.load import load_configuration
from equipoise.training.run_directory import RunDirectory
from equipoise.training.session import TrainingSession
from equipoise.training.trackers import build_accelerator

PLAIN = {
    "generator": {"name": "sgd", "learning_rate": 0.05},
    "discriminator": {"name": "sgd", "learning_rate": 0.05},
}
SGD = [f"optimizers.{player}.{setting}" for player in PLAIN for setting in ("name=sgd", "learning_rate=0.01")]
MLP = {"architecture": "mlp", "base_channels": 12, "latent_dim": 6, "discriminator_normalisation": "none"}

GENTLE = {"gradient-penalty": {"weight": 0.1}}

# name: (data, settings). SGD, because Adam turns the rounding of a gradient near zero into a whole step.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient penalty, five critic steps": (
        "ring",
        {"recipe": "wgan-gp", "networks": MLP, "penalties": GENTLE},
    ),
    "minibatch discrimination under R1": (
        "ring",
        {"recipe": "minibatch-discrimination", "networks": MLP, "penalties": {"r1": {"gamma": 1.0}}},
    ),
    "minibatch standard deviation": (
        "digits",
        {"recipe": "gan", "networks": MLP | {"batch_layer": "minibatch-standard-deviation"}},
    ),
    "packing under gradient penalty": (
        "ring",
        {"recipe": "wgan-gp", "networks": MLP | {"pack": 2}, "penalties": GENTLE},
    ),
    "microbatches": ("ring", {"recipe": "microbatch-gan", "networks": MLP}),
    "feature matching": ("ring", {"recipe": "feature-matching", "networks": MLP}),
    "mode seeking, noise and DRAGAN": (
        "ring",
        {
            "recipe": "gan",
            "networks": MLP,
            "penalties": {"mode-seeking": {}, "instance-noise": {}, "dragan": {"weight": 1.0}},
        },
    ),
    "augmentation": ("digits", {"recipe": "gan", "networks": MLP, "penalties": {"diffaugment": {}}}),
    "noisy labels": (
        "ring",
        {"recipe": "gan", "networks": MLP, "objective": {"name": "non-saturating", "noisy_labels": 0.3}},
    ),
    "relativistic average": (
        "ring",
        {"recipe": "gan", "networks": MLP, "objective": {"name": "relativistic-average-hinge"}},
    ),
    "conditional": ("digits", {"recipe": "cgan", "networks": MLP | {"conditional": True}}),
    "spectral normalisation": ("ring", {"recipe": "sngan", "networks": MLP}),
    "residual networks, R1 and R2": (
        "digits",
        {"recipe": "r3gan", "networks": {"architecture": "r3gan", "base_channels": 4, "latent_dim": 6}},
    ),
    "accumulated parts": (
        "ring",
        {"recipe": "gan", "networks": MLP, "training": {"gradient_accumulation": 2}},
    ),
    "clipped by norm": (
        "ring",
        {"recipe": "gan", "networks": MLP, "penalties": {"gradient-clipping-by-norm": {"bound": 0.1}}},
    ),
}


def session_for(case: str, batch: int) -> TrainingSession:
    data, settings = copy.deepcopy(CASES[case])
    settings["training"] = settings.get("training", {}) | {"steps": 3, "batch_size": batch}
    settings["optimizers"] = PLAIN
    configuration = load_configuration(settings)
    return TrainingSession(configuration, load_data(data), build_accelerator(configuration))


def train(case: str, folder: Path, batch: int) -> None:
    session = session_for(case, batch)
    for _ in range(3):
        session.run_step()
    checkpoint = session.checkpoint()
    if session.accelerator.is_main_process:
        write_checkpoint(folder, "last", checkpoint)


def train_whole(folder: Path, batch: int) -> None:
    """Once through the trainer, with its files."""
    settings = {"recipe": "gan", "training": {"steps": 4, "batch_size": batch, "checkpoint_every": 2}}
    Trainer(settings, data="ring", out=folder, watch=False, overrides=SGD).fit()


def process(rank: int, port: int, folder: str) -> None:
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    for number, case in enumerate(CASES):
        train(case, Path(folder) / str(number), batch=8)
    train_whole(Path(folder) / "whole", batch=8)
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(process, args=(port, str(folder)), nprocs=2)
    return folder


def flat(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensors[name].double().reshape(-1) for name in sorted(tensors)])


def assert_same_update(initial: Checkpoint, one: Checkpoint, two: Checkpoint) -> None:
    for file in ("generator", "discriminator", "ema"):
        moved = (flat(one.tensors[file]) - flat(initial.tensors[file])).norm()
        difference = (flat(one.tensors[file]) - flat(two.tensors[file])).norm()
        assert moved > 0
        assert difference <= 1e-3 * moved, f"{file}: {difference:.2e} of {moved:.2e}"


@pytest.mark.parametrize("case", CASES)
def test_two_processes_are_one(case: str, two_processes: Path, tmp_path: Path) -> None:
    """The difference is rounding: a thousandth of how far training moved the weights, or less."""
    train(case, tmp_path, batch=16)
    one = read_checkpoint(tmp_path / "last")
    two = read_checkpoint(two_processes / str(list(CASES).index(case)) / "last")
    assert two.state["processes"] == 2
    assert one.state["random"] == two.state["random"]
    assert one.state["sampler"] == two.state["sampler"]
    assert_same_update(session_for(case, batch=16).checkpoint(), one, two)


def test_the_trainers_files_are_those_of_one_process(two_processes: Path, tmp_path: Path) -> None:
    train_whole(tmp_path / "whole", batch=16)
    one, two = (
        read_checkpoint(folder / "whole" / "checkpoints" / "last") for folder in (tmp_path, two_processes)
    )
    assert flat(one.tensors["ema"]).isfinite().all()
    torch.testing.assert_close(flat(one.tensors["ema"]), flat(two.tensors["ema"]), rtol=1e-3, atol=1e-5)
    files = [
        sorted(entry.name for entry in (folder / "whole").iterdir()) for folder in (tmp_path, two_processes)
    ]
    assert files[0] == files[1]
    logs = [RunDirectory(folder / "whole").read_log() for folder in (tmp_path, two_processes)]
    assert [entry.keys() for entry in logs[0]] == [entry.keys() for entry in logs[1]]
    for one_entry, two_entry in zip(*logs):
        assert two_entry == pytest.approx(one_entry, rel=1e-3, abs=1e-5)
