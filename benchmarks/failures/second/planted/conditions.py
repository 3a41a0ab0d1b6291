"""Labels of a conditional GAN that do not belong to what is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import Finished, measured
from benchmarks.failures.parts import Case
from benchmarks.failures.second.filed import second_fault


def _shown(run: Finished) -> float:
    labels = run.parts.source.labels[:1000]
    return float((run.parts.fake_label_stream(labels) == labels).float().mean())


@second_fault(
    "other-labels-for-the-fakes",
    source="amoodie/StratGAN#3; opendp/smartnoise-sdk PR#288",
    expected=("condition-ignored",),
    forbidden=("mode-collapse",),
    kind="data",
    cases=(Case("projected", "hinge", "colour"), Case("projected", "bce", "moons")),
    proof=measured("share of the fakes that are judged with their own label", _shown, lambda v: v < 0.7),
)
def other_labels(parts: Any) -> None:
    """The discriminator is shown newly drawn labels for the fakes, not the ones they were made for."""
    parts.fake_label_stream = lambda y: y[torch.randperm(len(y))]


class _Deaf(nn.Module):
    """A generator that takes the label and always looks up the first one."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.body(z, torch.zeros_like(y))


def _difference(run: Finished) -> float:
    z = run.parts.latent(64)
    with torch.no_grad():
        first, other = (run.parts.generator(z, torch.full((64,), label)) for label in (0, 1))
    return float((first - other).abs().max())


@second_fault(
    "label-not-used-by-generator",
    source="martinarjovsky/WassersteinGAN#16 (conditioning ignored), opendp/smartnoise-sdk PR#288",
    expected=("condition-ignored",),
    kind="wiring",
    cases=(Case("projected", "lsgan", "moons"),),
    proof=measured("change of the samples when every label is exchanged", _difference, lambda v: v == 0.0),
)
def deaf_generator(parts: Any) -> None:
    """The generator looks up label 0 whatever it is asked for."""
    parts.generator = _Deaf(parts.generator)
