"""EQ304: a Wasserstein critic without a Lipschitz constraint."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.direction import agreed, sides
from equipoise.checks.finding import Alternative, Finding, Measurement
from equipoise.checks.trends import trend
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# A penalty every 16 steps (StyleGAN's lazy R1) shows in at least one of 20 random records with probability
# 1 - (15/16)^20 = 72 %, in one of 60 with 98 %: the second for an error.
FEWEST_RECORDS = 20
CERTAIN_RECORDS = 60
FEWEST_UPDATES = 100
# With fewer records the gap of the scores must prove by itself that the critic is steeper than any penalty or
# usual clip leaves it: f is L-Lipschitz, so |E f(x) - E f(y)| <= L times the diameter of all samples.
PROVEN_RECORDS, PROVEN_SLOPE = 8, 2.0
SLOPE_SOURCE = "exact: |E f(x) - E f(y)| <= L diameter; a penalty towards 1 leaves it near 1"
# Share of weight layers under spectral normalisation from which it bounds the network.
NORMALISED = 0.5
# Hinge has the same slopes as Wasserstein while all scores are inside its margin of 1.
MARGIN = 1.0
NEVER, BEYOND_RECORDS = 0.01, 3
# The gap of the mean scores against its level after the warm-up. Calibrated.
GROWTH = 3.0
UNBOUNDED = ("wasserstein",)


@CHECKS.register("critic-unconstrained")
class CriticUnconstrained(Check):
    """The loss needs a Lipschitz critic, and nothing makes it one.

    What it does
        Where the slopes of the loss are those of the Wasserstein family, looks for what bounds the critic's
        steepness: a penalty that is really applied (second passes through dD/dx), clipped weights, spectral
        normalisation.

    Why it is bad
        Without a bound the Wasserstein loss has no minimum: the critic scales itself up for ever, its scores
        mean nothing, and the generator's gradient grows with it.

    Evidence and threshold
        Wasserstein by the fitted slopes or by declaration; no second pass through dD/dx in any of at least 20
        records over 100 critic updates (of 8, where the gap of the mean scores is so large for samples in
        their range that the critic must be steeper than 2); no weights that touch a bound; spectral
        normalisation on less than half of the layers. Fitted slopes are the critic's own, and count only
        when scores beyond hinge's margin of 1, on the side that the loss asks for, keep their slope in 3
        records. Warning; an error if the gap of the scores has also grown threefold since the warm-up and
        there are 60 records, which would show a penalty applied every 16 steps with 98 %.
        Confidence: 0.7 (0.85 for an error) towards 0.97 with the number of records.

    What else it could be
        Hinge: as long as all scores are within its margin it has the same slopes; it needs no constraint. A
        lazy penalty: it would show in some of the records. A penalty whose interval is longer than the run
        never acts, which is this fault.

    Remedies
        Root: a gradient penalty, spectral normalisation, or clipped weights. Symptomatic: lower learning
        rates, which only slow it down.

    References
        Arjovsky et al. (2017), algorithm 1; Gulrajani et al. (2017); Miyato et al. (2018); torchgan pull
        request 42; stylegan2-pytorch issue 97.
    """

    code = "EQ304"
    name = "critic-unconstrained"
    kinds = ("passive",)
    stage = "wiring"
    signals = (
        "penalty.applied",
        "score.real.mean",
        "score.fake.mean",
        "score.output.low",
        "score.output.high",
        "slope.real.positive",
        "slope.real.zero",
        "slope.fake.zero",
        "sample.real.low",
        "sample.real.high",
        "sample.fake.low",
        "sample.fake.high",
    )
    facts = (
        "data.shape",
        "objective.declared",
        "objective.discriminator",
        "weight.clipping",
        "discriminator.spectral_norm",
    )
    explains = (
        "critic-magnitude-race",
        "exploding-gradient",
        "non-finite",
        "instability",
        "oscillation",
        "late-collapse",
        "mode-collapse",
        "batch-blindness",
        "perfect-discriminator",
        "vanishing-generator-gradient",
        "dead-or-saturated",
    )
    remedies = (
        *root("wasserstein-gradient-penalty", "spectral-normalisation", "weight-clipping"),
        *symptomatic("lower-learning-rates"),
    )

    def run(self, observations: Observations) -> Finding | None:
        declared = observations.fact("objective.declared")
        # The critic's own slopes: the generator's are alike under any hinge, relativistic ones too.
        fitted = observations.fact("objective.discriminator")
        if (declared or fitted) not in UNBOUNDED:
            return None
        penalty = observations.series("penalty.applied").finite()
        normalised = observations.fact("discriminator.spectral_norm", 0.0)
        clipping = observations.fact("weight.clipping")
        steepness = self._steepness(observations)
        proven = steepness is not None and steepness.value > PROVEN_SLOPE
        if (
            len(penalty) < (PROVEN_RECORDS if proven else FEWEST_RECORDS)
            or observations.updates.get("discriminator", 0) < FEWEST_UPDATES
            or penalty.largest() > 0
            or clipping is not None
            or normalised >= NORMALISED
        ):
            return None
        real, fake = (observations.series(f"score.{side}.mean").finite() for side in ("real", "fake"))
        if not declared and not self._beyond_the_margin(observations):
            return None
        growth = self._growth(observations)
        error = growth is not None and growth.value > GROWTH and len(penalty) >= CERTAIN_RECORDS
        source = "declared" if declared else "fitted to the slopes"
        return self.finding(
            "error" if error else "warning",
            confidence(0.85 if error else 0.7, 0.97, len(penalty) / FEWEST_RECORDS - 1),
            f"The loss is Wasserstein ({source}), but nothing bounds the critic: no gradient penalty in "
            f"{len(penalty)} records, no clipped weights, spectral normalisation on {normalised:.0%} of "
            "its layers"
            + (f"; the gap of its scores has grown {growth.value:.1f} times." if growth and error else "."),
            evidence=(
                Measurement(
                    "penalty.applied",
                    penalty.largest(),
                    0.0,
                    "equal to",
                    "Gulrajani et al. (2017): the loss needs a 1-Lipschitz critic",
                    f"most second passes through dD/dx in any of {len(penalty)} records",
                ),
                Measurement(
                    "discriminator.spectral_norm",
                    float(normalised),
                    NORMALISED,
                    "below",
                    "Miyato et al. (2018)",
                    "share of layers under spectral normalisation",
                ),
                *((growth,) if growth else ()),
                *((steepness,) if steepness and proven else ()),
            ),
            because=(
                Alternative(
                    "the hinge loss within its margin, which has the same slopes",
                    "ruled out",
                    "The family was declared."
                    if declared
                    else f"Scores of {real.last:.3g} and {fake.last:.3g} are beyond the margin and still "
                    "have slopes.",
                ),
                Alternative(
                    "a penalty applied every few steps",
                    "unlikely",
                    f"None of {len(penalty)} records shows one.",
                ),
                Alternative(
                    "weight clipping",
                    "ruled out",
                    "No bound was seen that the weights touch and never exceed.",
                ),
            ),
            since=int(penalty.steps[0]),
        )

    @staticmethod
    def _beyond_the_margin(observations: Observations) -> bool:
        """Whether scores keep their slope where hinge has none: beyond its margin, on the side it asks for.

        On the other side it keeps the slope, however far a weak discriminator's scores are there.
        """
        ends = [observations.series(f"score.output.{end}").finite() for end in ("low", "high")]
        if all(len(one) for one in ends) and max(-ends[0].smallest(), ends[1].largest()) <= MARGIN:
            return False  # behind a sigmoid or tanh the loss sees nothing beyond it, whatever the logits are
        way = agreed(sides(observations, "slope.real.positive"), 1)
        beyond = 0
        for role, side in (("real", way), ("fake", -way)):
            scores = observations.series(f"score.{role}.mean").finite()
            zeros = observations.series(f"slope.{role}.zero").finite()
            kept = zeros.steps[zeros.values < NEVER]
            beyond = max(beyond, int((side * scores.values[np.isin(scores.steps, kept)] > MARGIN).sum()))
        return beyond >= BEYOND_RECORDS

    @staticmethod
    def _steepness(observations: Observations) -> Measurement | None:
        """The least slope that a critic with such a gap of its mean scores can have."""
        shape = observations.fact("data.shape")
        names = [f"sample.{side}.{end}" for side in ("real", "fake") for end in ("low", "high")]
        bounds = [observations.series(name).finite() for name in names]
        real, fake = (observations.series(f"score.{side}.mean").finite() for side in ("real", "fake"))
        if not shape or not all(len(one) for one in (*bounds, real, fake)):
            return None
        extent = max(bounds[1].largest(), bounds[3].largest()) - min(
            bounds[0].smallest(), bounds[2].smallest()
        )
        diameter = extent * math.sqrt(math.prod(int(size) for size in shape))
        if not diameter > 0:
            return None
        return Measurement(
            "score.real.mean",
            abs(real.last - fake.last) / diameter,
            PROVEN_SLOPE,
            "above",
            SLOPE_SOURCE,
            "least slope of the critic: gap of the mean scores over the diameter of the samples' range",
        )

    @staticmethod
    def _growth(observations: Observations) -> Measurement | None:
        real = observations.series("score.real.mean").since(observations.warm_up).finite()
        fake = observations.series("score.fake.mean").since(observations.warm_up).finite()
        going_real, going_fake = trend(real), trend(fake)
        if going_real is None or going_fake is None:
            return None
        start = abs(going_real.start - going_fake.start)
        end = abs(going_real.end - going_fake.end)
        if start <= 0 or not math.isfinite(end / start):
            return None
        return Measurement(
            "score.real.mean",
            end / start,
            GROWTH,
            "above",
            "equipoise, benchmarks/failures",
            "growth of the gap between the mean scores since the warm-up",
        )
