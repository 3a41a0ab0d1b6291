"""EQ010: scores and targets have different shapes and are broadcast against each other."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

SOURCE = "exact: the slopes are those of a loss over all pairs of scores and targets"


@CHECKS.register("target-shape-broadcast")
class TargetShapeBroadcast(Check):
    """Scores of shape (N, 1) meet targets or scores of shape (N,) and become an N by N table.

    What it does
        Recognises from the slopes at the scores that every score was compared with every target of the batch.

    Why it is bad
        The loss then averages over all pairs. With mixed targets it asks every sample for the average
        answer; with relativistic losses every pair is compared where only matching pairs should be. Nothing
        stops and no error is raised; some losses only warn.

    Evidence and threshold
        The fact `shape.broadcast`: an exact test, error.

    What else it could be
        - Patch or multi-scale scores: they have several scores per sample, but as many targets
          (`score.shape`).
        - A relativistic average loss, which compares with the mean on purpose: its slopes are another
          family's.

    Remedies
        Bring both to the same shape, usually with `squeeze(1)` or `view(-1)`, and drop the last incomplete
        batch or build the targets from the scores (`torch.ones_like(scores)`).

    References
        - https://github.com/pytorch/pytorch/issues/1939 (64x1 against 64)
        - https://github.com/DEVILENMO/Unsupervised-Defect-Detection-Project-Based-on-VAE-GAN-Architecture/issues/3
    """

    code = "EQ010"
    name = "target-shape-broadcast"
    kinds = ("preflight", "passive")
    signals = ()
    facts = ("shape.broadcast", "score.shape")
    stage = "wiring"
    explains = (*SYMPTOMS, "d-objective-sign", "g-objective-sign")
    remedies = (
        Remedy(
            "match-target-shape",
            "Build targets with `torch.ones_like(scores)` and `torch.zeros_like(scores)`, or flatten both "
            "with `view(-1)`.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        if observations.fact("shape.broadcast") is not True:
            return None
        shapes = observations.fact("score.shape", [])
        shown = ", ".join("one number" if not shape else "x".join(map(str, shape)) for shape in shapes)
        return self.finding(
            "error",
            0.95,
            "Scores and targets of different shapes are broadcast against each other: every score is "
            "compared with "
            "every target of the batch" + (f" (one sample's score: {shown})." if shown else "."),
            evidence=(Measurement("shape.broadcast", 1.0, 1.0, "equal to", SOURCE, "1: the slopes show it"),),
            because=(
                Alternative(
                    "several scores per sample (patches, scales)",
                    "ruled out",
                    "they would have as many targets, and the slopes would not mix samples",
                ),
            ),
            since=0,
        )
