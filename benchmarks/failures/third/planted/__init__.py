"""Faults that the first two halves do not have."""

from __future__ import annotations

from benchmarks.failures.third.planted import (
    averages,
    conditions,
    data,
    layers,
    penalties,
    plumbing,
    schedules,
    terms,
    wiring,
)

__all__ = ["NOT_PLANTED"]

_MODULES = (averages, conditions, data, layers, penalties, plumbing, schedules, terms, wiring)

# Asked for or considered, and left out, with the reason; nothing was left out because of a verdict.
NOT_PLANTED = {
    "feature matching on detached fakes": "the adversarial gradient is there and right, a helping term is "
    "not: no check is about it, and the outcome is that of a run without the term",
    "one domain's reals shown to the other domain's discriminator": "both networks follow a consistent aim; "
    "what it should have been is known to nobody inside the loop",
    "the averaged generator is the generator itself (no copy)": "samples are those of the trained weights: "
    "no outcome backs a label",
    "one mixing weight for the whole batch of a gradient penalty": "it penalises the same segments",
    "samples at a truncation of zero": "the sampling script asks for one sample and gets it",
    "only the last of several discriminators counts in the generator's step": "the others still train; the "
    "outcome is that of a run with one discriminator",
}
