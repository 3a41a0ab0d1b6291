"""DCGAN: strided convolutions and batch normalisation, for images."""

from __future__ import annotations

from equipoise.networks.base import ARCHITECTURES, Architecture, NetworkPlan
from equipoise.networks.strided import StridedDiscriminator, StridedGenerator


@ARCHITECTURES.register("dcgan")
class DCGAN(Architecture):
    """Convolutions of stride 2 with 4x4 kernels, for images of any size from 2 pixels.

    Batch normalisation everywhere but in the discriminator's first and the generator's last layer,
    LeakyReLU of slope 0.2 in the discriminator, ReLU in the generator, tanh at its end, weights N(0, 0.02).
    Labels: an embedding beside the latent and conditional batch normalisation in the generator, projection
    (or a label plane) in the discriminator. Channels double at each stage inwards, up to 8 times
    `base_channels`.

    Source: Radford et al. 2016 (1511.06434), section 3. Differences: the sizes between 4 pixels and the full
    size are found by halving, and the discriminator ends in a linear layer on the last map, which is
    the paper's last convolution.
    """

    name = "dcgan"
    kinds = ("image",)
    default_normalisation = "batch"

    def generator(self, plan: NetworkPlan) -> StridedGenerator:
        return StridedGenerator(plan, kernel=4)

    def discriminator(self, plan: NetworkPlan) -> StridedDiscriminator:
        return StridedDiscriminator(plan, kernel=4)
