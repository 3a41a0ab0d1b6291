"""Averaged generators that are there and do not do what they are for."""

from __future__ import annotations

from benchmarks.failures.faults.base import (
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


@third_fault(
    "average-never-updated",
    source="odegeasslbc/FastGAN-pytorch#4, konpatp/diffae#16 (a stale average); the call was forgotten",
    b5=("decay too long",),
    expected=("ema-stale",),
    equivalents={
        "eval-drift": "what is sampled from differs from what is trained: the same fact from the output",
        "frozen-network": "the averaged generator never moves",
    },
    kind="wiring",
    cases=(Case("phases", "logistic", "rings"),),
    proof=quality_failed,
)
def never_updated(parts: ThirdParts) -> None:
    """The averaged generator is made, sampled from and never updated."""
    parts.average_updated = False


@third_fault(
    "average-copied-back",
    source="restored averages that were never taken back (forum reports, recalled); EMA weights trained",
    expected=("perfect-discriminator", "frozen-network"),
    equivalents={
        "vanishing-generator-gradient": "where the discriminator is that sure little gradient is left",
        "optimizer-hparams": "the generator's steps are a thousandth of what its optimizer says",
        "mode-collapse": "the generator's first samples lie close together, and stay so",
        "ema-stale": "the average holds the generator where it started",
    },
    kind="wiring",
    cases=(
        Case("phases", "logistic", "swissroll"),
        Case("wrapper", "hinge", "rings"),
    ),
    proof=quality_failed,
)
def copied_back(parts: ThirdParts) -> None:
    """`swap_parameters_with_ema` was called and never undone: with a decay of 0.999 each step of the
    generator is taken back to a thousandth."""
    parts.average_copied_back, parts.average_decay = True, 0.999


@third_fault(
    "discriminator-sees-averaged-fakes",
    source="StyleGAN ports that call G_ema in the discriminator's step; stale fakes",
    expected=("role-undecided", "instability"),
    equivalents={
        "uninformative-discriminator": "of the generator's present samples it has seen nothing",
        "mode-collapse": "the generator runs to what a discriminator of other fakes likes best",
        "oscillation": "with the lag of the average the players chase each other",
        "late-collapse": "with the lag of the average a good state is passed and lost",
        "vanishing-generator-gradient": "where the generator has run to, the discriminator was never trained",
        "ema-stale": "the average lags far behind the generator",
        "perfect-discriminator": "of the averaged fakes it knows every one",
        "range-mismatch": "nobody stops the generator's own samples from running away",
    },
    kind="dynamics",
    cases=(
        Case("phases", "logistic", "rings"),
        Case("wrapper", "hinge", "swissroll"),
    ),
    proof=quality_not_good,
)
def averaged_fakes(parts: ThirdParts) -> None:
    """The discriminator is only shown the averaged generator's samples (decay 0.997), the generator is judged
    by its own."""
    parts.fakes_from_average, parts.average_decay = True, 0.997
    parts.penalty = None
