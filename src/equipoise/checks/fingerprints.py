"""Losses that stand still at a constant which names what happened. Arithmetic; no measurement needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

ENVELOPE_FAKE_LOW = math.log(2)  # softplus(p) at p = 0: a probability taken as a logit, on fakes
ENVELOPE_REAL_LOW = math.log1p(math.exp(-1))  # softplus(-p) at p = 1: the same on reals


@dataclass(frozen=True)
class Fingerprint:
    """A constant, the loss series that may show it, and what it means.

    Attributes:
        stuck: whether a loss at this constant passes no gradient on.
    """

    value: float
    losses: tuple[str, ...]
    meaning: str
    stuck: bool = False


_HALVES = ("loss.discriminator.real", "loss.discriminator.fake", "loss.generator")

FINGERPRINTS: tuple[Fingerprint, ...] = (
    Fingerprint(
        math.log(2), _HALVES, "ln 2: the discriminator says one half (undecided, at equilibrium, or frozen)"
    ),
    Fingerprint(
        2 * math.log(2), ("loss.discriminator",), "2 ln 2: the discriminator says one half on everything"
    ),
    *(
        Fingerprint(
            -math.log(epsilon),
            (*_HALVES, "loss.discriminator"),
            f"-ln({epsilon:.0e}): the clamp of the logarithm is reached, and behind it there is no gradient",
            stuck=True,
        )
        for epsilon in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
    ),
    Fingerprint(
        100.0,
        (*_HALVES, "loss.discriminator"),
        "100: the bound of torch.nn.BCELoss, whose logarithm stops at -100; the sigmoid is saturated",
        stuck=True,
    ),
    Fingerprint(
        -(0.9 * math.log(0.9) + 0.1 * math.log(0.1)),
        ("loss.discriminator", "loss.discriminator.real"),
        "0.325, the floor with real targets of 0.9: the discriminator is perfect though its loss is not zero",
    ),
    Fingerprint(
        -(0.8 * math.log(0.8) + 0.2 * math.log(0.2)),
        ("loss.discriminator", "loss.discriminator.real"),
        "0.500, the floor with real targets of 0.8: the discriminator is perfect though its loss is not zero",
    ),
    Fingerprint(
        2.0, ("loss.discriminator",), "2: a hinge discriminator that gives every sample the same score"
    ),
    Fingerprint(
        10.0,
        ("loss.penalty",),
        "10, the weight of a gradient penalty: the discriminator's slope is zero",
        stuck=True,
    ),
    Fingerprint(
        1.0,
        ("loss.penalty",),
        "1, an unweighted gradient penalty: the discriminator's slope is zero",
        stuck=True,
    ),
)
