"""EQ101: the generator's gradient dies on its way back, and at which station."""

from __future__ import annotations

import math

from equipoise.checks.anatomy import (
    ALL_ZERO,
    ANATOMY_FACTS,
    ANATOMY_PROBES,
    ANATOMY_SIGNALS,
    Anatomy,
    Station,
    anatomy,
)
from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import at_least, at_most, below
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.samples import IMPROVEMENT_SIGNALS, improvement
from equipoise.checks.trends import latest
from equipoise.checks.windows import Sustained, confidence, sustained
from equipoise.history.observations import Observations

# survey and B4: below a thousandth of its own largest value the generator starves.
STARVED = 1e-3
# SageMaker Debugger, VanishingGradient; DeepDiagnosis (ICSE 2022).
VANISHED_MEAN = 1e-7
# Below this AUC the discriminator hardly tells the players apart, and a small gradient is what an equilibrium
# looks like (healthy logistic GANs of the survey of reported failures: AUC 0.6 to 0.95). Calibrated.
SEPARATED = 0.75
# Above it the discriminator has won; a second, independent signal.
WON = 0.99

_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "loss": (
        *root("non-saturating-loss", "fused-logit-loss"),
        *symptomatic("one-sided-label-smoothing", "noisy-labels", "fewer-discriminator-steps"),
        *symptomatic("lower-discriminator-learning-rate"),
    ),
    "discriminator": (
        *root("r1-penalty", "wasserstein-gradient-penalty", "instance-noise", "spectral-normalisation"),
        *symptomatic("one-sided-label-smoothing", "noisy-labels", "fewer-discriminator-steps"),
        *symptomatic("lower-discriminator-learning-rate"),
    ),
    "generator": (
        *root("initialise-weights", "leaky-activation", "shorter-gradient-path"),
        *symptomatic("lower-discriminator-learning-rate"),
    ),
}
_TITLES = {
    "loss": "the loss saturates",
    "discriminator": "the discriminator is flat at the fakes",
    "generator": "the generator does not pass it on to its first layers",
}


