"""EQ006: the adversarial gradient never reaches the generator."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

SOURCE = "exact: a gradient that is absent or exactly zero"
HALF_PRECISION = ("float16",)
LEAST_RECORDS = 20
LEAST_UPDATES = 40
SURE_ROLES = 0.95


@CHECKS.register("generator-graph-cut")
class GeneratorGraphCut(Check):
    """The generator's step runs, but no adversarial gradient arrives at the generator.

    What it does
        Watches whether the generator's step brings any gradient of its adversarial loss back to its samples
        and parameters. If the loss does have a slope at the scores, yet nothing arrives, the graph between
        the discriminator and the generator is cut: a `detach()`, a `no_grad`, a conversion through NumPy or
        integers.

    Why it is bad
        The generator is trained by its other loss terms only, or not at all, while both adversarial losses
        go on being printed and change because the discriminator learns.

    Evidence and threshold
        The fact `generator.graph_cut` (the generator's step ran and gave it no adversarial gradient at
        all): an exact test, error. It is not reported where the loss itself has no slope
        (`slope.generator.zero` is one: the loss is saturated) or the discriminator is exactly flat
        (`discriminator.slope` is zero). Or: after 40 generator updates the discriminator has had 20 records
        of fakes, the generator does get gradients, and none was ever seen to come from the discriminator:
        warning. It gets none at all, and what the discriminator scores in its step are not its samples (the
        reals): error.

    What else it could be
        - A loss clamped or saturated to a zero slope: told by `slope.generator.zero`.
        - A dead discriminator, exactly flat at the fakes: told by `discriminator.slope`.
        - Underflow in half precision: only a warning there; run one step in float32 to tell.
        - Feature matching: the generator is trained by the discriminator's features, and no loss of the score
          is meant for it.
        - A frozen generator: it receives a gradient and does not move; that is `frozen-network`.

    Remedies
        Remove the `detach()` or `no_grad` from the generator's step; keep it in the discriminator's. Then
        start again.

    References
        - https://github.com/nikhilsinghmus/image2reverb/issues/37 (detach in the generator's step)
        - https://github.com/wangle53/CSA-CDGAN/issues/5
        - https://github.com/samet-akcay/skip-ganomaly/issues/5
    """

    code = "EQ006"
    name = "generator-graph-cut"
    kinds = ("preflight", "passive")
    signals = (
        "slope.generator.zero",
        "slope.generator.size",
        "discriminator.slope",
        "gradient.generator",
        "gradient.samples",
        "score.fake.mean",
        "score.generator.mean",
    )
    facts = (
        "generator.graph_cut",
        "generator.feature_matching",
        "generator.judges_others",
        "precision",
        "objective.composite",
        "roles.decided",
    )
    stage = "wiring"
    explains = (*SYMPTOMS, "frozen-network", "z-ignored", "condition-ignored", "discriminator-overfitting")
    remedies = (
        Remedy(
            "reconnect-generator",
            "Score the generator's own output in its step: remove `detach()`, `no_grad` and conversions "
            "between the "
            "generator and the discriminator there; then start the run again.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        if observations.fact("generator.graph_cut") is not True:
            return self._never_reached(observations)
        zero_share = observations.last("slope.generator.zero")
        slope = observations.last("slope.generator.size")
        steepness = observations.last("discriminator.slope")
        if zero_share == 1.0 or slope == 0.0 or steepness == 0.0:
            return None
        arrived = observations.last("gradient.samples")
        other = observations.last("gradient.generator")
        composite = other > 0
        half = observations.fact("precision") in HALF_PRECISION
        known = math.isfinite(slope)
        message = "The generator's step brings no adversarial gradient back to the generator"
        message += f", though its loss has a slope of {slope:.3g} at the scores" if known else ""
        message += (
            f". Its parameters do get a gradient (norm {other:.3g}), from other loss terms only."
            if composite
            else "."
        )
        return self.finding(
            "warning" if half else "error",
            0.8 if half else 0.97,
            message,
            evidence=(
                Measurement(
                    "generator.graph_cut", 1.0, 1.0, "equal to", SOURCE, "1: no adversarial gradient arrived"
                ),
                Measurement(
                    "gradient.samples",
                    arrived if math.isfinite(arrived) else 0.0,
                    0.0,
                    "equal to",
                    SOURCE,
                    "adversarial gradient at the fakes",
                ),
                *(
                    (Measurement("slope.generator.size", slope, meaning="slope of its loss at the scores"),)
                    * known
                ),
            ),
            because=(
                Alternative(
                    "a saturated or clamped loss",
                    "ruled out" if known else "open",
                    f"its slope at the scores is {slope:.3g}, not zero"
                    if known
                    else "no score of the generator's step was seen; the probe gradient-anatomy tells",
                ),
                Alternative(
                    "a discriminator that is exactly flat at the fakes",
                    "ruled out" if math.isfinite(steepness) else "open",
                    f"its slope there is {steepness:.3g} score per sample unit"
                    if math.isfinite(steepness)
                    else "the probe gradient-anatomy measures its slope",
                ),
                Alternative(
                    "underflow in half precision",
                    "open" if half else "ruled out",
                    "run one step in float32" if half else "the scores are not in float16",
                ),
            ),
            since=0,
        )

    def _never_reached(self, observations: Observations) -> Finding | None:
        """Both players learn, the discriminator from fakes; none of its gradient met the generator."""
        seen = len(observations.series("score.fake.mean").finite())
        reached = len(observations.series("gradient.samples")) + len(
            observations.series("score.generator.mean")
        )
        updates = observations.updates.get("generator", 0)
        other = observations.series("gradient.generator").median()
        others = observations.fact("generator.judges_others") is True
        if (reached and not others) or seen < LEAST_RECORDS or updates < LEAST_UPDATES:
            return None
        if observations.fact("generator.feature_matching") is True:
            return None
        others = observations.fact("generator.judges_others") is True
        alone = not other > 0
        if alone and not others:
            return None
        if not others and float(observations.fact("roles.decided") or 0.0) < SURE_ROLES:
            return None
        return self.finding(
            "error" if alone else "warning",
            0.95 if alone else 0.85,
            f"The generator has had {updates} updates, and in none of those seen did a gradient of the "
            "discriminator reach it. "
            + (
                "It gets no gradient at all."
                if alone
                else f"Its parameters do get a gradient (norm {other:.3g}), from other loss terms only."
            )
            + (" What the discriminator scores in its step are not its samples." if others else ""),
            evidence=(
                Measurement(
                    "gradient.samples",
                    0.0,
                    1.0,
                    "below",
                    SOURCE,
                    f"records of a gradient at the fakes, against {seen} of fakes in the other's step",
                ),
                *(
                    (Measurement("gradient.generator", other, meaning="norm of the generator's gradient"),)
                    * (not alone)
                ),
            ),
            because=(
                Alternative(
                    "a phase without the adversarial term",
                    "unlikely",
                    "the discriminator is trained on fakes in the same steps",
                ),
                Alternative(
                    "a generator that is trained against another discriminator (a copy)",
                    "open",
                    "watch the discriminator that its loss uses",
                ),
            ),
            since=0,
        )
