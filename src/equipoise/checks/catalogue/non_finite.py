"""EQ308: NaN or infinity, and which mechanism made it."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.history.observations import Observations

# The gradient or the scores have grown by this before the end: divergence, not a single bad operation
# (pytorch issue 2534: a root at zero comes without any growth). Calibrated.
GROWTH = 10.0
BEFORE = 200
# Growth to these sizes is learning, not divergence: gradients (ganhacks: 100 is trouble), scores. Calibrated.
SMALL_GRADIENT = 10.0
SMALL_SCORE = 50.0
# float16 ends at 65,504.
HALF_MAXIMUM = 65_504.0

_GROWING = ("gradient.generator", "gradient.discriminator", "score.real.mean", "score.fake.mean")

_EPSILON = Remedy(
    "epsilon-in-the-root",
    "Put an epsilon under the root of the gradient penalty's norm: (gradient.square().sum(1) + "
    "1e-12).sqrt(); the "
    "derivative of a root at 0 is infinite.",
    "root",
    "safe",
)
_FLOAT32 = Remedy(
    "float32-where-it-overflows",
    "Compute the losses and the gradient penalty in float32 (autocast switched off for them), use "
    "bfloat16 where the "
    "hardware has it, and an optimizer epsilon of at least 1e-7.",
    "root",
    "safe",
)
_CLEAN_DATA = Remedy(
    "clean-data",
    "Find the samples that are not finite and repair or drop them before training.",
    "root",
    "display-only",
)
_RESTORE = Remedy(
    "restore-checkpoint",
    "Go back to the last checkpoint with finite weights, at most three times; without one, start again.",
    "symptomatic",
    "unsafe",
)
_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "data": (_CLEAN_DATA, _RESTORE),
    "divergence": (
        *root("lower-learning-rates", "r1-penalty", "spectral-normalisation"),
        _RESTORE,
        *symptomatic("clip-gradients"),
    ),
    "half-precision": (_FLOAT32, _RESTORE),
    "logarithm": (*root("fused-logit-loss"), _RESTORE),
    "root": (_EPSILON, _RESTORE),
    "unknown": (_EPSILON, *root("fused-logit-loss", "lower-learning-rates"), _RESTORE),
}
_WORDS = {
    "data": "the real data themselves are not finite",
    "divergence": "the training diverged before it",
    "half-precision": "half precision has overflowed",
    "logarithm": "a logarithm of a saturated sigmoid",
    "root": "the derivative of a root at zero in the gradient penalty",
    "unknown": "no growth announced it, so that a single operation is at fault",
}


@CHECKS.register("non-finite")
class NonFinite(Check):
    """Scores or gradients became NaN or infinite.

    What it does
        Notes the first step at which a score, slope or gradient was not finite and names the mechanism: data,
        divergence, half precision, a logarithm of zero, a root at zero.

    Why it is bad
        One NaN in the weights makes every output NaN from then on; nothing after it means anything.

    Evidence and threshold
        An exact test, from the first step on: one record is an error. Where loss scaling skips such steps in
        half precision and training went on, it is information, or a warning if more than a tenth of the
        records are hit.
        The mechanism: real values that are not finite, then growth of gradients or scores tenfold within the
        200 steps before (divergence), float16, a logarithm behind a sigmoid, a penalty with a root.
        Confidence that the named mechanism is right: 0.98 data, 0.9 divergence, 0.85 half precision, 0.75 the
        others, 0.6 unknown.

    What else it could be
        A driver or hardware fault: the same step is finite on another device. The growth before the end tells
        divergence from a single bad operation.

    Remedies
        By mechanism: an epsilon under the root, logits with the fused loss, float32 for losses and penalties,
        lower learning rates or a constraint, clean data. Symptomatic: restore a checkpoint, at most three
        times.

    References
        keras-io issue 910; pytorch issue 2534; gigagan-pytorch issue 60; lightweight-gan pull request 91;
        Micikevicius et al. (2018), loss scaling.
    """

    code = "EQ308"
    name = "non-finite"
    kinds = ("passive",)
    stage = "numerics"
    signals = (
        "finite",
        "sample.real.mean",
        "gradient.generator",
        "gradient.discriminator",
        "score.real.mean",
        "score.fake.mean",
        "penalty.applied",
    )
    facts = ("precision", "objective.clamped", "discriminator.output_activation")
    explains = (
        "vanishing-generator-gradient",
        "perfect-discriminator",
        "uninformative-discriminator",
        "constant-discriminator",
        "mode-collapse",
        "batch-blindness",
        "z-ignored",
        "instability",
        "oscillation",
        "late-collapse",
        "dead-or-saturated",
        "discriminator-overfitting",
    )
    remedies = tuple(dict.fromkeys(remedy for remedies in _REMEDIES.values() for remedy in remedies))

    def run(self, observations: Observations) -> Finding | None:
        series = observations.series("finite").finite()
        bad = series.values == 0
        if not bad.any():
            return None
        first = float(series.steps[bad][0])
        recovered = bool((series.values[series.steps > first] == 1).any()) and not bool(bad[-1])
        share = float(bad.mean())
        half = observations.fact("precision") == "float16"
        severity: Severity = "error"
        if half and recovered:
            severity = "warning" if share > 0.1 else "info"
        growth = self._growth(observations, first)
        mechanism, sure = self._mechanism(observations, first, growth)
        evidence = [
            Measurement(
                "finite",
                share,
                0.0,
                "above",
                "exact",
                f"share of {len(series)} records with a value that is not finite, first at step {first:.0f}",
            )
        ]
        if growth is not None:
            evidence.append(growth)
        later = (
            " Training went on: loss scaling skips such steps."
            if half and recovered
            else " Later records are finite again."
            if recovered
            else ""
        )
        return self.finding(
            severity,
            sure,
            f"A value became NaN or infinite at step {first:.0f}: {_WORDS[mechanism]}.{later}",
            evidence=tuple(evidence),
            because=self._because(observations, first, mechanism, growth),
            since=int(first),
            remedies=_REMEDIES[mechanism],
            explains=() if severity != "error" else None,
            details={"mechanism": mechanism},
        )

    def _mechanism(
        self, observations: Observations, first: float, growth: Measurement | None
    ) -> tuple[str, float]:
        data = observations.series("sample.real.mean")
        if len(data) and bool((~np.isfinite(data.until(first).values)).any()):
            return "data", 0.98
        if growth is not None and growth.value > GROWTH:
            return "divergence", 0.9
        if observations.fact("precision") == "float16":
            return "half-precision", 0.85
        activation = observations.fact("discriminator.output_activation")
        if activation == "sigmoid" and observations.fact("objective.clamped") is None:
            return "logarithm", 0.75
        if observations.series("penalty.applied").largest() > 0:
            return "root", 0.75
        return "unknown", 0.6

    @staticmethod
    def _growth(observations: Observations, first: float) -> Measurement | None:
        """The signal that grew most in the steps before the first bad value, over its level before those."""
        most = None
        for name in _GROWING:
            series = observations.series(name).finite()
            before = np.abs(series.until(first).values)
            late = np.abs(series.since(first - BEFORE).until(first).values)
            late = late if len(late) >= 3 else before[-3:]
            if len(before) < 4 or len(late) == 0:
                continue
            usual = float(np.median(before[: max(2, len(before) - len(late))]))
            small = SMALL_GRADIENT if name.startswith("gradient") else SMALL_SCORE
            if usual <= 0 or late.max() < small:
                continue
            factor = float(late.max()) / usual
            if math.isfinite(factor) and (most is None or factor > most.value):
                most = Measurement(
                    name,
                    factor,
                    GROWTH,
                    "above",
                    "pytorch issue 2534: none before a single bad operation",
                    "largest size in the 200 steps before, over its usual size",
                )
        return most

    def _because(
        self, observations: Observations, first: float, mechanism: str, growth: Measurement | None
    ) -> tuple[Alternative, ...]:
        alternatives = []
        watched = any(len(observations.series(name).finite().until(first)) >= 4 for name in _GROWING)
        if mechanism != "divergence":
            alternatives.append(
                Alternative(
                    "divergence",
                    "ruled out" if watched else "open",
                    f"{growth.name} grew {growth.value:.2g} times at most before it."
                    if growth is not None
                    else "No gradient and no score had become large before it."
                    if watched
                    else "Too few finite records came before it.",
                )
            )
        if mechanism != "half-precision":
            precision = observations.fact("precision")
            alternatives.append(
                Alternative(
                    "overflow in half precision",
                    "open" if precision in (None, "float16") else "ruled out",
                    f"Scores are {precision}." if precision else "The precision is not known.",
                )
            )
        if mechanism not in ("root", "divergence"):
            applied = observations.series("penalty.applied").largest() > 0
            alternatives.append(
                Alternative(
                    "a root at zero in a gradient penalty",
                    "open" if applied else "ruled out",
                    "A gradient penalty is applied." if applied else "No gradient penalty was seen.",
                )
            )
        alternatives.append(
            Alternative(
                "a fault of the device or its driver",
                "open",
                "Repeat the step from a checkpoint on another device.",
            )
        )
        return tuple(alternatives)