@CHECKS.register("vanishing-generator-gradient")
class VanishingGeneratorGradient(Check):
    """The generator hardly gets a gradient any more, and this says where it is lost.

    What it does
        Follows dL_G/dtheta = dL/dlogit * dlogit/dx * dx/dtheta back: the loss, the discriminator at the
        fakes, the generator layer by layer. The first station at which it dies names the cause.

    Why it is bad
        A generator without a gradient stays as it is however long the training goes on. An optimizer that
        normalises, such as Adam, hides it: the steps keep their size, but follow rounding noise.

    Evidence and threshold
        One of these, over at least 100 steps and 3 records after the warm-up, while the discriminator tells
        the players apart (AUC above 0.75):
        the gradient at the fakes is below 1e-3 of its largest, or exactly zero at 99 % of them;
        the mean |dL_G/dtheta| is below 1e-7 (SageMaker Debugger, DeepDiagnosis);
        a saturating or clamped loss has lost its slope (below 2 % of that at the decision boundary).
        Or, whatever the AUC, the first layer gets below 1e-4 and below 1e-3 of the last (AutoTrainer).
        An error needs a second signal: an AUC above 0.99, or two of the above. It is information only while
        the samples improve. A loss near zero is never evidence.
        Confidence: 0.6 (0.75 for an error) at the threshold, towards 0.97 by orders of magnitude beyond it.

    What else it could be
        Convergence: then the discriminator cannot tell the players apart. A cut graph: the gradient would be
        exactly zero with a steep discriminator (`generator-graph-cut`). Underflow in half precision: slopes
        of zero with scores that are not saturated. Other loss terms do not count, only the adversarial part.

    Remedies
        By station. Loss: the non-saturating loss and the fused logit loss are root cures. Flat discriminator:
        R1, Wasserstein with gradient penalty, instance noise and spectral normalisation are root cures.
        Generator: initialisation, activations that pass a gradient, shorter paths. Smoothed or noisy labels,
        fewer discriminator steps and a slower discriminator only delay it.

    References
        Goodfellow et al. (2014), section 3; Arjovsky & Bottou (2017), theorems 2.1, 2.4 and section 2.2.1;
        Mescheder et al. (2018); AutoTrainer (ICSE 2021); SageMaker Debugger, rule VanishingGradient.
    """

    code = "EQ101"
    name = "vanishing-generator-gradient"
    kinds = ("passive", "probe")
    stage = "supply"
    signals = (
        *ANATOMY_SIGNALS,
        *IMPROVEMENT_SIGNALS,
        "gradient.samples.relative",
        "gradient.samples.zero",
        "gradient.generator.mean",
        "score.auc",
    )
    facts = (*ANATOMY_FACTS, "generator.graph_cut", "precision")
    probes = ANATOMY_PROBES
    explains = ("mode-collapse", "batch-blindness", "perfect-discriminator")
    remedies = tuple(dict.fromkeys(remedy for remedies in _REMEDIES.values() for remedy in remedies))

    def run(self, observations: Observations) -> Finding | None:
        if not observations.warmed_up or observations.fact("generator.graph_cut"):
            return None
        ways = anatomy(observations)
        auc = latest(observations, "score.auc").median()
        signs = self._signs(observations, ways)
        at_equilibrium = auc <= SEPARATED
        if at_equilibrium:
            signs = {name: sign for name, sign in signs.items() if name == "gradient.generator.layers"}
        station = ways.first_dead or ways.weakest
        if not signs or station is None:
            return None
        better = improvement(observations)
        second = auc > WON or len(signs) > 1
        severity: Severity = "info" if better else "error" if second else "warning"
        evidence = [sign[0] for sign in signs.values()]
        known = {measurement.name for measurement in evidence}
        evidence += [m for s in ways.stations for m in s.evidence if m.name not in known]
        if math.isfinite(auc):
            evidence.append(
                Measurement(
                    "score.auc",
                    auc,
                    SEPARATED,
                    "above",
                    "survey of reported failures, healthy band",
                    "how well the discriminator tells the players apart",
                )
            )
        since = min((sign[1].since for sign in signs.values() if sign[1]), default=None)
        excess = max((sign[2] for sign in signs.values()), default=0.0)
        return self.finding(
            severity,
            confidence(0.75 if severity == "error" else 0.6, 0.97, excess),
            self._message(ways, station, observations),
            evidence=tuple(evidence),
            because=self._because(observations, ways, station, auc, better),
            since=since,
            remedies=self._remedies(ways, station),
            # A flat discriminator is what a perfect one is; a loss that saturates or a generator that blocks
            # lets the discriminator win.
            explains=("mode-collapse", "batch-blindness")
            if station.name == "discriminator"
            else self.explains,
            details={
                "station": station.name,
                "shares": {s.name: s.share if math.isfinite(s.share) else None for s in ways.stations},
            },
        )

    def _signs(
        self, observations: Observations, ways: Anatomy
    ) -> dict[str, tuple[Measurement, Sustained | None, float]]:
        """Each sign of a dead gradient: its measurement, since when, and how far beyond its threshold."""
        signs: dict[str, tuple[Measurement, Sustained | None, float]] = {}
        for name, limit, source, meaning in (
            (
                "gradient.samples.relative",
                STARVED,
                "survey of reported failures",
                "|dL_G/dx| over its largest value",
            ),
            (
                "gradient.generator.mean",
                VANISHED_MEAN,
                "SageMaker Debugger; DeepDiagnosis (ICSE 2022)",
                "mean |dL_G/dtheta|",
            ),
        ):
            held = sustained(observations, name, below(limit))
            if held:
                measurement = Measurement(name, held.value, limit, "below", source, meaning)
                signs[name] = (measurement, held, math.log10(limit / held.value) if held.value > 0 else 6.0)
        held = sustained(observations, "gradient.samples.zero", at_least(ALL_ZERO))
        if held:
            measurement = Measurement(
                "gradient.samples.zero",
                held.value,
                ALL_ZERO,
                "at least",
                "exact zeros",
                "fakes without gradient",
            )
            signs["gradient.samples.zero"] = (measurement, held, 6.0)
        if ways.saturating and ways.loss.dead and ways.loss.evidence:
            threshold = ways.loss.evidence[0].threshold or 0.0
            held = sustained(observations, "slope.generator.size", at_most(threshold))
            if held:
                excess = -math.log10(ways.loss.share) if ways.loss.share > 0 else 6.0
                signs["slope.generator.size"] = (ways.loss.evidence[0], held, excess)
        if ways.generator.dead and any(
            m.name == "gradient.generator.layers" for m in ways.generator.evidence
        ):
            layers = next(m for m in ways.generator.evidence if m.name == "gradient.generator.layers")
            share = ways.generator.share
            if layers.value < (layers.threshold or 0.0) and len(latest(observations, layers.name)) >= 3:
                signs[layers.name] = (layers, None, -math.log10(share) if share > 0 else 6.0)
        return signs

    def _message(self, ways: Anatomy, station: Station, observations: Observations) -> str:
        now = latest(observations, "gradient.samples.relative").median()
        size = f" (now {now:.2g} of its largest at the fakes)" if math.isfinite(now) else ""
        others = "; ".join(s.words for s in ways.stations if s is not station and math.isfinite(s.value))
        return (
            f"The generator's gradient has died{size}, first at this station: {_TITLES[station.name]}. "
            f"{station.words[0].upper()}{station.words[1:]}" + (f"; {others}." if others else ".")
        )

    def _remedies(self, ways: Anatomy, station: Station) -> tuple[Remedy, ...]:
        remedies = _REMEDIES[station.name]
        if station.name == "loss" and not ways.saturating:
            # The slope is gone though the family does not saturate: the gradient is lost in a clamp or a
            # sigmoid, and a discriminator that is kept smooth does not run into it.
            return (
                *root("fused-logit-loss", "r1-penalty"),
                *(r for r in remedies if r.cure == "symptomatic"),
            )
        return remedies

    def _because(
        self,
        observations: Observations,
        ways: Anatomy,
        station: Station,
        auc: float,
        better: list[Measurement],
    ) -> tuple[Alternative, ...]:
        alternatives = []
        if math.isfinite(auc):
            alternatives.append(
                Alternative(
                    "training has converged and the gradient is small because nothing is left to learn",
                    "ruled out" if auc > SEPARATED else "open",
                    f"The discriminator tells the players apart with AUC {auc:.3f}."
                    if auc > SEPARATED
                    else f"AUC is {auc:.3f}; the probe fresh-discriminator would tell.",
                )
            )
        else:
            alternatives.append(
                Alternative("training has converged", "open", "No scores were recorded; watch live for AUC.")
            )
        alternatives.append(
            Alternative(
                "the graph from the discriminator to the generator is cut",
                "ruled out" if observations.fact("generator.graph_cut") is False else "open",
                "The generator's step was seen to give it an adversarial gradient."
                if observations.fact("generator.graph_cut") is False
                else "Not recorded; the check generator-graph-cut decides it live.",
            )
        )
        for other in ways.stations:
            if other is not station and math.isfinite(other.share):
                alternatives.append(
                    Alternative(
                        _TITLES[other.name],
                        "unlikely" if other.dead else "ruled out",
                        f"That station keeps {other.share:.2%} of its reference"
                        + (", but it comes later on the way back." if other.dead else "."),
                    )
                )
        if observations.fact("precision") == "float16":
            alternatives.append(
                Alternative(
                    "underflow in half precision",
                    "open",
                    "Scores are float16; run one step in float32 and compare the gradients.",
                )
            )
        if better:
            alternatives.append(
                Alternative("the samples still improve", "open", f"{better[0].meaning.capitalize()}.")
            )
        return tuple(alternatives)
