"""What must hold for every registered layer, whatever it is."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import equipoise.layers
from equipoise.layers.base import LAYERS, Layer, build_layer

SHAPES = [(6,), (4, 5), (4, 4, 4)]
NAMES = LAYERS.names()
APPENDING = ["minibatch-discrimination", "minibatch-standard-deviation"]


class Flat(nn.Module):
    """The smallest discriminator: one linear layer on the flattened sample."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, 1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.linear(samples.flatten(1))).squeeze(1)


def _layer(name: str, shape: tuple[int, ...]) -> Layer:
    torch.manual_seed(0)
    size = int(torch.tensor(shape).prod())
    options: dict[str, Any] = {}
    if name == "packing":
        options["factory"] = lambda specification: Flat(specification.size)
    elif name == "microbatch":
        options["factory"] = lambda: Flat(size)
    elif LAYERS.get(name).facts.needs_labels:
        options["classes"] = 3
    return build_layer(name, shape, **options).double()


def _call(name: str, layer: Layer, samples: Tensor, labels: Tensor) -> Tensor:
    if name == "label-embedding":
        return layer(labels)
    if layer.facts.needs_labels:
        return layer(samples, labels)
    return layer(samples)


def _input(shape: tuple[int, ...], batch: int = 8) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    samples = torch.randn(batch, *shape, generator=random, dtype=torch.float64)
    return samples, torch.arange(batch) % 3


def _shapes(name: str) -> list[tuple[int, ...]]:
    return SHAPES[:1] if name in ("projection", "label-embedding") else SHAPES


CASES = [(name, shape) for name in NAMES for shape in _shapes(name)]


@pytest.mark.parametrize("name", NAMES)
def test_layer_says_what_it_is(name: str) -> None:
    layer = LAYERS.get(name)
    assert layer.name == name
    assert layer.facts.source
    assert layer.__doc__
    assert "Source:" in layer.__doc__
    assert ">>>" in layer.__doc__


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_same_weights_same_output_in_both_modes(name: str, shape: tuple[int, ...]) -> None:
    layer, (samples, labels) = _layer(name, shape), _input(shape)
    first = _call(name, layer, samples, labels)
    assert first.isfinite().all()
    assert torch.equal(_call(name, layer, samples, labels), first)
    layer.eval()
    evaluated = _call(name, layer, samples, labels)
    assert torch.equal(_call(name, layer, samples, labels), evaluated)
    if name != "conditional-batch-norm":  # whose running statistics are another thing by definition
        assert torch.equal(evaluated, first)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_state_survives_saving(name: str, shape: tuple[int, ...]) -> None:
    layer, (samples, labels) = _layer(name, shape), _input(shape)
    _call(name, layer, samples, labels)
    other = _layer(name, shape)
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    other.load_state_dict(layer.state_dict())
    expected = _call(name, layer.eval(), samples, labels)
    assert torch.equal(_call(name, other.eval(), samples, labels), expected)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_all_parameters_learn_and_a_second_derivative_exists(name: str, shape: tuple[int, ...]) -> None:
    layer, (samples, labels) = _layer(name, shape), _input(shape)
    samples.requires_grad_(True)
    output = _call(name, layer, samples, labels)
    if name != "label-embedding":
        (gradient,) = torch.autograd.grad(output.square().sum(), samples, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), samples, retain_graph=True)
        assert gradient.norm() > 0
        assert second.isfinite().all()
    output.square().sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.norm() > 0


@pytest.mark.parametrize(
    ("name", "shape"), [case for case in CASES if case[0] not in ("packing", "microbatch")]
)
def test_reordering_the_batch_reorders_the_output(name: str, shape: tuple[int, ...]) -> None:
    layer, (samples, labels) = _layer(name, shape), _input(shape, batch=6)
    if name == "minibatch-standard-deviation":
        layer = build_layer(name, shape, group_size=None)
    expected = _call(name, layer, samples, labels)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(_call(name, layer, samples[order], labels[order]), expected[order])


@pytest.mark.parametrize("name", APPENDING)
@pytest.mark.parametrize("shape", SHAPES)
def test_clones_look_different_from_a_diverse_batch(name: str, shape: tuple[int, ...]) -> None:
    layer, (samples, _) = _layer(name, shape), _input(shape)
    clones = samples[:1].expand_as(samples).contiguous()
    near = samples[:1] + 0.1 * samples
    values = [layer(batch)[:, shape[0] :].mean().item() for batch in (clones, near, samples)]
    if name == "minibatch-discrimination":
        assert values[0] == 7.0  # N - 1
        assert values[0] > values[1] > values[2]
    else:
        assert values[0] == pytest.approx(1e-4)
        assert values[0] < values[1] < values[2]


MODULES = [module.name for module in pkgutil.iter_modules(equipoise.layers.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_the_documentation(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"equipoise.layers.{module}"))
    assert result.failed == 0
