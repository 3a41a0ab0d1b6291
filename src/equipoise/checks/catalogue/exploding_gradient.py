"""EQ307: gradients far above their own usual size."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement
from equipoise.checks.trends import latest
from equipoise.checks.windows import SUSTAINED_RECORDS, confidence
from equipoise.history.observations import Observations, Series

# ganhacks, section 10, and trainpulse: a norm above 100 is trouble; survey: and ten times its
# median.
LARGE = 100.0
FACTOR = 10.0
# Steps that replace this share of the weights (DeepDiagnosis, ICSE 2022).
LARGE_UPDATE = 0.1
# So large that it needs no second signal. Calibrated.
ENORMOUS = 1e4
WINDOW = 300
FEWEST_BEFORE = 5
# A hundred times the median is no phase of training; single batches of that kind hold corrupt samples.
OUTLIER = 100.0


@CHECKS.register("exploding-gradient")
class ExplodingGradient(Check):
    """A player's gradient has grown far beyond what is usual in this run.

    What it does
        Compares the norm of each player's gradient, as its optimizer sees it, with its own median before.

    Why it is bad
        One step with such a gradient can undo thousands; Adam's memory of it shrinks the steps that follow.

    Evidence and threshold
        At least 3 records of the last 300 steps (or 5 records) above 100 (ganhacks, trainpulse) and above
        ten times the median of all records before: warning. So are 3 records of the whole run above 100
        times its median, the last of them in its last quarter: outliers in the data. An error with a
        second signal: an update-to-weight ratio above 0.1 (DeepDiagnosis), or a median of those records
        above 10,000. Confidence: 0.65 (0.8 for an error) towards 0.95 by orders of magnitude beyond the
        factor.

    What else it could be
        A model whose gradients are always large: then they are not ten times their median. One bad batch: a
        single record. Loss scaling in mixed precision: norms are taken as the optimizer sees them. An
        unconstrained or racing critic explains it (`critic-unconstrained`, `critic-magnitude-race`).

    Remedies
        Root: lower learning rates, a constraint on the discriminator, a sound initialisation. Symptomatic:
        clipping by norm.

    References
        Pascanu et al. (2013); soumith/ganhacks, tip 10; AutoTrainer (ICSE 2021); DeepDiagnosis (ICSE 2022).
    """

    code = "EQ307"
    name = "exploding-gradient"
    kinds = ("passive",)
    stage = "numerics"
    signals = ("gradient.generator", "gradient.discriminator", "update.generator", "update.discriminator")
    facts = ("gradient.clipping", "precision")
    explains = (
        "non-finite",
        "instability",
        "late-collapse",
        "mode-collapse",
        "batch-blindness",
        "uninformative-discriminator",
        "dead-or-saturated",
    )
    remedies = (
        *root("lower-learning-rates", "r1-penalty", "spectral-normalisation", "initialise-weights"),
        *symptomatic("clip-gradients"),
    )

    def run(self, observations: Observations) -> Finding | None:
        evidence: list[Measurement] = []
        players, excess, since, error = [], 0.0, observations.step, False
        for player in ("generator", "discriminator"):
            series = observations.series(f"gradient.{player}").finite()
            recent = latest(observations, f"gradient.{player}", WINDOW)
            before = series.until(float(recent.steps[0]) - 1e-9) if len(recent) else series
            usual = before.median()
            if len(before) < FEWEST_BEFORE or not usual > 0:
                continue
            limit = max(LARGE, FACTOR * usual)
            beyond = recent.values > limit
            if int(beyond.sum()) < SUSTAINED_RECORDS:
                recent, usual, limit = self._outliers(series, observations)
                beyond = recent.values > limit
            if int(beyond.sum()) < SUSTAINED_RECORDS:
                continue
            size = float(np.median(recent.values[beyond]))
            players.append(player)
            excess = max(excess, math.log10(size / limit))
            since = min(since, int(recent.steps[beyond][0]))
            evidence.append(
                Measurement(
                    f"gradient.{player}",
                    size,
                    limit,
                    "above",
                    "ganhacks 10 and trainpulse (100); survey of reported failures (ten times the median)",
                    f"norm in {int(beyond.sum())} of the last {len(recent)} records; its median before "
                    f"was {usual:.3g}",
                )
            )
            update = latest(observations, f"update.{player}", WINDOW).largest()
            if update > LARGE_UPDATE and math.isfinite(update):
                error = True
                evidence.append(
                    Measurement(
                        f"update.{player}",
                        update,
                        LARGE_UPDATE,
                        "above",
                        "DeepDiagnosis (ICSE 2022)",
                        "largest change of the weights in one step over their size",
                    )
                )
            error = error or size > ENORMOUS
        if not players:
            return None
        first = evidence[0]
        return self.finding(
            "error" if error else "warning",
            confidence(0.8 if error else 0.65, 0.95, excess),
            f"The {' and the '.join(players)}'s gradient explodes: {first.value:.3g}, where "
            f"{first.meaning.split('; ')[1]}.",
            evidence=tuple(evidence),
            because=self._because(observations, players, first),
            since=since,
            details={"players": players, "enormous": first.value > ENORMOUS},
        )

    @staticmethod
    def _outliers(series: Series, observations: Observations) -> tuple[Series, float, float]:
        """Single records far out, again and again, up to the last quarter of the run: outliers in the data.

        The records of the whole run, their median and the limit; an empty series where it has ended.
        """
        usual = series.median()
        limit = max(LARGE, OUTLIER * usual)
        late = series.since(0.75 * observations.step)
        if not bool((late.values > limit).any()):
            return late.since(math.inf), usual, limit
        return series, usual, limit

    def _because(
        self, observations: Observations, players: list[str], first: Measurement
    ) -> tuple[Alternative, ...]:
        clipping = observations.fact("gradient.clipping")
        return (
            Alternative(
                "a model whose gradients are always this large",
                "ruled out",
                f"{first.value:.3g} is more than ten times its own median before.",
            ),
            Alternative("one bad batch", "ruled out", "At least three records show it."),
            Alternative(
                "gradients that are clipped after they are measured",
                "open" if clipping else "ruled out",
                f"A bound was seen: {clipping}." if clipping else "No bound on the gradients was seen.",
            ),
            Alternative(
                "loss scaling in half precision",
                "open" if observations.fact("precision") == "float16" else "ruled out",
                f"Scores are {observations.fact('precision', 'of unknown precision')}.",
            ),
        )
