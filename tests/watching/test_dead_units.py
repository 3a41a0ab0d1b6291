"""Units that are zero for a whole batch, and those that are given one value only."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from equipoise.watching.anatomy import dead_share


def layer(inplace: bool = False, bias: Tensor | float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace), nn.Linear(8, 1))
    with torch.no_grad():
        network[0].bias.copy_(torch.as_tensor(bias).expand(8))
    return network


def share(network: nn.Module, values: Tensor) -> float:
    found = dead_share(network, lambda copied: copied(values))
    assert found is not None
    return float(found)


@pytest.mark.parametrize("inplace", [False, True])
def test_units_pushed_far_below_zero_are_dead(inplace: bool) -> None:
    values = torch.randn(64, 4)
    half = torch.tensor([-20.0] * 4 + [0.0] * 4)
    assert share(layer(inplace, half), values) == 0.5
    assert share(layer(inplace, -20.0), values) == 1.0
    assert share(layer(inplace), values) == 0.0


def test_one_value_for_all_says_nothing() -> None:
    # A batch of one vector, the same vector for all, and a signal that has faded to rounding.
    assert share(layer(), torch.randn(1, 4)) == 0.0
    assert share(layer(), torch.randn(1, 4).expand(64, 4)) == 0.0
    faded = layer()
    with torch.no_grad():
        faded[0].weight.mul_(1e-8)
    assert share(faded, torch.randn(8, 4) - 5) == 0.0


def test_without_such_a_layer_nothing_is_counted() -> None:
    assert dead_share(nn.Linear(4, 1), lambda copied: copied(torch.randn(8, 4))) is None
