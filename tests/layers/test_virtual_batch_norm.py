"""Virtual batch normalisation: the reference is kept, and the formula holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.layers.virtual_batch_norm import VirtualBatchNorm, WithReferenceBatch


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 4, 5)])
def test_equals_an_independent_computation(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    reference = random.normal(2, 3, (8, *shape))
    samples = random.normal(-1, 2, (4, *shape))
    layer = VirtualBatchNorm(3).double()
    layer.set_reference(torch.from_numpy(reference))
    found = layer(torch.from_numpy(samples)).detach().numpy()
    for index, sample in enumerate(samples):
        for channel in range(3):
            of_reference = reference[:, channel]
            own = sample[channel]
            mean = (8 * of_reference.mean() + own.mean()) / 9
            square = (8 * (of_reference**2).mean() + (own**2).mean()) / 9
            expected = (own - mean) / np.sqrt(square - mean**2 + 1e-5)
            np.testing.assert_allclose(found[index, channel], expected, rtol=1e-9)


def test_the_first_batch_is_the_reference_for_good() -> None:
    torch.manual_seed(0)
    layer = VirtualBatchNorm(3)
    batches = [torch.randn(8, 3) * scale for scale in (1.0, 5.0, 9.0)]
    layer(batches[0])
    kept = layer.reference_mean.clone()
    torch.testing.assert_close(kept, batches[0].mean(0))
    first = layer(batches[1])
    for batch in batches * 2:
        layer(batch)
    assert torch.equal(layer.reference_mean, kept)
    assert torch.equal(layer(batches[1]), first)
    assert torch.equal(layer.eval()(batches[1]), first)
    # A sample's output does not depend on its neighbours.
    torch.testing.assert_close(layer(batches[1][:1]), first[:1])


def test_the_reference_survives_saving() -> None:
    layer = VirtualBatchNorm(3)
    layer(torch.randn(8, 3))
    restored = VirtualBatchNorm(3)
    restored.load_state_dict(layer.state_dict())
    other = torch.randn(8, 3) * 4
    assert torch.equal(restored(other), layer(other))
    assert int(restored.reference_count) == 8


def test_the_reference_passes_through_the_present_network() -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(
        nn.Linear(2, 4), VirtualBatchNorm(4), nn.Tanh(), nn.Linear(4, 3), VirtualBatchNorm(3)
    )
    network = WithReferenceBatch(inner).double()
    reference, samples = torch.randn(2, 6, 2, dtype=torch.float64)
    network(reference)
    with torch.no_grad():
        inner[0].weight.mul_(3.0)
    found = network(samples)
    # By hand: each layer normalised by the reference batch as it is at that depth now.
    with torch.no_grad():
        at, of = inner[0](reference), inner[0](samples)

        def mixed(sample: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
            mean = (6 * members.mean(0) + sample) / 7
            square = (6 * members.square().mean(0) + sample.square()) / 7
            return (sample - mean) / (square - mean.square() + 1e-5).sqrt()

        def plain(members: torch.Tensor) -> torch.Tensor:
            return (members - members.mean(0)) / (members.var(0, correction=0) + 1e-5).sqrt()

        of, at = mixed(of, at), plain(at)
        of, at = inner[3](torch.tanh(of)), inner[3](torch.tanh(at))
        expected = mixed(of, at)
    torch.testing.assert_close(found, expected)


def test_the_reference_samples_survive_saving_and_carry_gradients() -> None:
    def make() -> WithReferenceBatch:
        torch.manual_seed(0)
        return WithReferenceBatch(nn.Sequential(nn.Linear(2, 3), VirtualBatchNorm(3)))

    network, restored = make(), make()
    samples = torch.randn(5, 2)
    network(torch.randn(8, 2))
    restored.load_state_dict(network.state_dict())
    assert torch.equal(restored(samples), network(samples))
    # With the reference's own pass the gradient knows that the statistics move with the weights.
    network(samples).square().sum().backward()
    moving = network.network[0].weight.grad.clone()
    fixed = VirtualBatchNorm(3)
    alone = nn.Sequential(network.network[0], fixed)
    fixed.set_reference(alone[0](network.reference))
    alone[0].zero_grad()
    alone(samples).square().sum().backward()
    assert not torch.allclose(alone[0].weight.grad, moving)


def test_a_network_without_the_layer_is_refused() -> None:
    with pytest.raises(EquipoiseError, match="VirtualBatchNorm"):
        WithReferenceBatch(nn.Linear(2, 2))
