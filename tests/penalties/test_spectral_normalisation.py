"""Spectral normalisation: the norm is one, and training goes through it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from equipoise.errors import EquipoiseError
from equipoise.penalties import StepContext, build_penalty
from equipoise.penalties.spectral_normalisation import UnitSpectralNorm

LAYERS = [
    (lambda: nn.Linear(20, 12), (20,)),
    (lambda: nn.Conv1d(3, 8, 5), (3, 9)),
    (lambda: nn.Conv2d(3, 8, 3), (3, 7, 7)),
    (lambda: nn.ConvTranspose2d(6, 4, 4, stride=2), (6, 5, 5)),
]


def top_singular_value(module):
    axis = 1 if isinstance(module, nn.ConvTranspose2d) else 0
    return torch.linalg.matrix_norm(module.weight.transpose(0, axis).flatten(1), 2).item()


def normalised(network, **options):
    build_penalty("spectral-normalisation", **options).prepare(nn.Linear(2, 2), network)
    return network


@pytest.mark.parametrize(("build", "shape"), LAYERS)
def test_the_top_singular_value_is_one_after_enough_forward_passes(build, shape):
    torch.manual_seed(0)
    layer = normalised(build())
    inputs = torch.randn(2, *shape)
    for _ in range(200):
        layer(inputs)
    layer.eval()
    assert top_singular_value(layer) == pytest.approx(1.0, abs=1e-4)


def test_transposed_convolutions_are_normalised_over_their_output_axis():
    layer = nn.ConvTranspose2d(6, 4, 3)
    original = layer.weight.detach().clone()
    normalised(layer, iterations=300)
    expected = original / torch.linalg.matrix_norm(original.transpose(0, 1).flatten(1), 2)
    assert torch.allclose(layer.weight, expected, atol=1e-6)


def test_the_gradient_is_that_of_the_exactly_normalised_weight():
    torch.manual_seed(0)
    weight = torch.randn(6, 9, dtype=torch.float64, requires_grad=True)
    target = torch.randn(6, 9, dtype=torch.float64)
    computed = UnitSpectralNorm(weight, iterations=2000)(weight)
    exact = weight / torch.linalg.svdvals(weight)[0]
    gradients = [torch.autograd.grad((w * target).sum(), weight)[0] for w in (computed, exact)]
    assert torch.allclose(computed, exact, rtol=1e-10)
    assert torch.allclose(*gradients, rtol=1e-8, atol=1e-12)


def test_a_network_of_normalised_layers_is_one_lipschitz():
    torch.manual_seed(0)
    network = normalised(nn.Sequential(nn.Linear(5, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)), iterations=100)
    network(torch.randn(1, 5))
    with torch.no_grad():
        for layer in (network[0], network[2]):
            layer.parametrizations.weight.original.mul_(50)
    network(torch.randn(1, 5))
    first, second = torch.randn(500, 5), torch.randn(500, 5)
    ratio = (network(first) - network(second)).abs().squeeze(1) / (first - second).norm(dim=1)
    assert ratio.max().item() <= 1.001


def test_several_forward_passes_in_one_step_and_a_second_backward_pass_work():
    torch.manual_seed(0)
    network = normalised(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)))
    real, fake = torch.randn(6, 4), torch.randn(6, 4)
    optimizer = torch.optim.Adam(network.parameters())
    context = StepContext(0, 1, nn.Identity(), network, real, fake)
    loss = network(fake).mean() - network(real).mean() + build_penalty("r1").discriminator_term(context)
    before = network[0].parametrizations.weight.original.detach().clone()
    loss.backward()
    optimizer.step()
    after = network[0].parametrizations.weight.original
    assert torch.isfinite(after).all()
    assert not torch.equal(before, after)


def test_registering_keeps_the_parameter_objects_that_an_optimizer_may_hold():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    normalised(layer)
    assert layer.parametrizations.weight.original is weight


@pytest.mark.parametrize("player", ["discriminator", "generator", "both"])
def test_player_option(player):
    generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 2)
    penalty = build_penalty("spectral-normalisation", player=player)
    penalty.prepare(generator, discriminator)
    assert parametrize.is_parametrized(generator) == (player != "discriminator")
    assert parametrize.is_parametrized(discriminator) == (player != "generator")
    assert penalty.provides_lipschitz == (player != "generator")


def test_evaluation_mode_and_second_preparation_change_nothing():
    layer = normalised(nn.Linear(5, 5))
    normalised(layer)
    assert len(layer.parametrizations.weight) == 1
    layer.eval()
    inputs = torch.randn(3, 5)
    assert torch.equal(layer(inputs), layer(inputs))


def test_a_zero_weight_stays_zero_and_finite():
    layer = nn.Linear(3, 2, bias=False)
    nn.init.zeros_(layer.weight)
    normalised(layer)
    output = layer(torch.randn(4, 3))
    assert torch.equal(output, torch.zeros(4, 2))
    output.sum().backward()
    assert torch.isfinite(layer.parametrizations.weight.original.grad).all()
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(3 * torch.eye(2, 3))
    for _ in range(5):
        layer(torch.randn(4, 3))
    assert top_singular_value(layer) == pytest.approx(1.0, abs=1e-5)


def test_the_norm_is_not_computed_in_half_precision():
    torch.manual_seed(0)
    layer = normalised(nn.Linear(64, 64), iterations=200)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weight = layer.weight
    assert weight.dtype == torch.float32
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1.0, abs=1e-4)


def test_networks_without_anything_to_normalise_are_refused():
    with pytest.raises(EquipoiseError, match="has none"):
        normalised(nn.Sequential(nn.Tanh()))
    with pytest.raises(EquipoiseError, match="lazy LazyLinear"):
        normalised(nn.Sequential(nn.LazyLinear(3)))
