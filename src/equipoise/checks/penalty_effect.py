"""A gradient penalty that moves no weight: dD/dx is computed, and nothing is sent back through it."""

from __future__ import annotations

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

# What `without_effect` reads; a check that calls it declares these.
EFFECT_SIGNALS = (
    "penalty.applied",
    "penalty.sent",
    "penalty.without_graph",
    "penalty.pull",
    "penalty.gradient",
)
EFFECT_FACTS = ("objective.declared", "objective.discriminator", "discriminator.spectral_norm")
# Lazily applied penalties fall into some records only.
LEAST_RECORDS = 6
# Beyond the target of every published penalty, in the mean over a batch.
BEYOND, BEYOND_RECORDS = 1.5, 3
SOURCE = "exact: a penalty moves weights only if a loss is sent back to ds/dx"

_CREATE_GRAPH = Remedy(
    "create-graph",
    "Compute the slope with torch.autograd.grad(scores.sum(), samples, create_graph=True); without it the "
    "penalty is a constant.",
    "root",
    "safe",
)
_ADD_TO_LOSS = Remedy(
    "add-penalty-to-loss",
    "Add the penalty, as the tensor it is (no .item(), .data, .detach() or no_grad), to the loss that the "
    "discriminator sends back, with a weight that is not zero.",
    "root",
    "safe",
)


def _of_zero_weight(observations: Observations) -> bool:
    """Whether what was sent back was exactly zero in every record, beyond a slope of one in some.

    A one-sided penalty sends nothing back below its target, which is one at most.
    """
    pull, norm = (observations.series(f"penalty.{name}").finite() for name in ("pull", "gradient"))
    beyond = int((norm.values > BEYOND).sum())
    return len(pull) >= LEAST_RECORDS and beyond >= BEYOND_RECORDS and not pull.values.any()


def without_effect(check: Check, observations: Observations) -> Finding | None:
    """The finding of `check`, if the slope at the inputs was computed and nothing ever sent back to it.

    It is an error where the loss needs the penalty (Wasserstein without spectral normalisation), else a
    warning: the slope may have been computed to be looked at only.
    """
    applied = observations.series("penalty.applied").finite()
    computed = int((applied.values > 0).sum())
    asked = observations.series("penalty.without_graph").finite()
    bare = int((asked.values > 0).sum())
    sent = observations.series("penalty.sent").finite()
    zero = _of_zero_weight(observations)
    if not len(sent) or (sent.largest() > 0 and not zero):
        return None
    if computed < LEAST_RECORDS and (computed or bare < LEAST_RECORDS):
        return None
    records = computed or bare
    if not computed:
        what = "without create_graph, so that no penalty on it can move a weight"
    elif zero:
        what = "for a penalty whose weight is zero: it moves no weight of the discriminator"
    else:
        what = "for a penalty, but nothing is sent back to it: the penalty moves no weight"
    family = observations.fact("objective.declared") or observations.fact("objective.discriminator")
    needed = family == "wasserstein" and not observations.fact("discriminator.spectral_norm")
    first = applied.steps[applied.values > 0] if computed else asked.steps[asked.values > 0]
    return check.finding(
        "error" if needed else "warning",
        0.95 if needed else 0.8,
        f"The discriminator's slope at its inputs is computed {what} (in all of {records} records that show "
        "it).",
        evidence=(
            Measurement(
                "penalty.pull" if zero else "penalty.sent",
                0.0,
                0.0,
                "equal to",
                SOURCE,
                "largest factor in what is sent back to the slope"
                if zero
                else "most batches in one record whose slope a loss was sent back to",
            ),
            Measurement(
                "penalty.applied" if computed else "penalty.without_graph",
                float(records),
                float(LEAST_RECORDS),
                "above",
                "ours: penalties may be applied lazily",
                "records in which the slope was computed",
            ),
        ),
        because=(
            Alternative(
                "a slope that is only logged",
                "unlikely" if needed else "open",
                "nothing else bounds the critic, and the loss needs it"
                if needed
                else "then nothing is wrong; a penalty is what it is computed for in most loops",
            ),
            Alternative(
                "samples moved along the slope",
                "ruled out",
                "no batch that was scored beside them is such a one",
            ),
        ),
        since=int(first[0]),
        remedies=(_ADD_TO_LOSS,) if computed else (_CREATE_GRAPH, _ADD_TO_LOSS),
        details={"case": "effect", "exact": True},
    )
