"""Fault operators: each turns the healthy ingredients of a run into one known failure."""

from __future__ import annotations

from benchmarks.failures.faults import (
    balance,
    batches,
    constraint,
    diversity,
    normalisation,
    numerics,
    plumbing,
    wiring,
)
from benchmarks.failures.faults.base import FAULTS, Fault

__all__ = ["B5", "FAULTS", "NOT_PLANTED", "Fault"]

_MODULES = (balance, batches, constraint, diversity, normalisation, numerics, plumbing, wiring)

# The fault operators that the failure research asks for, in its words; every one is planted or
# explained below.
B5 = (
    "double-sigmoid",
    "sigmoid-on-critic",
    "unfused BCE",
    "G target = fake label",
    "D fake target = real",
    "flipped WGAN sign",
    "shape broadcast",
    "detach in G step",
    "no zero_grad",
    "optimiser holds both nets",
    "frozen D/G",
    "range [0,1] vs [-1,1]",
    "/255 omitted",
    "k/255 lattice",
    "z law mismatch",
    "constant z",
    "unshuffled/duplicate batches",
    "label permutation",
    "cat(real,fake)+BN",
    "BN in GP critic",
    "BN before first non-linearity of G",
    "EMA without buffers",
    "decay too long",
    "GP wrong axes",
    "alpha normal",
    "GP sqrt no epsilon",
    "R1 interval never reached",
    "no clipping",
    "clip +-0.01",
    "LR x100 / ratio",
    "beta1",
    "AMP overflow",
    "tiny data set",
    "ADA without cap",
    "D started late",
    "adversarial weight x10",
    "deconv k%s != 0",
    "init not called",
    "lambda_idt 0",
)

NOT_PLANTED = {
    "lambda_idt 0": (
        "Inverted colours of a CycleGAN without identity loss are as good a solution of its "
        "objective as the right "
        "ones: no measurement inside the loop can tell them apart without paired data, and no "
        "check claims to."
    ),
}
