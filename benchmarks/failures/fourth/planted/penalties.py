"""Penalties and clipping that are there and do not hold the critic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional

from benchmarks.failures.faults.base import quality_failed
from benchmarks.failures.faults.constraint import _TOO_STEEP, _alpha, _interpolate_gradients
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case


@fourth_fault(
    "one-sided-penalty-reversed",
    source="Petzka et al. 2018 (the one-sided penalty), with its difference the wrong way round",
    b5=("GP wrong axes",),
    expected=("gradient-penalty-invalid", "critic-unconstrained"),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(Case("diters", "wgan-gp", "pinwheel"),),
    proof=_TOO_STEEP,
)
def one_sided_reversed(parts: FourthParts) -> None:
    """max(0, 1 - |gradient|) squared: slopes below one are punished, slopes above one are not."""

    def penalty(critic: Callable[[Tensor], Any], real: Tensor, fake: Tensor) -> Tensor:
        gradients = _interpolate_gradients(critic, real, fake, _alpha(real))
        return functional.relu(1 - gradients.flatten(1).norm(2, dim=1)).square().mean()

    parts.penalty = penalty


@fourth_fault(
    "clamp-without-assignment",
    source="torchgan/torchgan PR#42 (no clipping); `p.data.clamp(-c, c)` for `clamp_`",
    b5=("no clipping",),
    expected=("critic-unconstrained",),
    equivalents={"critic-magnitude-race": "what an unconstrained critic's scores do"},
    kind="wiring",
    cases=(Case("diters", "wgan-clip", "grid"),),
    proof=_TOO_STEEP,
)
def clamp_lost(parts: FourthParts) -> None:
    """The weights are clamped into a new tensor that nobody keeps: the critic is not clipped."""
    parts.clip_assigned = False


@fourth_fault(
    "clipping-bound-that-shrinks",
    source="Arjovsky et al. 2017, section on clipping: the bound shrinks with a decay meant for the rate",
    b5=("no clipping",),
    expected=("vanishing-generator-gradient", "uninformative-discriminator"),
    equivalents={
        "constant-discriminator": "weights near zero give every sample the same score",
        "frozen-network": "weights that are held near zero hardly move",
        "generator-graph-cut": "through layers of 1e-6 the gradient is below single precision: zero",
        "mode-collapse": "nobody calls for variety any more",
        "late-collapse": "good while the bound was large, lost when it was not",
    },
    forbidden=("critic-unconstrained",),
    kind="dynamics",
    cases=(Case("diters", "wgan-clip", "pinwheel"),),
    proof=quality_failed,
)
def shrinking_bound(parts: FourthParts) -> None:
    """The clipping bound is decayed together with the learning rate: soon nothing of the critic is left."""

    def shrink(step: int) -> None:
        parts.clip_weights *= 0.95

    parts.end_of_step = shrink
