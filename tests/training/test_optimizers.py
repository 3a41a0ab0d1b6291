"""Schedules against their formulas; fused where torch has that; state without a pickle."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from equipoise.training.configuration import OptimizerSection
from equipoise.training.optimizer_state import load_optimizer, optimizer_settings, optimizer_tensors
from equipoise.training.optimizers import build_optimizer, freeze, learning_rate_factor, unfreeze


@pytest.mark.parametrize(("schedule", "middle"), [("constant", 1.0), ("linear", 0.55), ("cosine", 0.55)])
def test_schedule_begins_at_one_and_ends_at_the_final_fraction(schedule: str, middle: float) -> None:
    settings = OptimizerSection(schedule=schedule, final_fraction=0.1)
    assert learning_rate_factor(settings, 0, 101) == 1.0
    assert learning_rate_factor(settings, 50, 101) == pytest.approx(middle)
    assert learning_rate_factor(settings, 100, 101) == pytest.approx(1.0 if schedule == "constant" else 0.1)


def test_cosine_is_above_the_line_first() -> None:
    cosine = OptimizerSection(schedule="cosine", final_fraction=0.0)
    assert learning_rate_factor(cosine, 25, 101) == pytest.approx((1 + 2**-0.5) / 2)


@pytest.mark.parametrize(("name", "fused"), [("adam", True), ("sgd", True), ("rmsprop", None)])
def test_fused_where_torch_has_it(name: str, fused: bool | None) -> None:
    optimizer = build_optimizer(OptimizerSection(name=name), nn.Linear(2, 2).parameters())
    assert optimizer.defaults.get("fused") is fused


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop"])
def test_restored_state_goes_on_bit_for_bit_in_channels_last(name: str) -> None:
    """The trap: a contiguous moment beside a channels-last weight."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    settings = OptimizerSection(name=name, learning_rate=0.01, momentum=0.0 if name == "adam" else 0.9)
    optimizer = build_optimizer(settings, layer.parameters())
    samples = torch.randn(2, 3, 8, 8)

    def step(network: nn.Module, by: torch.optim.Optimizer) -> None:
        by.zero_grad()
        network(samples).square().mean().backward()
        by.step()

    for _ in range(3):
        step(layer, optimizer)
    tensors = {
        key: value.clone().contiguous() for key, value in optimizer_tensors(optimizer, "generator").items()
    }
    other = copy.deepcopy(layer)
    restored = build_optimizer(settings, other.parameters())
    load_optimizer(restored, "generator", tensors, optimizer_settings(optimizer))
    for _ in range(3):
        step(layer, optimizer)
        step(other, restored)
    assert torch.equal(layer.weight, other.weight)
    before, after = optimizer_tensors(optimizer, "g"), optimizer_tensors(restored, "g")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_freeze_leaves_what_was_frozen_already() -> None:
    network = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    network[0].requires_grad_(False)
    unfreeze(freeze(network))
    assert [p.requires_grad for p in network.parameters()] == [False, False, True, True]
