"""EQ013: the averaged copy of the generator lags behind or lacks its buffers."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

STEPS_SHARE = 0.5
LEAST_UPDATES = 100
DRIFT = 3.0
USUAL_DECAY = 0.9991  # 0.999, as the remedy advises for short runs, measured with an error of a tenth
# A copy that was never updated: the generator has had so many updates, and left its first weights by 1 %.
# Copies that are sampled from again and again need not be waited for longer than the warm-up.
NEVER_AFTER, SAMPLED_AFTER, SAMPLED = 500, 200, 2
LEFT = 0.01
NEVER_SOURCE = "exact: the copy's weights are the generator's first ones; ours: it has left them by 1 %"
LAG_SOURCE = (
    "diffae issue 16: at 0.9999 the average was useless after 8,000 steps (0.87 half-lives per 8,000 steps)"
)
BUFFERS_SOURCE = "exact: running statistics of the copy never change"
DRIFT_SOURCE = "ours: three times what two draws of the same mode differ by (benchmarks/failures)"


COPY_BUFFERS = Remedy(
    "copy-buffers",
    "Copy the generator's buffers to the averaged copy at every update, besides averaging the parameters.",
    "root",
    "safe",
)
RAMP_UP = Remedy(
    "ramp-up-average",
    "Use the decay min(decay, (1 + step) / (10 + step)), or 0.999 for runs below 10,000 steps.",
    "root",
    "safe",
)
UPDATE_AVERAGE = Remedy(
    "update-average",
    "Update the averaged copy after every step of the generator, or sample from the generator.",
    "root",
    "display-only",
)


@CHECKS.register("ema-stale")
class StaleAverage(Check):
    """The averaged copy of the generator is not what one thinks one samples from.

    What it does
        Compares the averaged copy's half-life with the number of updates done, and looks whether the copy
        receives the batch norm buffers too. Looks for copies that were made at the start and never updated.

    Why it is bad
        With a half-life as long as the run, the average is mostly the initial weights. A copy of the
        parameters without the buffers normalises with statistics from the first step. Either way the
        samples are bad while the training is fine.

    Evidence and threshold
        The half-life is ln 2 / (1 - decay) updates. Warning: it is longer than half of the generator's
        updates so far, after at least 100 updates; only information before 500, and for a decay of 0.999 or
        less, as short runs use it: then the run is young, and the decay is right. Warning: the generator has
        batch norm and the copy's buffers are not copied; error if the probe also finds the copy's samples
        more than 3 times farther off than two draws are. A copy that still has exactly the generator's first
        weights after the warm-up and 500 updates (200 if it was called twice or more), while the generator
        has left them by more than 1 % and no other copy follows it: warning of modest confidence if the copy
        is called, but less than at every second update, as what is only sampled from is; else information.

    What else it could be
        - Simply early: true, and the message says from which step on the average can be used.
        - A generator without batch norm: its copy needs no buffers.
        - A copy of the start that is kept on purpose: a frozen teacher (called in every step, therefore
          information only), a start to compare with, an average that begins later. These cannot be told
          apart for certain.

    Remedies
        Let the decay grow with the step, min(decay, (1 + step) / (10 + step)), and copy buffers outright.
        Call the average's update after every step of the generator.

    References
        - https://github.com/konpatp/diffae/issues/16
        - https://github.com/odegeasslbc/FastGAN-pytorch/issues/4 (buffers not copied)
        - Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020: decay by half-life
          in images, with a ramp (recalled from the official code, not looked up again).
    """

    code = "EQ013"
    name = "ema-stale"
    kinds = ("preflight", "passive", "probe")
    signals = ()
    facts = ("ema", "ema.untouched", "generator.layers")
    probes = ("eval-drift",)
    stage = "wiring"
    explains = ("eval-drift",)
    remedies = (COPY_BUFFERS, RAMP_UP, UPDATE_AVERAGE)

    def run(self, observations: Observations) -> Finding | None:
        layers = observations.fact("generator.layers", [])
        norms = sum("BatchNorm" in str(layer.get("type", "")) for layer in layers)
        for average in observations.fact("ema", []):
            if norms and average.get("buffers_copied") is False:
                return self._buffers(observations, norms)
            decay = average.get("decay")
            if decay is not None and 0 < decay < 1:
                finding = self._lag(observations, float(decay))
                if finding is not None:
                    return finding
        return self._untouched(observations)

    def _untouched(self, observations: Observations) -> Finding | None:
        """A copy of the start that nothing ever changed."""
        if not observations.warmed_up:
            return None
        for copied in observations.fact("ema.untouched", []):
            moved, updates = float(copied.get("moved") or 0.0), int(copied.get("updates") or 0)
            calls = int(copied.get("calls") or 0)
            sampled = 0 < calls <= updates / 2
            enough = SAMPLED_AFTER if sampled and calls >= SAMPLED else NEVER_AFTER
            if not moved > LEFT or updates < enough:
                continue
            return self.finding(
                "warning" if sampled else "info",
                0.65 if sampled else 0.5,
                f"A copy of the generator still has exactly the weights that the generator began with, after "
                f"{updates:,} updates that took the generator {moved:.0%} away from them. If it is meant as "
                "an average, it is never updated, and its samples are those of an untrained generator.",
                evidence=(
                    Measurement(
                        "ema.untouched",
                        moved,
                        LEFT,
                        "above",
                        NEVER_SOURCE,
                        "distance of the generator from the copy's weights, over their norm",
                    ),
                ),
                because=(
                    Alternative(
                        "a copy that is kept on purpose (a frozen teacher, a start to compare with, an "
                        "average that begins later)",
                        "open",
                        f"it was called {calls:,} times: seldom, as what is sampled from"
                        if sampled
                        else "it was called in most steps, as a teacher is"
                        if calls
                        else "it was not seen to be called",
                    ),
                ),
                since=0,
                remedies=(UPDATE_AVERAGE,),
            )
        return None

    def _buffers(self, observations: Observations, norms: int) -> Finding:
        probe = observations.probe("eval-drift")
        drift = probe["ema"] if probe else math.nan
        confirmed = drift > DRIFT
        return self.finding(
            "error" if confirmed else "warning",
            0.95 if confirmed else 0.85,
            f"The averaged copy of the generator gets no buffers, so its {norms} batch norm layers keep "
            "the running "
            "statistics of the start"
            + (f"; its samples are {drift:.3g} times farther off than two draws." if confirmed else "."),
            evidence=(
                Measurement(
                    "ema",
                    0.0,
                    1.0,
                    "below",
                    BUFFERS_SOURCE,
                    "0: the copy's buffers do not follow the generator",
                ),
                *(
                    (
                        Measurement(
                            "eval-drift.ema",
                            drift,
                            DRIFT,
                            "above",
                            DRIFT_SOURCE,
                            "distance of the copy's samples from the generator's",
                        ),
                    )
                    if confirmed
                    else ()
                ),
            ),
            because=(
                Alternative(
                    "a generator without batch norm", "ruled out", f"it has {norms} batch norm layers"
                ),
            ),
            since=0,
            remedies=(COPY_BUFFERS,),
        )

    def _lag(self, observations: Observations, decay: float) -> Finding | None:
        half_life = math.log(2) / (1 - decay)
        updates = observations.updates.get("generator", 0)
        if updates < LEAST_UPDATES or half_life <= STEPS_SHARE * updates:
            return None
        share = decay**updates
        usual = decay <= USUAL_DECAY or updates < NEVER_AFTER  # nobody samples from an average that early
        return self.finding(
            "info" if usual else "warning",
            confidence(0.7, 0.9, half_life / (STEPS_SHARE * updates) - 1),
            f"With a decay of {decay:g} the average has a half-life of {half_life:,.0f} updates, but only "
            f"{updates:,} are "
            f"done: {share:.0%} of it is still the initial generator. It can be used from about update "
            f"{half_life / STEPS_SHARE:,.0f} on.",
            evidence=(
                Measurement(
                    "ema",
                    half_life,
                    STEPS_SHARE * updates,
                    "above",
                    LAG_SOURCE,
                    "half-life in updates; the threshold is half of the updates done",
                ),
            ),
            because=(
                Alternative(
                    "a run that has only begun",
                    "open",
                    "short runs use this decay too"
                    if decay <= USUAL_DECAY
                    else "if it goes on for many times as long, nothing is wrong",
                ),
                Alternative(
                    "an average with a ramp-up",
                    "unlikely",
                    "the decay was measured between the copy and the generator, not read from the code",
                ),
            ),
            since=0,
            remedies=(RAMP_UP,),
        )
