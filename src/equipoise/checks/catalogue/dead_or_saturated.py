"""EQ309: units that never answer, or outputs pressed against their bounds."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.symptoms import DIVERSITY
from equipoise.checks.trends import latest
from equipoise.checks.windows import Sustained, confidence, sustained
from equipoise.history.observations import Observations

# AutoTrainer (ICSE 2021) and DeepDiagnosis (ICSE 2022): 70 % dead; SageMaker Debugger already speaks at
# 50 %, which small healthy networks with ReLU reach in one layer.
DEAD = 0.7
NEARLY_ALL = 0.95
# survey: more than half of the values beyond 0.99 of the bounds, while less than a tenth of the
# reals are.
SATURATED = 0.5
REAL_SATURATED = 0.1
# The gradient at the fakes has fallen to this share of its largest (survey), or the fakes are
# alike (C33).
STARVED = 0.01
ALIKE = 0.5


@CHECKS.register("dead-or-saturated")
class DeadOrSaturated(Check):
    """Most units of a layer are zero for every sample, or most output values stick to their bounds.

    What it does
        Counts, layer by layer, the ReLU-like units that are zero for a whole batch in both networks, and the
        share of generated values beyond 0.99 of the output activation's bounds, against that of the reals.

    Why it is bad
        A unit that is zero for all samples has no gradient and does not come back. An output far in the flat
        part of a tanh or sigmoid passes next to no gradient to the layers before it.

    Evidence and threshold
        More than 70 % dead units in a layer (AutoTrainer, DeepDiagnosis) over 100 steps, or more than half of
        the generated values saturated while less than a tenth of the reals are: warning. An error for
        more than 95 % with a second signal: the gradient at the fakes below 1 % of its largest, or fakes
        that are alike. Confidence: 0.6 (0.8 for an error) towards 0.95 with the share.

    What else it could be
        Sparse activations, which differ from sample to sample: only units that are zero for the whole batch
        count. Data that are saturated themselves, such as black and white pictures: compared with the reals.
        LeakyReLU has no dead units.

    Remedies
        Root: LeakyReLU, a lower learning rate, a sound initialisation, normalised data. Symptomatic:
        clipping.

    References
        AutoTrainer (ICSE 2021); DeepDiagnosis (ICSE 2022); SageMaker Debugger, rules DeadRelu and
        SaturatedActivation; Lu et al. (2020), dying ReLU.
    """

    code = "EQ309"
    name = "dead-or-saturated"
    kinds = ("passive",)
    stage = "numerics"
    signals = (
        "activation.dead",
        "activation.dead.discriminator",
        "sample.fake.saturated",
        "sample.real.saturated",
        "gradient.samples.relative",
        "sample.distance.ratio",
    )
    facts = ("generator.output_activation",)
    explains = (
        "vanishing-generator-gradient",
        "mode-collapse",
        "batch-blindness",
        "constant-discriminator",
        "z-ignored",
        "perfect-discriminator",
    )
    remedies = (
        *root("leaky-activation", "lower-learning-rates", "initialise-weights", "normalise-data"),
        *symptomatic("clip-gradients"),
    )

    def run(self, observations: Observations) -> Finding | None:
        found: list[tuple[Measurement, Sustained]] = []
        for signal, player in (
            ("activation.dead", "generator"),
            ("activation.dead.discriminator", "discriminator"),
        ):
            held = sustained(observations, signal, above(DEAD))
            if held and held.value <= 1:
                found.append(
                    (
                        Measurement(
                            signal,
                            held.value,
                            DEAD,
                            "above",
                            "AutoTrainer (ICSE 2021), DeepDiagnosis (ICSE 2022)",
                            f"of the units in one layer of the {player} are zero for whole batches",
                        ),
                        held,
                    )
                )
        real = latest(observations, "sample.real.saturated").median()
        held = sustained(observations, "sample.fake.saturated", above(SATURATED))
        if held and real < REAL_SATURATED and observations.warmed_up and held.value <= 1:
            found.append(
                (
                    Measurement(
                        "sample.fake.saturated",
                        held.value,
                        SATURATED,
                        "above",
                        "survey of reported failures",
                        f"of the generated values stick to the bounds of the output, {real:.0%} of the "
                        "reals' do",
                    ),
                    held,
                )
            )
        if not found:
            return None
        worst = max(measurement.value for measurement, _ in found)
        second = self._second(observations)
        severity: Severity = "error" if worst > NEARLY_ALL and second else "warning"
        # Units that are left can carry diversity: only nearly all of a layer explains that there is none.
        explains = tuple(name for name in self.explains if worst > NEARLY_ALL or name not in DIVERSITY)
        return self.finding(
            severity,
            confidence(0.8 if severity == "error" else 0.6, 0.95, (worst - DEAD) / (1.001 - worst)),
            "; ".join(f"{m.value:.0%} {m.meaning}" for m, _ in found) + ".",
            evidence=(*(m for m, _ in found), *second),
            because=self._because(observations, found, real),
            since=min(held.since for _, held in found),
            explains=explains,
        )

    @staticmethod
    def _second(observations: Observations) -> tuple[Measurement, ...]:
        second = []
        relative = latest(observations, "gradient.samples.relative").median()
        if relative < STARVED:
            second.append(
                Measurement(
                    "gradient.samples.relative",
                    relative,
                    STARVED,
                    "below",
                    "survey of reported failures",
                    "gradient at the fakes over its largest",
                )
            )
        ratio = latest(observations, "sample.distance.ratio").median()
        if ratio < ALIKE and observations.warmed_up:
            second.append(
                Measurement(
                    "sample.distance.ratio",
                    ratio,
                    ALIKE,
                    "below",
                    "survey of reported failures",
                    "mean distance between two fakes over that between two reals",
                )
            )
        return tuple(second)

    def _because(
        self, observations: Observations, found: list[tuple[Measurement, Sustained]], real: float
    ) -> tuple[Alternative, ...]:
        names = {measurement.name for measurement, _ in found}
        alternatives = []
        if names & {"activation.dead", "activation.dead.discriminator"}:
            alternatives.append(
                Alternative(
                    "sparse activations that differ from sample to sample",
                    "ruled out",
                    "Only units that are zero for a whole batch were counted.",
                )
            )
        if "sample.fake.saturated" in names:
            alternatives.append(
                Alternative(
                    "data that lie at the bounds themselves",
                    "ruled out",
                    f"{real:.0%} of the real values do."
                    if math.isfinite(real)
                    else "The reals were not measured.",
                )
            )
            activation = observations.fact("generator.output_activation")
            alternatives.append(
                Alternative(
                    "data in another range than the output",
                    "open",
                    f"The output activation is {activation or 'not known'}; see range-mismatch.",
                )
            )
        return tuple(alternatives)
