"""EQ003: a loss that stands still at a constant which names what happened."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.fingerprints import FINGERPRINTS, Fingerprint
from equipoise.history.observations import Observations

LEAST_RECORDS = 20
LEAST_STEPS = 20
RELATIVE = 1e-3
LARGEST_STD = 1e-4
DEAD_SLOPE = 1e-6  # of a loss whose healthy slope is between 0.1 and 1
ZERO_SHARE = 0.5
SOURCE = "arithmetic; equal within 0.1 % over 20 records, standard deviation below 1e-4"
LOSSES = (
    "loss.discriminator",
    "loss.discriminator.real",
    "loss.discriminator.fake",
    "loss.generator",
    "loss.penalty",
)


@dataclass(frozen=True)
class _Hit:
    loss: str
    fingerprint: Fingerprint
    value: float
    since: int
    records: int


@CHECKS.register("loss-fingerprint")
class LossFingerprint(Check):
    """A loss stands still at a constant that identifies what happened.

    What it does
        Compares every loss over its last 20 records with a short table of constants: the clamps of a
        logarithm, ln 2, the floors of smoothed labels, the bounds of a hinge, the weight of a gradient
        penalty.

    Why it is bad
        By itself a constant is a hint, not a fault: ln 2 is also what the equilibrium looks like. At a clamp,
        however, the loss has no gradient, so nothing will ever move it again.

    Evidence and threshold
        The median of the last 20 records (over at least 20 steps) within 0.1 % of the constant, and a
        standard deviation below 1e-4. Info by itself, because no verdict may rest on a loss value alone.
        Warning with a second signal: at a clamp, a generator slope below 1e-6 or more than half of the
        slopes exactly zero; at a penalty's weight, a slope below 0.05 where the penalty was applied; in a
        log, another loss that stands at zero at the same time.

    What else it could be
        - Equilibrium, for ln 2: the probe fresh-discriminator tells whether anything is left to tell apart.
        - The first steps of a gradient penalty, when the critic is still flat: too short for 20 records.
        - A relativistic hinge at zero: normal, and not in the table.

    Remedies
        At a clamp, use a loss on logits that needs none. At a penalty's weight, look for a dead critic.

    References
        - https://github.com/POSTECH-CVLab/PyTorch-StudioGAN/issues/112 (13.82 = -ln 1e-6)
        - https://github.com/brade31919/SRGAN-tensorflow/issues/70 (27.631 = -ln 1e-12)
        - https://github.com/platonovsimeon/dcgan-facegenerator/issues/1 (16.118 = -ln 1e-7)
        - https://github.com/lucidrains/lightweight-gan/issues/92 (a penalty at its weight)
    """

    code = "EQ003"
    name = "loss-fingerprint"
    kinds = ("passive",)
    signals = (*LOSSES, "slope.generator.size", "slope.generator.zero", "penalty.gradient")
    facts = ()
    stage = "supply"
    explains = ("vanishing-generator-gradient",)
    remedies = (
        Remedy(
            "use-loss-on-logits",
            "Use a loss on logits (`binary_cross_entropy_with_logits`, softplus): it needs no clamp and "
            "keeps its "
            "gradient.",
            "root",
            "safe",
        ),
        Remedy(
            "larger-clamp",
            "Widen the clamp of the logarithm.",
            "symptomatic",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        hits = [hit for loss in LOSSES if (hit := _standing_at(observations, loss)) is not None]
        if not hits:
            return None
        hit = max(hits, key=lambda hit: hit.fingerprint.stuck)
        second = self._second_signal(observations, hit)
        others = "".join(
            f" So does `{other.loss}` ({other.value:.4g})." for other in hits if other is not hit
        )
        return self.finding(
            "warning" if second else "info",
            0.85 if second else 0.6,
            f"`{hit.loss}` stands at {hit.value:.4f} over {hit.records} records. "
            f"{hit.fingerprint.meaning}.{others}",
            evidence=(
                Measurement(
                    hit.loss, hit.value, hit.fingerprint.value, "equal to", SOURCE, hit.fingerprint.meaning
                ),
                *((second,) if second else ()),
            ),
            because=(
                ()
                if hit.fingerprint.stuck
                else (
                    Alternative(
                        "an equilibrium, at which the loss is the same",
                        "open",
                        "the probe fresh-discriminator tells whether reals and fakes can still be told apart",
                    ),
                )
            ),
            since=hit.since,
            remedies=self.remedies if hit.fingerprint.stuck else (),
            details={"constant": hit.fingerprint.value, "meaning": hit.fingerprint.meaning},
        )

    def _second_signal(self, observations: Observations, hit: _Hit) -> Measurement | None:
        if not hit.fingerprint.stuck:
            return None
        if hit.loss == "loss.penalty":
            slope = observations.series("penalty.gradient").since(hit.since).median()
            if slope < 0.05:
                return Measurement(
                    "penalty.gradient",
                    slope,
                    0.05,
                    "below",
                    "a working penalty holds it near 1",
                    "the critic is flat",
                )
            return None
        size = observations.series("slope.generator.size").since(hit.since).median()
        if size < DEAD_SLOPE:
            return Measurement(
                "slope.generator.size",
                size,
                DEAD_SLOPE,
                "below",
                "healthy slopes of these losses are 0.1 to 1",
                "the loss passes no gradient",
            )
        zero = observations.series("slope.generator.zero").since(hit.since).median()
        if zero > ZERO_SHARE:
            return Measurement(
                "slope.generator.zero",
                zero,
                ZERO_SHARE,
                "above",
                "a loss of logits has no zero slope",
                "share of fakes without gradient",
            )
        if observations.source == "log":
            for other in LOSSES:
                values = observations.series(other).since(hit.since).finite().values
                if (
                    other != hit.loss
                    and len(values) >= LEAST_RECORDS
                    and float(np.max(np.abs(values))) < 1e-3
                ):
                    return Measurement(
                        other,
                        float(np.median(values)),
                        1e-3,
                        "below",
                        "the other loss of a saturated game is zero",
                        "the other player's loss",
                    )
        return None


def _standing_at(observations: Observations, loss: str) -> _Hit | None:
    series = observations.series(loss).finite()
    if len(series) < LEAST_RECORDS:
        return None
    tail = series.since(float(series.steps[-LEAST_RECORDS]))
    value = tail.median()
    if tail.span < LEAST_STEPS or float(np.std(tail.values)) >= LARGEST_STD:
        return None
    for fingerprint in FINGERPRINTS:
        if loss in fingerprint.losses and math.isclose(value, fingerprint.value, rel_tol=RELATIVE):
            near = np.abs(series.values - fingerprint.value) <= RELATIVE * abs(fingerprint.value)
            broken = np.flatnonzero(~near)
            start = int(broken[-1]) + 1 if len(broken) else 0
            return _Hit(loss, fingerprint, value, int(series.steps[start]), len(series) - start)
    return None
