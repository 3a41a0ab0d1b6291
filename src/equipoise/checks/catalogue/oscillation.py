"""EQ302: the players go round in circles."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.samples import CALIBRATION, IMPROVEMENT_SIGNALS, improvement
from equipoise.checks.trends import Rotation, latest, rotation
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# survey: a stable period over at least 5 cycles, with an amplitude of more than half of the mean.
CYCLES = 5.0
AMPLITUDE = 0.5
# Autocorrelation at the period; of 1,000 series of 30 records of white noise 4 reach it, of random walks none
# (tests/checks/test_trends.py).
REGULARITY = 0.5
# Amplitude of the fakes' mean in standard deviations of the reals. Calibrated.
SAMPLE_AMPLITUDE = 0.25
# Two periods that agree within this are one.
SAME_PERIOD = 0.2
# The probe's gap has grown: no convergence.
GROWING_GAP = 1.5
SHARE, FEWEST_STEPS = 0.5, 1000


@CHECKS.register("oscillation")
class Oscillation(Check):
    """Generator and discriminator chase each other with a fixed period and without progress.

    What it does
        Looks for a regular period in the scores' gap and in the mean of the fakes over the second half of the
        run, at least 1,000 steps.

    Why it is bad
        Two players that descend at the same time rotate round the equilibrium instead of approaching it; the
        samples depend on where in the turn you stop. Least squares and every minimax game swing a little:
        that is no fault.

    Evidence and threshold
        At least 5 periods with an autocorrelation above 0.5. If the fakes themselves swing (their mean
        by more than a quarter of the reals' standard deviation) and the samples do not improve: warning;
        an error if the probe duality-gap has also grown by half. If only the scores swing (by more than
        half of their mean gap): information.
        Confidence: 0.6 (0.75 for an error) towards 0.95 with the number of periods.

    What else it could be
        A cyclic learning rate: then the size of the steps has the same period. The normal swing of a minimax
        game: then the samples do not swing, or improve. Noise of small batches: no regular period.

    Remedies
        Root: R1 or a gradient penalty (damping), a lower first moment, two time scales. Symptomatic: a moving
        average of the generator, which stands in the middle of the circle.

    References
        Mescheder et al. (2018), section 2, Dirac-GAN; Daskalakis et al. (2018); Gidel et al. (2019);
        pytorch-CycleGAN-and-pix2pix issues 772 and 866, which are healthy.
    """

    code = "EQ302"
    name = "oscillation"
    kinds = ("passive", "probe")
    stage = "dynamics"
    signals = (
        *IMPROVEMENT_SIGNALS,
        "score.gap",
        "sample.fake.mean",
        "sample.real.std",
        "update.generator",
        "update.discriminator",
    )
    probes = ("duality-gap",)
    explains = ("late-collapse", "instability")
    remedies = (
        *root("r1-penalty", "lower-first-moment", "higher-discriminator-learning-rate"),
        *symptomatic("generator-average", "lower-learning-rates"),
    )

    def run(self, observations: Observations) -> Finding | None:
        if observations.step < FEWEST_STEPS or not observations.warmed_up:
            return None
        window = max(FEWEST_STEPS, SHARE * observations.step)
        gap = self._turn(observations, "score.gap", window)
        if gap is not None and not gap.amplitude > AMPLITUDE * abs(gap.centre):
            gap = None
        scale = latest(observations, "sample.real.std", window).median()
        fakes = self._turn(observations, "sample.fake.mean", window)
        if fakes is not None and not fakes.amplitude > SAMPLE_AMPLITUDE * scale:
            fakes = None
        turn = fakes or gap
        if turn is None:
            return None
        better = improvement(observations)
        results = [r["gap"] for r in observations.probes("duality-gap") if math.isfinite(r["gap"])]
        grown = len(results) > 1 and 0 < GROWING_GAP * results[0] < results[-1]
        severity: Severity = "info"
        if fakes is not None and not better:
            severity = "error" if grown else "warning"
        evidence = self._evidence(fakes, gap, scale)
        if grown:
            evidence.append(
                Measurement(
                    "duality-gap.gap",
                    results[-1],
                    GROWING_GAP * results[0],
                    "above",
                    CALIBRATION,
                    "what the players could still gain has grown",
                )
            )
        what = "the samples and the scores" if fakes and gap else "the samples" if fakes else "the scores"
        return self.finding(
            severity,
            confidence(0.75 if severity == "error" else 0.6, 0.95, turn.cycles / CYCLES - 1),
            f"The players go round: {what} repeat themselves every {turn.period:.0f} steps, "
            f"{turn.cycles:.0f} times so far (autocorrelation {turn.regularity:.2f})"
            + (
                ", and the samples do not improve."
                if severity != "info"
                else "; the samples improve all the same."
                if better
                else "; the samples themselves do not swing."
            ),
            evidence=(*evidence, *better),
            because=self._because(observations, turn, window, bool(better)),
            since=turn.since,
            details={"period": turn.period, "cycles": turn.cycles},
        )

    def _turn(self, observations: Observations, signal: str, window: float) -> Rotation | None:
        return rotation(latest(observations, signal, window), CYCLES, REGULARITY)

    def _evidence(self, fakes: Rotation | None, gap: Rotation | None, scale: float) -> list[Measurement]:
        evidence = []
        if fakes is not None:
            evidence.append(
                Measurement(
                    "sample.fake.mean",
                    fakes.amplitude,
                    SAMPLE_AMPLITUDE * scale,
                    "above",
                    CALIBRATION,
                    f"amplitude of the fakes' mean, period {fakes.period:.0f} steps",
                )
            )
        if gap is not None:
            evidence.append(
                Measurement(
                    "score.gap",
                    gap.amplitude,
                    AMPLITUDE * abs(gap.centre),
                    "above",
                    "survey of reported failures",
                    f"amplitude of the gap of the scores, period {gap.period:.0f} steps",
                )
            )
        return evidence

    def _because(
        self, observations: Observations, turn: Rotation, window: float, better: bool
    ) -> tuple[Alternative, ...]:
        cyclic = None
        for player in ("generator", "discriminator"):
            step = self._turn(observations, f"update.{player}", window)
            if step is not None and abs(step.period - turn.period) < SAME_PERIOD * turn.period:
                cyclic = (player, step)
        return (
            Alternative(
                "a cyclic learning rate",
                "open" if cyclic else "ruled out",
                f"The {cyclic[0]}'s steps have the same period of {cyclic[1].period:.0f}."
                if cyclic
                else "The size of the steps does not have this period.",
            ),
            Alternative(
                "the normal swing of a minimax game",
                "open" if better else "unlikely",
                "The samples improve."
                if better
                else "The samples have not improved over the last three tenths of the run.",
            ),
            Alternative(
                "noise of small batches",
                "ruled out",
                f"Noise does not repeat itself: the autocorrelation at the period is {turn.regularity:.2f}.",
            ),
        )
