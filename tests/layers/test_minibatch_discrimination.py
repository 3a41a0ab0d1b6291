"""Minibatch discrimination against the naive form, in float64 and to the second derivative."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.layers import closeness
from equipoise.layers.closeness import sum_of_closeness
from equipoise.layers.minibatch_discrimination import MinibatchDiscrimination


def naive_sums(points: Tensor) -> Tensor:
    distances = (points.unsqueeze(2) - points.unsqueeze(1)).abs().sum(-1)
    return torch.exp(-distances).sum(-1) - 1


@pytest.fixture(params=["triangle", "square"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of holding the matrix, on the CPU; the second is what accelerators use."""
    limit = 10_000 if request.param == "triangle" else 0
    monkeypatch.setattr(closeness, "_THREADS_FOR_TRIANGLE", limit)
    return request.param


def _points(kernels: int = 3, samples: int = 7, dimensions: int = 2) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randn(kernels, samples, dimensions, generator=random, dtype=torch.float64)


def test_values_are_those_of_the_naive_form(layout: str) -> None:
    points = _points()
    torch.testing.assert_close(sum_of_closeness(points), naive_sums(points), rtol=1e-12, atol=1e-13)


def test_first_and_second_derivatives_by_differences(layout: str) -> None:
    points = _points().requires_grad_(True)
    assert torch.autograd.gradcheck(sum_of_closeness, (points,))
    assert torch.autograd.gradgradcheck(sum_of_closeness, (points,))


def test_second_order_pass_equals_the_naive_form_block_by_block(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closeness, "_BLOCK", 2 * 9 * 9)  # two kernels a block, and a rest of one
    found = []
    for function in (sum_of_closeness, naive_sums):
        points = _points(kernels=5, samples=9, dimensions=4).requires_grad_(True)
        weights = torch.linspace(-1, 2, 45, dtype=torch.float64).reshape(5, 9)
        value = (function(points).square() * weights).sum()
        (gradient,) = torch.autograd.grad(value, points, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), points)
        found.append((value, gradient, second))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_clones_have_a_gradient_of_zero_like_the_absolute_value(layout: str) -> None:
    points = torch.ones(2, 4, 3, dtype=torch.float64, requires_grad=True)
    sums = sum_of_closeness(points)
    assert sums.eq(3).all()
    (gradient,) = torch.autograd.grad(sums.sum(), points)
    assert gradient.eq(0).all()


def test_the_thread_setting_is_restored() -> None:
    threads = torch.get_num_threads()
    points = _points().requires_grad_(True)
    (gradient,) = torch.autograd.grad(sum_of_closeness(points).sum(), points, create_graph=True)
    gradient.sum().backward()
    assert torch.get_num_threads() == threads


def test_layer_is_the_formula_of_the_paper() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(5, kernels=4, kernel_dimensions=3).double()
    features = torch.randn(6, 5, dtype=torch.float64)
    tensor = layer.projection.detach().reshape(5, 4, 3)
    expected = torch.zeros(6, 4, dtype=torch.float64)
    for i in range(6):
        for j in range(6):
            for b in range(4):
                if i != j:
                    moved = (features[i] - features[j]) @ tensor[:, b]
                    expected[i, b] += math.exp(-float(moved.abs().sum()))
    output = layer(features)
    torch.testing.assert_close(output[:, :5], features)
    torch.testing.assert_close(output[:, 5:], expected)
    mean = MinibatchDiscrimination(5, kernels=4, kernel_dimensions=3, reduction="mean").double()
    mean.load_state_dict(layer.state_dict())
    torch.testing.assert_close(mean(features)[:, 5:], expected / 5)


def test_default_initialisation_puts_independent_samples_at_distance_one() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(1024, kernels=64, kernel_dimensions=16)
    features = torch.randn(64, 1024)
    points = (features @ layer.projection).unflatten(1, (64, 16))
    distance = (points[:32] - points[32:]).abs().sum(-1).mean().item()
    assert distance == pytest.approx(1.0, abs=0.05)
    # Alive: neither saturated nor dead, and a gradient arrives.
    features.requires_grad_(True)
    values = layer.closeness(features)
    assert 10 < values.mean() < 40
    (gradient,) = torch.autograd.grad(values.sum(), features)
    assert gradient.norm() > 1


@pytest.mark.parametrize("shape", [(3, 4, 6), (3, 8)])
def test_maps_get_constant_channels(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    maps = torch.randn(5, *shape)
    whole = MinibatchDiscrimination.for_shape(shape, kernels=2)
    output = whole(maps)
    assert output.shape == (5, shape[0] + 2, *shape[1:])
    values = whole.closeness(maps.flatten(1))
    torch.testing.assert_close(output[:, 3:].flatten(2)[:, :, 0], values)
    assert output[:, 3:].flatten(2).std(dim=2).max() == 0
    pooled = MinibatchDiscrimination.for_shape(shape, kernels=2, pooled_size=2)
    assert pooled.in_features == 3 * 2 ** (len(shape) - 1)
    cells = (
        maps.reshape(5, 3, 2, 2, 2, 3).mean((3, 5)) if len(shape) == 3 else maps.reshape(5, 3, 2, 4).mean(3)
    )
    torch.testing.assert_close(pooled.closeness(maps), pooled.closeness(cells))


def test_half_precision_is_computed_in_full() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(16, kernels=3)
    features = torch.randn(6, 16)
    exact = layer.closeness(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer.closeness(features), exact)
    half = features.bfloat16().requires_grad_(True)
    output = layer(half)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(
        output[:, 16:].float(), layer.closeness(half.detach().float()), rtol=0.01, atol=0.01
    )
    (gradient,) = torch.autograd.grad(output.float().sum(), half)
    assert gradient.dtype == torch.bfloat16
    assert gradient.isfinite().all()


def test_works_inside_a_traced_graph() -> None:
    layer = MinibatchDiscrimination(4, kernels=2)
    features = torch.randn(5, 4)
    compiled = torch.compile(layer, backend="eager")
    torch.testing.assert_close(compiled(features), layer(features))


def test_bad_input_is_refused() -> None:
    with pytest.raises(EquipoiseError, match="batch size"):
        MinibatchDiscrimination(4)(torch.zeros(1, 4))
    with pytest.raises(EquipoiseError, match="in_features"):
        MinibatchDiscrimination(4)(torch.zeros(3, 5))
    with pytest.raises(EquipoiseError, match="kernels"):
        MinibatchDiscrimination(4, kernels=0)
