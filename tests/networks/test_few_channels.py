"""The faster convolutions give torch's own numbers, derivatives of both orders included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from equipoise.networks.few_channels import FeaturesToImage, ImageToFeatures

SIZES = [(1, 8, 8), (3, 4, 6), (4, 2, 2)]


def layers(channels: int, bias: bool, double: bool = True) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    options = {"stride": 2, "padding": 1, "bias": bias}
    pair = {
        "up": FeaturesToImage(5, channels, 4, **options),
        "down": ImageToFeatures(channels, 5, 4, **options),
    }
    return {name: layer.double() if double else layer for name, layer in pair.items()}


def plain(name: str, layer: nn.Module, values: Tensor) -> Tensor:
    function = functional.conv_transpose2d if name == "up" else functional.conv2d
    return function(values, layer.weight, layer.bias, stride=2, padding=1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("channels", "height", "width"), SIZES)
@pytest.mark.parametrize("name", ["up", "down"])
def test_values_and_derivatives_are_those_of_torch(
    name: str, channels: int, height: int, width: int, bias: bool
) -> None:
    layer = layers(channels, bias)[name]
    values = torch.randn(3, 5 if name == "up" else channels, height, width, dtype=torch.float64)
    values.requires_grad_()
    inputs = [values, *layer.parameters()]
    outcomes = []
    for output in (layer(values), plain(name, layer, values)):
        weights = torch.randn(output.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        first = torch.autograd.grad((output.sin() * weights).sum(), inputs, create_graph=True)
        # As R1 does: a squared gradient, differentiated again, with respect to all.
        second = torch.autograd.grad(first[0].square().sum() + first[1].square().sum(), inputs)
        outcomes.append([output, *first, *second])
    for ours, torchs in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["up", "down"])
def test_derivatives_agree_with_finite_differences(name: str) -> None:
    layer = layers(1, bias=True)[name]
    values = torch.randn(1, 5 if name == "up" else 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (values,))
    assert torch.autograd.gradgradcheck(layer, (values,))


@pytest.mark.parametrize("name", ["up", "down"])
def test_the_fast_way_is_taken_where_it_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layers(1, bias=True, double=False)[name]
    values = torch.randn(2, 5 if name == "up" else 1, 4, 4, requires_grad=True)
    kind = {"up": "_Doubled", "down": "_Halved"}[name]
    assert type(layer(values).grad_fn).__name__ == f"{kind}Backward"


def test_other_layers_and_inputs_go_torchs_way() -> None:
    odd = ImageToFeatures(1, 5, 4, stride=2, padding=1)
    samples = torch.randn(2, 1, 7, 7)
    torch.testing.assert_close(odd(samples), plain("down", odd, samples))
    wide = FeaturesToImage(5, 8, 4, stride=2, padding=1)
    assert type(wide(torch.randn(2, 5, 4, 4)).grad_fn).__name__ == "ConvolutionBackward0"
    sized = FeaturesToImage(5, 1, 4, stride=2, padding=1)
    assert sized(torch.randn(2, 5, 4, 4), output_size=[9, 9]).shape == (2, 1, 9, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert sized(torch.randn(2, 5, 4, 4)).dtype == torch.bfloat16


def test_a_frozen_layer_gets_no_gradient_and_passes_one_on() -> None:
    layer = layers(1, bias=True)["down"].requires_grad_(False)
    values = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    layer(values).sum().backward()
    assert values.grad is not None
    assert layer.weight.grad is None
