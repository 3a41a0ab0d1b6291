"""EQ012: the generator gives something else in eval mode, or a network is trained in it."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

DISTANCE = 3.0  # times the distance between two draws of the same mode
CHANGE = 0.5  # of the spread across the batch
DISTANCE_SOURCE = "ours: three times what two draws in the same mode differ by (benchmarks/failures)"
CHANGE_SOURCE = "ours: half of the spread between samples (benchmarks/failures)"
TRAINED = 0.5  # share of the layers in train mode, in a network's own updates
STEPS, RECORDS = 20, 5
TRAINED_SOURCE = "exact: `training` of its layers in its own updates"
_TRAIN = Remedy(
    "train-mode",
    "Call `network.train()` before the loop, and again behind everything that calls `network.eval()`.",
    "root",
    "safe",
)
_BEFORE_SAMPLING = (
    Remedy(
        "recalibrate-batch-norm",
        "Reset the generator's running statistics and recompute them over 200 batches in train mode "
        "before sampling.",
        "root",
        "safe",
    ),
    Remedy("sample-in-train-mode", "Sample in train mode with large batches.", "symptomatic", "safe"),
)


@CHECKS.register("eval-drift")
class EvalDrift(Check):
    """From the same latents the generator gives clearly different samples in eval mode, or it trains in it.

    What it does
        The probe runs the generator on the same latents in train and in eval mode and compares the two
        batches, as sets and sample by sample. While the loop runs it looks whether the layers that differ
        between the modes (batch norm and other norms with running statistics, dropout, spectral norm) are in
        train mode in the passes of each network's own update.

    Why it is bad
        Samples are usually drawn in eval mode. If batch norm's running statistics do not fit the batches
        the generator was trained on, a good generator looks broken, and people look for the fault in the
        training. A network that is left in eval mode while it is trained (after drawing samples, say)
        normalises by statistics that no longer move, often those of the first step, so that its batch norm
        does nothing; its dropout is off; its spectral norm no longer follows the weights.

    Evidence and threshold
        Warning: the distance between the two sets is more than 3 times what two draws in the same mode
        differ by, and single samples change by more than half of the spread across the batch; two
        independent numbers of one probe, after the warm-up. Also a warning: fewer than half of the layers
        that differ are in train mode in the network's own updates, over at least 20 steps and 5 records up
        to now (exact); information if dropout is all that differs.

    What else it could be
        - Dropout that is meant to act as noise: it changes single samples but not the set, so the distance
          stays small.
        - An averaged copy without its buffers: `ema-stale` says so.
        - Eval mode for single passes: only the network's own updates count, so that a generator in eval mode
          in the discriminator's step, or while samples are drawn, is none.
        - Pretrained normalisation that is kept on purpose: layers whose own weights are frozen do not count.
        - Too few steps for the running statistics: the check waits for the warm-up.

    Remedies
        Call `train()` on both networks before the loop, and again behind everything that calls `eval()`.
        Recompute the running statistics with a few hundred train-mode batches before sampling, or sample in
        train mode.

    References
        - https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix/issues/1329
        - https://github.com/odegeasslbc/FastGAN-pytorch/issues/4
    """

    code = "EQ012"
    name = "eval-drift"
    kinds = ("passive", "probe")
    signals = ("mode.generator", "mode.discriminator")
    facts = ("modes",)
    probes = ("eval-drift",)
    stage = "wiring"
    explains = ()
    remedies = (*_BEFORE_SAMPLING, _TRAIN)

    def run(self, observations: Observations) -> Finding | None:
        return self._trained_in_eval(observations) or self._drift(observations)

    def _trained_in_eval(self, observations: Observations) -> Finding | None:
        for player in ("discriminator", "generator"):
            held = sustained(
                observations, f"mode.{player}", lambda v: v < TRAINED, steps=STEPS, records=RECORDS
            )
            if held is None:
                continue
            layers = (observations.fact("modes", {}) or {}).get(f"{player}_layers") or {}
            weighty = [name for name in layers if "Dropout" not in name]
            what = ", ".join(f"{count} {name}" for name, count in layers.items())
            return self.finding(
                "warning" if weighty else "info",
                0.9,
                f"The {player} is trained in eval mode: over {held.steps:,.0f} steps its layers that differ "
                f"between the modes ({what}) were in eval mode in its own updates."
                + (" Running statistics and estimates no longer follow the weights." if weighty else ""),
                evidence=(
                    Measurement(
                        f"mode.{player}",
                        held.value,
                        TRAINED,
                        "below",
                        TRAINED_SOURCE,
                        f"share of these layers in train mode, in {held.records} records",
                    ),
                ),
                because=(
                    Alternative(
                        "eval mode for single passes only",
                        "ruled out",
                        f"these are the passes of the {player}'s own updates",
                    ),
                    Alternative(
                        "pretrained normalisation that is kept on purpose",
                        "unlikely",
                        "the layers' own weights are trained; frozen ones are not counted",
                    ),
                ),
                since=held.since,
                remedies=(_TRAIN,),
            )
        return None

    def _drift(self, observations: Observations) -> Finding | None:
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
            remedies=_BEFORE_SAMPLING,
        )

    def undecided(self, observations: Observations) -> str | None:
        probe = observations.probe("eval-drift")
        if probe is None or not math.isnan(probe["distance"]):
            return None
        return (
            "Whether the generator gives the same in eval mode is open: the probe eval-drift got no number."
        )
