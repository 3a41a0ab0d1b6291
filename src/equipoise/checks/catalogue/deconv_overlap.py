"""EQ014: transposed convolutions whose kernels overlap unevenly."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

PEAK = 3.0
OVER_REALS = 2.0
STRUCTURE = "Odena et al. 2016, Deconvolution and Checkerboard Artifacts: kernel size divisible by the stride"
PEAK_SOURCE = "ours: energy at the upsampling frequency over its neighbours (benchmarks/failures)"


@CHECKS.register("deconv-overlap")
class DeconvolutionOverlap(Check):
    """A transposed convolution's kernel is no multiple of its stride, which favours a checkerboard.

    What it does
        Lists transposed convolutions whose kernel size is not divisible by the stride. The probe looks for
        the resulting peak in the spectrum of the samples.

    Why it is bad
        Neighbouring output values then receive different numbers of contributions, in a regular pattern.
        The network can learn to even it out, but often a faint checkerboard remains that the discriminator
        uses.

    Evidence and threshold
        Info: such layers exist (`generator.overlap`). Warning: the fakes' energy at the upsampling
        frequency is also more than 3 times its neighbours', and more than twice what the reals have there.

    What else it could be
        - Data with such a pattern of its own (JPEG, screens): the same number is measured on reals.
        - Strided convolutions in the discriminator, which leave a pattern in the gradient: the peak would
          be there without such layers, and this check is then silent.

    Remedies
        Use a kernel that is a multiple of the stride (4 with stride 2), or nearest-neighbour upsampling and
        a convolution.

    References
        - Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
        - https://github.com/colemiller94/gatedgan/issues/2
        - https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/190
    """

    code = "EQ014"
    name = "deconv-overlap"
    kinds = ("preflight", "probe")
    facts = ("generator.overlap",)
    probes = ("upsampling-spectrum",)
    stage = "advice"
    explains = ()
    remedies = (
        Remedy(
            "resize-convolution",
            "Replace the transposed convolution by nearest-neighbour upsampling and a 3x3 convolution, or "
            "use kernel 4 "
            "with stride 2.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        layers = observations.fact("generator.overlap", [])
        if not layers:
            return None
        names = ", ".join(f"`{name}`" for name in layers[:4]) + (" and others" if len(layers) > 4 else "")
        structure = Measurement(
            "generator.overlap", float(len(layers)), 0.0, "above", STRUCTURE, "layers with uneven overlap"
        )
        probe = observations.probe("upsampling-spectrum")
        if probe is None or not (probe["peak"] > PEAK and probe["peak"] > OVER_REALS * probe["peak.real"]):
            return self.finding(
                "info",
                0.9,
                f"The kernels of {names} are no multiple of their stride, which favours a checkerboard "
                "pattern.",
                evidence=(structure,),
                because=(
                    Alternative(
                        "a network that has evened it out",
                        "open" if probe is None else "unlikely",
                        "the probe upsampling-spectrum measures the pattern"
                        if probe is None
                        else f"no peak at the upsampling frequency yet ({probe['peak']:.2g} times its "
                        "neighbours)"
                        if probe["peak"] == probe["peak"]
                        else "the probe got no number",
                    ),
                ),
            )
        peak, real = probe["peak"], probe["peak.real"]
        return self.finding(
            "warning",
            0.85,
            f"The samples have a checkerboard: {peak:.3g} times more energy at the upsampling frequency "
            "than beside it "
            f"(reals: {real:.3g}), and the kernels of {names} are no multiple of their stride.",
            evidence=(
                Measurement(
                    "upsampling-spectrum.peak",
                    peak,
                    PEAK,
                    "above",
                    PEAK_SOURCE,
                    "energy at the upsampling frequency over its neighbours",
                ),
                structure,
            ),
            because=(
                Alternative("a pattern of the data itself", "ruled out", f"the reals have {real:.3g} there"),
            ),
        )
