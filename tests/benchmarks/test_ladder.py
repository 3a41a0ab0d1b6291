"""The ladder: its scores are right on known cases, its runs go on where they stopped, its page is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.ladder import execute, mixtures, table
from benchmarks.ladder.bar import BARS, Target, Task, find_bar
from benchmarks.ladder.cifar10 import Cifar10
from benchmarks.ladder.stacked import stack, stacked_scores
from benchmarks.ladder.starved import StarvedDiscriminator, StarvedGenerator
from equipoise.data import SampleSpecification, load_data
from equipoise.networks.base import NetworkPlan
from equipoise.training.load import load_configuration


def test_the_committed_page_is_what_the_committed_runs_say() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page()


def test_the_runs_name_their_machine_and_no_path() -> None:
    for path in table.RESULTS.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert set(json.loads(text)["machine"]) >= {"processor", "cores", "torch", "threads"}
        assert '"/' not in text


def test_the_reported_runs_of_an_arm_have_the_settings_of_the_arm() -> None:
    for name in BARS:
        bar = find_bar(name)
        for arm, runs in table.runs_of(bar).items():
            for run in runs:
                assert run["recipe"] == bar.arms[arm].recipe
                assert tuple(run["overrides"][: len(bar.arms[arm].overrides)]) == bar.arms[arm].overrides
                assert run["seed"] in bar.seeds


@pytest.mark.parametrize("name", BARS)
def test_every_arm_is_a_recipe_with_settings_that_exist(name: str) -> None:
    bar = find_bar(name)
    assert bar.name == name
    for arm in bar.arms.values():
        load_configuration(arm.recipe, arm.overrides)
    for published in bar.published:
        assert set(published.scores) <= set(bar.scores)


def test_true_samples_have_all_modes_the_known_ceiling_and_their_own_spread() -> None:
    ring = load_data("ring", split="test")
    found = mixtures.mixture_scores(ring.batch(range(10_000))[0], ring)
    assert found["modes_covered"] == found["modes_with_share"] == 8
    assert found["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.005)
    assert found["spread"] == pytest.approx(1, abs=0.02)
    assert found["reverse_kl"] < 0.002


def test_one_point_is_one_mode_and_has_no_spread() -> None:
    ring = load_data("ring")
    found = mixtures.mixture_scores(torch.tensor([[1.0, 0.0]]).expand(100, 2), ring)
    assert (found["modes_covered"], found["high_quality"], found["spread"]) == (1, 1.0, 0.0)
    assert found["reverse_kl"] == pytest.approx(np.log(8), abs=1e-4)


def test_a_refitted_discriminator_rejects_what_is_not_there() -> None:
    """Fakes are the data and as many points around the origin: the exact rule must remove the latter."""
    torch.manual_seed(0)
    ring = load_data("ring", sigma=0.1)
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1), torch.nn.Flatten(0)
    )
    random = torch.Generator().manual_seed(1)

    def draw(count: int) -> torch.Tensor:
        real = ring.batch(torch.randint(len(ring), (count,), generator=random).numpy())[0]
        centre = 0.1 * torch.randn(count, 2, generator=random)
        return torch.where(torch.rand(count, 1, generator=random) < 0.5, real, centre)

    mixtures.refit(network, draw, ring, seed=0)
    # Real is twice as dense as fake on the ring, and absent at the centre.
    assert float(network(ring.batch(range(4000))[0]).mean()) == pytest.approx(np.log(2), abs=0.1)
    assert float(network(0.05 * torch.randn(500, 2)).mean()) < -3


def test_stacks_have_the_modes_that_their_digits_make() -> None:
    images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), np.uint8)
    stacked, modes = stack(images, np.arange(10), 50, seed=0)
    assert stacked.shape == (50, 3, 2, 2)
    assert (stacked[:, :, 0, 0] @ np.array([100, 10, 1]) == modes).all()


def test_uniform_modes_have_no_divergence_and_one_mode_has_the_largest() -> None:
    uniform = stacked_scores(np.repeat(np.arange(1000), 26))
    assert (uniform["modes_covered"], uniform["modes_with_share"], uniform["kl"]) == (1000, 1000, 0.0)
    assert uniform["kl_of_uniform_samples"] == pytest.approx(999 / 52_000, rel=0.05)
    assert stacked_scores(np.zeros(26_000, int))["kl"] == pytest.approx(np.log(1000), abs=1e-4)


@pytest.mark.parametrize(("normalisation", "parameters"), [("batch", 585), ("none", 557)])
def test_the_starved_discriminator_is_as_small_as_published(normalisation: str, parameters: int) -> None:
    plan = NetworkPlan(
        specification=SampleSpecification("image", (3, 28, 28)),
        latent_dim=256,
        base_channels=2,
        conditional=False,
        conditioning="projection",
        batch_layer=None,
        batch_layer_options={},
        pack=1,
        discriminator_normalisation=normalisation,
        output_activation="tanh",
    )
    discriminator = StarvedDiscriminator(plan)
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == parameters
    made = StarvedGenerator(plan)(torch.randn(4, 256))
    assert made.shape == (4, 3, 28, 28)
    assert discriminator(made).shape == (4,)


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = find_bar("ring")
    monkeypatch.setattr(mixtures, "REFIT_STEPS", 2)
    settings = ["training.steps=4", "training.batch_size=8", "networks.base_channels=8"]

    def task(name: str, minutes: float | None) -> Task:
        return Task(bar, bar.arms["ours"], 7, tmp_path / name, None, minutes, None, settings)

    out = tmp_path / "ours-7.json"
    calls = 0
    while execute.execute(task("stopped", 0.0), "ours", out) is None:
        assert not out.exists()
        calls += 1
    assert calls == 4
    resumed = json.loads(out.read_text())
    whole = execute.execute(task("whole", None), "ours", tmp_path / "whole.json")
    assert whole is not None
    assert resumed["scores"] == whole["scores"]
    assert resumed["iterations"] == 4


def test_time_between_pause_and_going_on_is_not_training() -> None:
    clock = execute.Clock()
    clock.go_on()
    clock.pause()
    before = clock.processor_seconds
    sum(range(2_000_000))
    clock.go_on()
    clock.pause()
    assert clock.processor_seconds - before < 0.02


def _run(seed: int, **scores: Any) -> dict[str, Any]:
    return {"seed": seed, "scores": scores, "processor_seconds": 10.0}


def test_a_target_is_judged_by_the_median_and_says_how_many_seeds_reach_it() -> None:
    bar = find_bar("ring")
    runs = [_run(seed, high_quality=value) for seed, value in enumerate((0.99, 0.96, 0.90))]
    line = table.target_line(bar, Target("high_quality", 0.95), runs)
    assert "96.0 %, reached by 2 of 3: met" in line
    line = table.target_line(bar, Target("high_quality", 0.97), runs)
    assert "reached by 1 of 3: **missed**" in line
    assert table.worst([0.99, 0.90], "high_quality", bar) == 0.90
    assert table.worst([0.01, 0.02], "reverse_kl", bar) == 0.02


def test_cifar10_compares_the_recipes() -> None:
    def run(distance: float, curve: list[tuple[float, float]]) -> list[dict[str, Any]]:
        points = [{"processor_seconds": s, "frechet_distance": d, "step": 1} for s, d in curve]
        return [_run(0, frechet_distance=distance, curve=points)]

    results = {
        "default": run(5.0, [(100, 9.0), (200, 7.5), (400, 5.0)]),
        "dcgan": run(8.0, [(200, 9.0), (400, 8.0)]),
        "sngan": run(9.0, []),
        "wgan-gp": run(9.5, []),
    }
    assert [holds for _claim, holds in Cifar10().verdicts(results)] == [True, True]
    results["default"] = run(8.5, [(100, 9.0), (300, 7.9), (400, 8.5)])
    assert [holds for _claim, holds in Cifar10().verdicts(results)] == [False, False]
    assert Cifar10().verdicts({"default": results["default"]}) == []
