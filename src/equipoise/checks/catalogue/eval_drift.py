"""EQ012: the generator gives something else in eval mode."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

DISTANCE = 3.0  # times the distance between two draws of the same mode
CHANGE = 0.5  # of the spread across the batch
DISTANCE_SOURCE = "ours: three times what two draws in the same mode differ by (benchmarks/failures)"
CHANGE_SOURCE = "ours: half of the spread between samples (benchmarks/failures)"


@CHECKS.register("eval-drift")
class EvalDrift(Check):
    """From the same latents the generator gives clearly different samples in eval mode.

    What it does
        The probe runs the generator on the same latents in train and in eval mode and compares the two
        batches, as sets and sample by sample.

    Why it is bad
        Samples are usually drawn in eval mode. If batch norm's running statistics do not fit the batches
        the generator was trained on, a good generator looks broken, and people look for the fault in the
        training.

    Evidence and threshold
        Warning: the distance between the two sets is more than 3 times what two draws in the same mode
        differ by, and single samples change by more than half of the spread across the batch; two
        independent numbers of one probe, after the warm-up.

    What else it could be
        - Dropout that is meant to act as noise: it changes single samples but not the set, so the distance
          stays small.
        - An averaged copy without its buffers: `ema-stale` says so.
        - Too few steps for the running statistics: the check waits for the warm-up.

    Remedies
        Recompute the running statistics with a few hundred train-mode batches before sampling, or sample in
        train mode.

    References
        - https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/1329
        - https://github.com/odegeasslbc/FastGAN-pytorch/issues/4
    """

    code = "EQ012"
    name = "eval-drift"
    kinds = ("probe",)
    facts = ("modes",)
    probes = ("eval-drift",)
    stage = "wiring"
    explains = ()
    remedies = (
        Remedy(
            "recalibrate-batch-norm",
            "Reset the generator's running statistics and recompute them over 200 batches in train mode "
            "before sampling.",
            "root",
            "safe",
        ),
        Remedy("sample-in-train-mode", "Sample in train mode with large batches.", "symptomatic", "safe"),
    )

    def run(self, observations: Observations) -> Finding | None:
        probe = observations.probe("eval-drift")
        if probe is None or not observations.warmed_up:
            return None
        distance, change = probe["distance"], probe["change"]
        if not (distance > DISTANCE and change > CHANGE):
            return None
        mode = (observations.fact("modes", {}) or {}).get("generator_training")
        return self.finding(
            "warning",
            confidence(0.65, 0.95, min(distance / DISTANCE, change / CHANGE) - 1),
            f"From the same latents the generator's samples in eval mode differ from those in train mode by "
            f"{change:.2g} of the spread between samples, and as a set {distance:.3g} times more than two "
            "draws do.",
            evidence=(
                Measurement(
                    "eval-drift.distance",
                    distance,
                    DISTANCE,
                    "above",
                    DISTANCE_SOURCE,
                    "distance between the two sets over its bootstrap",
                ),
                Measurement(
                    "eval-drift.change",
                    change,
                    CHANGE,
                    "above",
                    CHANGE_SOURCE,
                    "change of a sample over the spread across the batch",
                ),
            ),
            because=(
                Alternative(
                    "dropout as noise",
                    "ruled out",
                    f"it would leave the set as it is; the set moved by {distance:.3g} times its own noise",
                ),
                Alternative(
                    "training itself runs in eval mode",
                    "open" if mode is None else ("ruled out" if mode > 0.5 else "open"),
                    "the mode of the training's forwards was not seen"
                    if mode is None
                    else f"{mode:.0%} of the training's forwards were in train mode",
                ),
            ),
        )

    def undecided(self, observations: Observations) -> str | None:
        probe = observations.probe("eval-drift")
        if probe is None or not math.isnan(probe["distance"]):
            return None
        return (
            "Whether the generator gives the same in eval mode is open: the probe eval-drift got no number."
        )
