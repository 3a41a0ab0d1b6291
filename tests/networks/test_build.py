"""Requests that cannot be carried out are refused with the sentence that helps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.layers.virtual_batch_norm import WithReferenceBatch
from equipoise.networks import build_networks
from equipoise.networks.mlp import separate

IMAGES = SampleSpecification("image", (1, 8, 8), classes=10)
PLAIN = SampleSpecification("image", (1, 8, 8))
VECTORS = SampleSpecification("vector", (2,))


@pytest.mark.parametrize(
    ("name", "specification", "options", "message"),
    [
        ("dcgn", IMAGES, {}, "did you mean `dcgan`"),
        ("dcgan", SampleSpecification("vector", (3,)), {}, "kind vector; use `mlp`"),
        ("conv1d", IMAGES, {}, "kind image; use `dcgan`"),
        ("dcgan", PLAIN, {"conditional": True}, "`conditional` must be False"),
        ("dcgan", IMAGES, {"hiden_layers": 2}, "no options of its own"),
        ("mlp", IMAGES, {"hiden_layers": 2}, "did you mean `hidden_layers`"),
        ("mlp", IMAGES, {"hidden_layers": 0}, "`hidden_layers` must be"),
        ("mlp", IMAGES, {"discriminator_normalisation": "instance"}, "the architecture is `mlp`"),
        ("r3gan", IMAGES, {"discriminator_normalisation": "batch"}, "one of 'default', 'none'"),
        ("dcgan", IMAGES, {"pack": 2, "microbatch": 2}, "exclude each other"),
        ("dcgan", IMAGES, {"microbatch": 2, "discriminator_normalisation": "virtual-batch"}, "Microbatches"),
        ("dcgan", IMAGES, {"batch_layer": "minibatch"}, "`batch_layer` must be"),
        ("dcgan", IMAGES, {"batch_layer_options": {"kernels": 3}}, "name a `batch_layer`"),
        ("dcgan", IMAGES, {"latent_dim": 0}, "`latent_dim` must be"),
        ("dcgan", IMAGES, {"base_channels": -1}, "`base_channels` must be"),
        ("dcgan", IMAGES, {"pack": 0}, "`pack` must be"),
        ("dcgan", IMAGES, {"conditioning": "planes"}, "`conditioning` must be"),
        ("dcgan", IMAGES, {"output_activation": "relu"}, "`output_activation` must be"),
        ("dcgan", SampleSpecification("image", (1, 1, 8)), {}, "use the `mlp` architecture"),
        ("conv1d", SampleSpecification("sequence", (1, 8)), {"kernel_size": 5}, "an even number"),
    ],
)
def test_refused(name: str, specification: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EquipoiseError, match=message):
        build_networks(name, specification, **options)


def test_output_activations() -> None:
    latent = torch.randn(16, 128) * 5
    ranges = {"default": (-1, 1), "tanh": (-1, 1), "sigmoid": (0, 1)}
    for activation, (low, high) in ranges.items():
        samples = build_networks("mlp", PLAIN, output_activation=activation)[0](latent)
        assert low <= samples.min()
        assert samples.max() <= high
    assert build_networks("mlp", PLAIN, output_activation="none")[0](latent).abs().max() > 1
    vectors = SampleSpecification("vector", (3,))
    assert build_networks("mlp", vectors)[0](latent).abs().max() > 1


def test_virtual_batch_normalisation_keeps_its_reference_and_its_facts() -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = {
        "base_channels": 4,
        "discriminator_normalisation": "virtual-batch",
        "conditional": True,
        "pack": 2,
    }
    _, discriminator = build_networks("dcgan", IMAGES, **options)
    assert isinstance(discriminator, WithReferenceBatch)
    assert discriminator.pack == 2
    assert discriminator.classes == 10
    first, labels = torch.randn(6, 1, 8, 8), torch.arange(6)
    discriminator(first, labels)
    samples = torch.randn(4, 1, 8, 8)
    expected = discriminator(samples, labels[:4])
    assert torch.equal(discriminator.reference, first)
    restored = build_networks("dcgan", IMAGES, **options)[1]
    restored.load_state_dict(discriminator.state_dict())
    assert torch.equal(restored(samples, labels[:4]), expected)


def test_batch_layer_options_arrive() -> None:
    _, discriminator = build_networks(
        "mlp",
        PLAIN,
        base_channels=6,
        batch_layer="minibatch-discrimination",
        batch_layer_options={"kernels": 7},
    )
    assert discriminator.width == 6 + 7
    _, discriminator = build_networks(
        "mlp", PLAIN, batch_layer="minibatch-standard-deviation", batch_layer_options={"group_size": None}
    )
    assert discriminator.batch_layer.group_size is None


def test_initial_biases_of_mlp() -> None:
    """Zero, or uniform within 1 / sqrt(inputs): the variance of that law is 1 / (3 inputs)."""
    torch.manual_seed(0)
    for biases in ("zero", "uniform"):
        networks = build_networks("mlp", VECTORS, latent_dim=2, base_channels=512, initial_biases=biases)
        for network in networks:
            linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
            for layer in linear[:-1]:
                scaled = layer.bias.detach().double() * layer.in_features**0.5
                if biases == "zero":
                    assert not scaled.any()
                else:
                    assert scaled.abs().max() <= 1
                    assert scaled.square().mean().item() == pytest.approx(1 / 3, abs=0.05)


def test_separated_latents_fall_into_pieces_that_keep_a_slope() -> None:
    """2^n pieces, 2 apart in each of the n numbers; each number's slope is a tenth, elsewhere one."""
    latent = torch.randn(4000, 5, dtype=torch.float64).requires_grad_()
    apart = separate(latent, 3)
    assert len(torch.unique(apart[:, :3].sign(), dim=0)) == 2**3
    gap = apart[:, :3].abs().min().item()
    assert 1 <= gap < 1.01
    apart.sum().backward()
    assert latent.grad[0].tolist() == pytest.approx([0.1, 0.1, 0.1, 1, 1])
    assert separate(latent, 0) is latent


def test_a_separated_generator_makes_clusters_of_connected_latents() -> None:
    torch.manual_seed(0)
    generator, _ = build_networks("mlp", VECTORS, latent_dim=2, separated_latents=1)
    with torch.no_grad():
        near = generator(torch.tensor([[-1e-6, 0.3], [1e-6, 0.3], [2e-6, 0.3]]))
    assert (near[0] - near[1]).norm() > 1e3 * (near[1] - near[2]).norm()


def test_no_more_latents_are_separated_than_there_are() -> None:
    with pytest.raises(EquipoiseError, match=r"separated_latents.*at most.*2; got 3"):
        build_networks("mlp", VECTORS, latent_dim=2, separated_latents=3)
