"""The facts that make a DCGAN a DCGAN."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from equipoise.data.specification import SampleSpecification
from equipoise.networks import build_networks
from equipoise.networks.blocks import halvings

IMAGES = SampleSpecification("image", (3, 32, 32), classes=10)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@pytest.mark.parametrize("conditional", [False, True])
def test_initialisation(conditional: bool) -> None:
    torch.manual_seed(0)
    for network in build_networks("dcgan", IMAGES, base_channels=32, conditional=conditional):
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                weight = module.weight
                error = 4 * 0.02 / (2 * weight.numel()) ** 0.5
                assert weight.std().item() == pytest.approx(0.02, abs=max(error, 2e-4))
                assert module.bias is None or module.bias.eq(0).all()
            elif isinstance(module, nn.BatchNorm2d) and module.affine:
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert module.weight.std().item() == pytest.approx(0.02, abs=0.01)
                assert module.bias.eq(0).all()


def test_normalisation_is_everywhere_but_in_the_first_and_the_last_layer() -> None:
    generator, discriminator = build_networks("dcgan", IMAGES, base_channels=8)
    order: list[str] = []

    def note(module: nn.Module, *_: object) -> None:
        order.append("norm" if isinstance(module, NORMS) else "layer")

    for network in (generator, discriminator):
        for module in network.modules():
            if isinstance(module, (*NORMS, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                module.register_forward_hook(note)
    samples = generator(torch.randn(4, 128))
    assert order == ["layer", "norm", "layer", "norm", "layer", "norm", "layer"]
    order.clear()
    discriminator(samples)
    assert order == ["layer", "layer", "norm", "layer", "norm", "layer"]


def test_channels_and_sizes_follow_the_image() -> None:
    generator, discriminator = build_networks(
        "dcgan", SampleSpecification("image", (1, 28, 28)), base_channels=32, latent_dim=100
    )
    assert generator.sizes == [(4, 4), (7, 7), (14, 14), (28, 28)]
    assert [layer.out_channels for layer in generator.layers] == [64, 32, 1]
    assert [layer.out_channels for layer in discriminator.layers] == [32, 64, 128]
    # Each position is touched by equally many taps: the kernel is a multiple of the stride.
    assert all(layer.kernel_size[0] % layer.stride[0] == 0 for layer in generator.layers)


@pytest.mark.parametrize("size", range(2, 140))
def test_every_size_is_reached_by_doubling_with_one_cut_off_at_most(size: int) -> None:
    sizes = [length for (length,) in halvings((size,))]
    assert sizes[-1] == size
    assert sizes[0] <= 4
    assert all(after in (2 * before, 2 * before - 1) for before, after in itertools.pairwise(sizes))
