"""An epsilon where a momentum was meant."""

from __future__ import annotations

import pytest
import torch
from observe import HEALTHY, found, healthy_ns_gan, observe
from torch import nn

from equipoise.watching.structure import layer_entries

NAME = "normalisation-epsilon"


def _layers(*modules: nn.Module):
    return {"generator.layers": layer_entries(nn.Sequential(*modules))}


def test_the_second_argument_of_a_batch_norm_is_epsilon() -> None:
    facts = _layers(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8, 0.8), nn.BatchNorm2d(8, 0.8))
    finding = found(NAME, observe(facts=facts, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert "`1` and 1 more" in finding.message
    assert finding.evidence[0].value == 0.8


def test_a_momentum_by_name_and_the_defaults_are_fine() -> None:
    facts = _layers(
        nn.BatchNorm2d(8, momentum=0.8), nn.LayerNorm(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, 1e-3)
    )
    assert found(NAME, observe(facts=facts, base=healthy_ns_gan())) is None


def test_what_the_page_says_of_the_shrinking_is_so() -> None:
    """Variance 0.01 with an epsilon of 0.8: 1 / sqrt(0.81), where 1 / sqrt(0.01) would bring it to one."""
    torch.manual_seed(0)
    values = 0.1 * torch.randn(4096, 1)
    shrunk = nn.BatchNorm1d(1, 0.8)(values).std() / nn.BatchNorm1d(1)(values).std()
    assert float(shrunk.detach()) == pytest.approx(1 / 9, rel=0.01)


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert found(NAME, HEALTHY[run]()) is None
