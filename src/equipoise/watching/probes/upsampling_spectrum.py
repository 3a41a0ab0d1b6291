"""Does the generator have an energy peak at the upsampling frequency?"""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.material import Material, ProbeSkipped

_ROWS = 128
_SMALLEST = 8


@PROBES.register("upsampling-spectrum")
class UpsamplingSpectrum(Probe):
    """The energy at the highest frequency an axis can hold, over that at the two next but one.

    A transposed convolution whose kernel is no multiple of its stride of two repeats a pattern every second
    place (Odena, Dumoulin & Olah 2016), which is that frequency. The energy is |FFT|^2 along one axis of the
    samples without their mean, averaged over the other axes and samples; pictures and sequences only.
    """

    name = "upsampling-spectrum"

    def measure(self, material: Material) -> dict[str, float]:
        fakes = material.fake_samples(_ROWS)
        if fakes.ndim < 3 or min(fakes.shape[2:]) < _SMALLEST:
            raise ProbeSkipped("samples are no pictures or sequences of at least eight places")
        return {"peak": nyquist_peak(fakes), "peak.real": nyquist_peak(material.reals[:_ROWS])}


def nyquist_peak(samples: Tensor) -> float:
    """Energy at the Nyquist frequency over the mean of the second and third below it, mean over the axes.

    The one right below is left out, because a pattern whose strength varies over the picture leaks into it.
    """
    samples = samples.double()
    ratios = []
    for axis in range(2, samples.ndim):
        centred = samples - samples.mean(dim=tuple(range(2, samples.ndim)), keepdim=True)
        energy = torch.fft.rfft(centred, dim=axis).abs().square().movedim(axis, -1)
        profile = energy.reshape(-1, energy.shape[-1]).mean(dim=0)
        neighbours = float(profile[-4:-2].mean())
        ratios.append(float(profile[-1]) / neighbours if neighbours > 0 else float("nan"))
    return sum(ratios) / len(ratios)
