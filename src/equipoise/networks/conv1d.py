"""One-dimensional strided convolutions, for sequences."""

from __future__ import annotations

from equipoise.errors import parameter_error
from equipoise.networks.base import ARCHITECTURES, Architecture, NetworkPlan
from equipoise.networks.strided import StridedDiscriminator, StridedGenerator
from equipoise.validation import Interval


@ARCHITECTURES.register("conv1d")
class Conv1d(Architecture):
    """DCGAN along one axis, for sequences (channels, length) of any length from 2.

    Convolutions of stride 2 with `kernel_size` taps (8 unless told), normalisation, activations and
    initialisation as in `dcgan`; the output has no activation unless one is asked for, because sequences
    are standardised rather than bounded.

    Source: the one-dimensional form of Radford et al. 2016 (1511.06434) as in Donahue et al. 2019
    (1802.04208), with shorter kernels than their 25.
    """

    name = "conv1d"
    kinds = ("sequence",)
    default_normalisation = "batch"
    options = {"kernel_size": (8, Interval(int, 2))}

    def generator(self, plan: NetworkPlan) -> StridedGenerator:
        return StridedGenerator(plan, _kernel(plan))

    def discriminator(self, plan: NetworkPlan) -> StridedDiscriminator:
        return StridedDiscriminator(plan, _kernel(plan))


def _kernel(plan: NetworkPlan) -> int:
    size = int(plan.options["kernel_size"])
    if size % 2:
        raise parameter_error("kernel_size", "an even number, a multiple of the stride 2", size)
    return size
