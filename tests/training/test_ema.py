"""The moving average against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.penalties import build_penalty
from equipoise.training.configuration import EmaSection
from equipoise.training.ema import ExponentialMovingAverage


class Scalar(nn.Module):
    """One weight, one running statistic, one count."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("running_mean", torch.zeros(()))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def set(self, value: float) -> None:
        with torch.no_grad():
            self.weight.fill_(value)
            self.running_mean.fill_(10 * value)
            self.count.fill_(int(value))


def test_constant_half_life_is_a_geometric_sum() -> None:
    network = Scalar()
    average = ExponentialMovingAverage(network, EmaSection(half_life=64, ramp_up=None))
    weight = 0.5 ** (16 / 64)
    expected = 0.0
    for step in range(1, 30):
        network.set(step)
        average.update(network, samples=16)
        expected = weight * expected + (1 - weight) * step
    assert average.network.weight.item() == pytest.approx(expected, rel=1e-5)
    assert average.network.running_mean.item() == pytest.approx(10 * expected, rel=1e-5)
    assert average.network.count.item() == 29


def test_after_one_half_life_half_of_the_past_is_left() -> None:
    network = Scalar()
    network.set(1)
    average = ExponentialMovingAverage(network, EmaSection(half_life=640, ramp_up=None))
    network.set(0)
    for _ in range(10):
        average.update(network, samples=64)
    assert average.network.weight.item() == pytest.approx(0.5, rel=1e-5)


def test_ramp_up_bounds_the_half_life_by_the_samples_seen() -> None:
    average = ExponentialMovingAverage(Scalar(), EmaSection(half_life=1000, ramp_up=0.05))
    network = Scalar()
    for step in range(1, 400):
        seen = step * 64
        assert average.weight(64) == pytest.approx(0.5 ** (64 / min(1000, 0.05 * seen)))
        average.update(network, samples=64)
    assert average.weight(64) == pytest.approx(0.5 ** (64 / 1000))


def test_decay_with_its_ramp_up() -> None:
    average = ExponentialMovingAverage(Scalar(), EmaSection(decay=0.99))
    network = Scalar()
    for step in range(1200):
        assert average.weight(1) == pytest.approx(min(0.99, (1 + step) / (10 + step)))
        average.update(network, samples=1)


def test_spectral_vectors_keep_length_one() -> None:
    generator, other = nn.Sequential(nn.Linear(6, 5)), nn.Linear(2, 2)
    build_penalty("spectral-normalisation", player="generator").prepare(generator, other)
    average = ExponentialMovingAverage(generator, EmaSection(half_life=100, ramp_up=None))
    for _ in range(5):
        with torch.no_grad():
            for parameter in generator.parameters():
                parameter.add_(torch.randn_like(parameter))
        generator(torch.randn(3, 6))
        average.update(generator, samples=50)
    vectors = [b for name, b in average.network.named_buffers() if name.endswith(("left", "right"))]
    assert len(vectors) == 2
    for vector in vectors:
        assert vector.norm().item() == pytest.approx(1.0, abs=1e-5)


def test_the_average_is_in_evaluation_mode_and_needs_no_gradient() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    average = ExponentialMovingAverage(network, EmaSection())
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert network.training


def test_samples_must_be_counted() -> None:
    with pytest.raises(EquipoiseError, match="`samples` must be a whole number of at least 1"):
        ExponentialMovingAverage(Scalar(), EmaSection()).weight(0)
