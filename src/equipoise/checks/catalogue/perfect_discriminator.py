"""EQ102: the discriminator has won, and it does not help the generator any more."""

from __future__ import annotations

import math

from equipoise.checks.anatomy import ALL_ZERO, ANATOMY_FACTS, ANATOMY_PROBES, ANATOMY_SIGNALS, anatomy
from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above, at_least, below
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.samples import (
    DISTANCE_SIGNALS,
    IMPROVEMENT_SIGNALS,
    distance_from_reals,
    improvement,
)
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# survey and B4: perfect is AUC and both accuracies above these for 200 steps.
PERFECT_AUC = 0.999
PERFECT_ACCURACY = 0.99
PERFECT_STEPS = 200
# survey: below 1 % of its largest value the gradient at the fakes no longer teaches.
DEAD_GRADIENT = 0.01
# A living gradient gets this many warm-ups before "no progress" counts: healthy runs start with AUC 1 too
# (trial of the role inference, design notes). Calibrated.
PATIENCE = 4.0
# Share of the non-adversarial gradient from which a loop counts as composite (an L1 or feature term leads).
COMPOSITE = 0.05
# survey: a one-number classifier that is this good explains the victory.
TRIVIAL_AUC = 0.95
# BigGAN (2019), section 4.2: 98 % on training and 50 to 55 % on held-out reals is memorising.
MEMORISED = 0.6


