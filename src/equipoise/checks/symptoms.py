"""Names of checks whose findings are symptoms: what an earlier fault produces when nothing can learn."""

from __future__ import annotations

# What a broken game looks like from outside, whichever part of the wiring or the data broke it.
SYMPTOMS = (
    "perfect-discriminator",
    "vanishing-generator-gradient",
    "uninformative-discriminator",
    "constant-discriminator",
    "mode-collapse",
    # It warns of a collapse that cannot be cured; with a fault in the wiring that is not yet known.
    "batch-blindness",
    "critic-magnitude-race",
    "exploding-gradient",
    "dead-or-saturated",
    "instability",
    "oscillation",
    "late-collapse",
    "loss-fingerprint",
)

# Those of them that say the fakes are too much alike.
DIVERSITY = ("mode-collapse", "batch-blindness", "z-ignored")
