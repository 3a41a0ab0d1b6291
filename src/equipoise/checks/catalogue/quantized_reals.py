"""EQ402: reals lie on a grid of values, fakes do not."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.samples import IMPROVEMENT_SIGNALS, improvement
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

REAL_SHARE = 0.99
FAKE_SHARE = 0.5
SEPARATED = 0.95
DROP = 0.1
LATTICE_FEATURE = 4  # position of the lattice share among the features of the probe
SOURCE = "ours: practically all reals and almost no fakes (KernelGAN issue 83 describes the effect)"
AUC = "ours: an AUC above 0.95 (benchmarks/failures)"
DROP_SOURCE = "ours: noise of one grid step lowers the AUC by more than 0.1"


@CHECKS.register("quantized-reals")
class QuantizedReals(Check):
    """The reals lie on a grid (8-bit values, integers, one decimal) and the fakes do not.

    What it does
        Finds the best grid for the reals' values, counts the fakes' values on it, and with the probe asks
        whether noise of one grid step takes the discriminator's advantage away. Where none of the usual grids
        (k/255, k/15, integers, 16 bits) holds the reals, the grid is the greatest common divisor of the gaps
        between their distinct values, if there are eight or more of these, at most 4,096 steps apart.

    Why it is bad
        A network that looks closely can tell a rounded value from one that is not, and then needs to know
        nothing else. In most image GANs this does not happen, because convolutions at this scale hardly see
        1/255; with integers in tables or coarse grids it does.

    Evidence and threshold
        More than 99 % of the reals' values on the grid and less than half of the fakes', over 100 steps and
        3 records. Info by itself. Warning: the discriminator separates (AUC above 0.95 over 100 steps), and
        the probe finds that noise of one grid step lowers the AUC of one trivial number by more than 0.1,
        or that the share on the grid is that number and its AUC is above 0.95; the loop's own
        discriminator does not separate under that noise (AUC 0.95); and the samples do not get better.

    What else it could be
        - A range mismatch: it separates without the grid and explains this finding.
        - One-hot columns or categories beside continuous ones: the continuous values are on no grid.
        - Columns with grids of different steps (each standardised by itself): not seen.
        - Values that are rounded on both sides: then the fakes lie on the grid too.
        - A discriminator that separates for another reason: without the probe's two numbers it stays info.

    Remedies
        Add uniform noise of one grid step to the reals when they are loaded (dequantisation), for 8-bit
        images in [-1, 1] of width 2/255; or noise to both.

    References
        - https://github.com/sefibk/KernelGAN/issues/83
        - https://github.com/seungwonpark/melgan/issues/3 (16-bit audio)
        - Theis, van den Oord, Bethge, "A note on the evaluation of generative models", 2016 (dequantisation).
    """

    code = "EQ402"
    name = "quantized-reals"
    kinds = ("passive", "probe")
    signals = (*IMPROVEMENT_SIGNALS, "sample.real.lattice", "sample.fake.lattice", "score.auc")
    probes = ("one-feature",)
    stage = "data"
    explains = ("perfect-discriminator", "vanishing-generator-gradient", "discriminator-overfitting")
    remedies = (
        Remedy(
            "dequantise",
            "Add uniform noise of one grid step to the reals when they are loaded (2/255 for 8-bit images "
            "in [-1, 1]).",
            "root",
            "safe",
        ),
        Remedy(
            "instance-noise",
            "Add Gaussian noise of one grid step (2/255) to reals and fakes alike before the discriminator.",
            "symptomatic",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        real = sustained(observations, "sample.real.lattice", lambda v: v > REAL_SHARE)
        fake = sustained(observations, "sample.fake.lattice", lambda v: v < FAKE_SHARE)
        if real is None or fake is None:
            return None
        auc = sustained(observations, "score.auc", lambda v: v > SEPARATED)
        evidence = [
            Measurement(
                "sample.real.lattice",
                real.value,
                REAL_SHARE,
                "above",
                SOURCE,
                "share of real values on the grid",
            ),
            Measurement(
                "sample.fake.lattice", fake.value, FAKE_SHARE, "below", SOURCE, "share of fake values on it"
            ),
        ]
        if auc is not None:
            evidence.append(
                Measurement("score.auc", auc.value, SEPARATED, "above", AUC, "scores, real against fake")
            )
        probe = observations.probe("one-feature")
        drop = probe["auc"] - probe["auc.dequantised"] if probe else math.nan
        by_grid = bool(probe and probe["feature"] == LATTICE_FEATURE and probe["auc"] > SEPARATED)
        # A working GAN passes through this: what learns on is not held up by the grid.
        learning = bool(improvement(observations))
        # Under noise of one grid step its own discriminator separates as before: it needs no grid.
        without = bool(probe and probe["auc.own.dequantised"] > SEPARATED)
        if auc is None or learning or without or not (drop > DROP or by_grid):
            return self._advice(tuple(evidence), real.since, real.value, fake.value, probe is not None)
        fall = drop if math.isfinite(drop) else 0.0
        evidence.append(
            Measurement(
                "one-feature.auc.dequantised" if drop > DROP else "one-feature.auc",
                fall if drop > DROP else probe["auc"] if probe else math.nan,
                DROP if drop > DROP else SEPARATED,
                "above",
                DROP_SOURCE if drop > DROP else AUC,
                "fall of the AUC under noise of one grid step"
                if drop > DROP
                else "AUC of the share on the grid",
            )
        )
        return self.finding(
            "warning",
            confidence(0.75, 0.95, fall / DROP - 1),
            f"The discriminator can tell reals by their grid: {real.value:.0%} of the reals' values lie on "
            "it and "
            f"{fake.value:.1%} of the fakes'"
            + (f", and noise of one grid step lowers the AUC by {drop:.2f}." if drop > DROP else "."),
            evidence=tuple(evidence),
            because=(
                Alternative(
                    "another difference, such as range or contrast",
                    "ruled out" if drop > DROP else "unlikely",
                    f"noise far below any contrast lowers the AUC by {drop:.2f}"
                    if drop > DROP
                    else "the share on the grid is the number that separates best",
                ),
            ),
            since=max(real.since, fake.since),
        )

    def _advice(
        self, evidence: tuple[Measurement, ...], since: int, real: float, fake: float, probed: bool
    ) -> Finding:
        return self.finding(
            "info",
            0.6,
            f"{real:.0%} of the reals' values lie on a grid and {fake:.1%} of the fakes'; in most GANs "
            "this does no harm.",
            evidence=evidence,
            because=(
                Alternative(
                    "a discriminator that separates for another reason",
                    "unlikely" if probed else "open",
                    "noise of one grid step does not lower the AUC enough to blame the grid"
                    if probed
                    else "the probe one-feature tells whether noise of one grid step takes its advantage "
                    "away",
                ),
            ),
            since=since,
            details={"background": 1},
        )