@CHECKS.register("perfect-discriminator")
class PerfectDiscriminator(Check):
    """The discriminator tells every fake from every real, and the generator gets nothing out of it.

    What it does
        Looks for a discriminator that separates the players without error for 200 steps and asks two more
        questions: does its gradient still reach the fakes, and do the samples still get better?

    Why it is bad
        On supports that do not overlap a perfect discriminator exists and is flat on both (its gradient is
        zero), so that the better it gets, the less the generator learns. A discriminator that separates and
        still has slope, as under R1 or a gradient penalty, is no fault.

    Evidence and threshold
        AUC above 0.999 and, where the family has a boundary, accuracy above 0.99 on both for 200 steps after
        the warm-up. With that
        an error: the gradient at the fakes is below 1 % of its largest, or zero, or lost in a saturated loss,
        and the samples do not improve;
        a warning: the gradient lives, but the fakes are far from the reals and have not improved over the
        last three tenths of the run (not before four warm-ups of the generator's own updates, whatever the
        critic's, and not in composite losses);
        information: anything else, as nothing is wrong yet.
        A loss near zero is never evidence. Confidence: 0.6 (0.75 for an error) at the threshold, towards 0.95
        with how long it has lasted.

    What else it could be
        A normal early phase, a composite loss with a strong discriminator, a relativistic or regularised one:
        the gradient lives and the samples improve. A give-away in the data: one number alone separates
        (`range-mismatch`, `quantized-reals`). Memorised reals: held-out reals are taken for fakes
        (`discriminator-overfitting`). A saturating loss: the gradient dies at the loss, then
        `vanishing-generator-gradient` comes first.

    Remedies
        Root: a divergence that keeps its gradient on disjoint supports (R1 and R2, Wasserstein with gradient
        penalty), or supports that overlap (instance noise), spectral normalisation. Symptomatic: smoothed or
        noisy labels, fewer discriminator steps, a slower discriminator.

    References
        Arjovsky & Bottou (2017), theorems 2.1 to 2.4 and 3.2; Mescheder et al. (2018);
        Sonderby et al. (2017), section 3; Roth et al. (2017).
    """

    code = "EQ102"
    name = "perfect-discriminator"
    kinds = ("passive", "probe")
    stage = "supply"
    signals = tuple(
        dict.fromkeys(
            (
                *ANATOMY_SIGNALS,
                *IMPROVEMENT_SIGNALS,
                *DISTANCE_SIGNALS,
                "score.auc",
                "score.accuracy.real",
                "score.accuracy.fake",
                "gradient.samples.relative",
                "gradient.samples.zero",
            )
        )
    )
    facts = (*ANATOMY_FACTS, "objective.composite", "generator.graph_cut")
    probes = (*ANATOMY_PROBES, "one-feature", "memorisation")
    explains = ("vanishing-generator-gradient", "mode-collapse", "batch-blindness")
    remedies = (
        *root("r1-penalty", "wasserstein-gradient-penalty", "instance-noise", "spectral-normalisation"),
        *symptomatic("one-sided-label-smoothing", "noisy-labels", "fewer-discriminator-steps"),
        *symptomatic("lower-discriminator-learning-rate"),
    )

    def run(self, observations: Observations) -> Finding | None:
        if not observations.warmed_up:
            return None
        won = sustained(observations, "score.auc", above(PERFECT_AUC), steps=PERFECT_STEPS)
        accuracies = [
            latest(observations, f"score.accuracy.{side}", PERFECT_STEPS).median()
            for side in ("real", "fake")
        ]
        if won is None or any(accuracy <= PERFECT_ACCURACY for accuracy in accuracies):
            return None
        evidence = [
            Measurement(
                "score.auc",
                won.value,
                PERFECT_AUC,
                "above",
                "survey of reported failures",
                f"how well the discriminator tells the players apart, for {won.steps:.0f} steps",
            )
        ]
        evidence += [
            Measurement(
                f"score.accuracy.{side}",
                accuracy,
                PERFECT_ACCURACY,
                "above",
                "survey of reported failures",
                f"{side}s",
            )
            for side, accuracy in zip(("real", "fake"), accuracies, strict=True)
            if math.isfinite(accuracy)
        ]
        dead = self._dead_gradient(observations)
        better = improvement(observations)
        far = distance_from_reals(observations)
        share = observations.fact("objective.composite")
        composite = isinstance(share, (int, float)) and share > COMPOSITE
        age = observations.step if observations.starved else observations.generator_age()
        patient = age >= PATIENCE * observations.warm_up
        severity: Severity = "info"
        if dead and not better:
            severity = "error"
            words = f"and the gradient that the fakes get from it is dead ({dead[0].meaning})"
        elif far and patient and not better and not composite:
            severity = "warning"
            words = (
                f"and although its gradient lives the samples have stopped improving, far from the reals "
                f"({far[0].meaning}: {far[0].value:.3g})"
            )
        elif better:
            words = f"but the samples still improve ({better[0].meaning}), so nothing is wrong yet"
        elif composite:
            words = "but another loss term leads the generator, so that is no fault by itself"
        else:
            words = "but its gradient still reaches the generator, so that is no fault by itself"
        return self.finding(
            severity,
            confidence(
                0.75 if severity == "error" else 0.6, 0.95, math.log2(max(1.0, won.steps / PERFECT_STEPS))
            ),
            f"The discriminator has told every fake from every real for {won.steps:.0f} steps "
            f"(AUC {won.value:.4f}), {words}.",
            evidence=(*evidence, *dead, *far, *better),
            because=self._because(observations, bool(dead), bool(better), composite),
            since=won.since,
            explains=self._explained(observations),
            details={"gradient": "dead" if dead else "alive", "improving": bool(better)},
        )

    def _dead_gradient(self, observations: Observations) -> tuple[Measurement, ...]:
        """What shows that the gradient from the discriminator is dead; empty while it lives."""
        if observations.fact("generator.graph_cut"):
            return ()
        found = []
        held = sustained(observations, "gradient.samples.relative", below(DEAD_GRADIENT))
        if held:
            found.append(
                Measurement(
                    "gradient.samples.relative",
                    held.value,
                    DEAD_GRADIENT,
                    "below",
                    "survey of reported failures",
                    f"{held.value:.2g} of its largest",
                )
            )
        held = sustained(observations, "gradient.samples.zero", at_least(ALL_ZERO))
        if held:
            found.append(
                Measurement(
                    "gradient.samples.zero",
                    held.value,
                    ALL_ZERO,
                    "at least",
                    "exact zeros",
                    f"exactly zero at {held.value:.0%} of the fakes",
                )
            )
        ways = anatomy(observations)
        if ways.saturating and ways.loss.dead and ways.loss.evidence:
            first = ways.loss.evidence[0]
            found.append(
                Measurement(
                    first.name,
                    first.value,
                    first.threshold,
                    first.comparison,
                    first.source,
                    f"the loss saturates: {ways.loss.words}",
                )
            )
        return tuple(found)

    def _explained(self, observations: Observations) -> tuple[str, ...]:
        ways = anatomy(observations)
        station = ways.first_dead
        if station is not None and station.name != "discriminator":
            return ("mode-collapse", "batch-blindness")
        return self.explains

    def _because(
        self, observations: Observations, dead: bool, better: bool, composite: bool
    ) -> tuple[Alternative, ...]:
        alternatives = [
            Alternative(
                "a normal phase in which the discriminator leads and the generator follows",
                "open" if better or not dead else "ruled out",
                "The samples still improve."
                if better
                else "The samples do not improve and the gradient at the fakes is dead."
                if dead
                else "The gradient lives; see whether the samples improve over the next steps.",
            ),
            Alternative(
                "a composite loss, where a strong discriminator is normal",
                "open" if composite else "ruled out",
                "Share of the generator's gradient that is not adversarial: "
                f"{observations.fact('objective.composite', 0.0)}.",
            ),
        ]
        trivial = observations.probe("one-feature")
        if trivial is None or math.isnan(trivial["auc"]):
            alternatives.append(
                Alternative(
                    "a give-away in the data (range, lattice)", "open", "The probe one-feature would tell."
                )
            )
        else:
            gives_away = trivial["auc"] > TRIVIAL_AUC
            alternatives.append(
                Alternative(
                    "a give-away in the data (range, lattice)",
                    "open" if gives_away else "ruled out",
                    f"The best single number separates with AUC {trivial['auc']:.3f}"
                    + ("; see range-mismatch and quantized-reals." if gives_away else "."),
                )
            )
        memory = observations.probe("memorisation")
        if memory is None or math.isnan(memory["accuracy.unseen"]):
            alternatives.append(
                Alternative(
                    "the discriminator knows its training reals by heart",
                    "open",
                    "The probe memorisation with held-out reals would tell.",
                )
            )
        else:
            unseen = memory["accuracy.unseen"]
            alternatives.append(
                Alternative(
                    "the discriminator knows its training reals by heart",
                    "open" if unseen < MEMORISED else "ruled out",
                    f"It takes {unseen:.0%} of held-out reals for real"
                    + ("; see discriminator-overfitting." if unseen < MEMORISED else "."),
                )
            )
        return tuple(alternatives)

    def undecided(self, observations: Observations) -> str | None:
        if observations.source != "log" or len(observations.series("score.auc")):
            return None
        real = latest(observations, "score.real.mean", PERFECT_STEPS).median()
        fake = latest(observations, "score.fake.mean", PERFECT_STEPS).median()
        # A log gives mean probabilities at best: no AUC and no gradient, hence no verdict.
        if 0 <= fake < 1 - PERFECT_ACCURACY and PERFECT_ACCURACY < real <= 1:
            return (
                f"The log shows D(x) = {real:.4f} and D(G(z)) = {fake:.2g}: the discriminator has won, but "
                "whether that hurts depends on the generator's gradient, which a log does not hold; "
                "equipoise.watch would tell."
            )
        return None
