"""EQ002: a sigmoid and a logarithm in two steps."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

ZERO_SHARE = 0.1  # of the generator's slopes; a loss on logits has none
SOURCE = "a loss on logits has no zero slope in float32 at any score it reaches (benchmarks/failures)"
STRUCTURE = "exact: the last module is a sigmoid and the loss takes its output"
LOSSES = ("non-saturating", "minimax")


@CHECKS.register("unfused-bce")
class UnfusedBinaryCrossEntropy(Check):
    """The sigmoid and the logarithm of the loss are computed one after the other.

    What it does
        Recognises a discriminator that ends in a sigmoid and is trained with cross entropy on its
        probability, and whether that pair has already lost gradients to rounding or to a clamp.

    Why it is bad
        In float32 the sigmoid is exactly 1 from a logit of about 17 on; the logarithm then is -inf or
        clamped, and the gradient is zero or wrong there. The loss on logits computes the same function
        without this loss.

    Evidence and threshold
        Info: the last activation is a sigmoid and the slopes fit cross entropy. Warning: in addition more
        than a quarter of the generator's slopes are exactly zero over at least 100 steps and 3 records
        while the discriminator holds the fakes for fake; a loss on logits has no zero slope there.

    What else it could be
        - A double sigmoid: then the loss takes the probability as a logit, which is `logit-loss-mismatch`.
        - Hinge margins that are met also have zero slopes: ruled out by the family.

    Remedies
        Return logits and use the fused loss: the same objective, the same optimum.

    References
        - https://github.com/soumith/ganhacks/issues/36
        - https://github.com/callummcdougall/ARENA_3.0/pull/369 (log of a sigmoid = -inf)
        - torch.nn.BCEWithLogitsLoss, documentation (the fused loss and its numerical stability).
    """

    code = "EQ002"
    name = "unfused-bce"
    kinds = ("preflight", "passive")
    signals = ("slope.generator.zero", "score.generator.mean")
    facts = (
        "discriminator.output_activation",
        "objective.family",
        "objective.discriminator",
        "objective.double_sigmoid",
        "objective.clamped",
        "score.orientation",
    )
    stage = "wiring"
    explains = ("vanishing-generator-gradient", "loss-fingerprint", "non-finite", "perfect-discriminator")
    remedies = (
        Remedy(
            "use-loss-on-logits",
            "Remove the sigmoid and use `binary_cross_entropy_with_logits` (or softplus): the same "
            "objective without "
            "its rounding.",
            "root",
            "safe",
        ),
        Remedy("larger-clamp", "Put an epsilon of 1e-7 into the logarithm.", "symptomatic", "safe"),
    )

    def run(self, observations: Observations) -> Finding | None:
        family = observations.fact("objective.family") or observations.fact("objective.discriminator")
        if (
            observations.fact("discriminator.output_activation") != "sigmoid"
            or family not in LOSSES
            or observations.fact("objective.double_sigmoid") is True
        ):
            return None
        structure = Measurement(
            "discriminator.output_activation",
            1.0,
            1.0,
            "equal to",
            STRUCTURE,
            "1: the last activation is a sigmoid",
        )
        double = Alternative(
            "a sigmoid applied twice", "ruled out", "the slopes fit a single sigmoid with cross entropy"
        )
        zero = sustained(observations, "slope.generator.zero", lambda v: v > ZERO_SHARE)
        orientation = float(observations.fact("score.orientation", 1) or 1)
        fakes = orientation * observations.recent("score.generator.mean").median()
        if zero is None or not fakes < 0:
            return self.finding(
                "info",
                0.9,
                "The discriminator ends in a sigmoid and its probability goes into cross entropy; the "
                "loss on logits "
                "computes the same without losing gradients once the discriminator is sure.",
                evidence=(structure,),
                because=(double,),
                since=0,
            )
        clamp = observations.fact("objective.clamped")
        return self.finding(
            "warning",
            confidence(0.75, 0.95, zero.value / ZERO_SHARE - 1),
            f"{zero.value:.0%} of the generator's samples get exactly no gradient at the score over "
            f"{zero.steps:.0f} "
            "steps: the sigmoid has rounded to 0 or 1 before the logarithm"
            + (f", which is clamped at {clamp:.0e}." if clamp else "."),
            evidence=(
                Measurement(
                    "slope.generator.zero",
                    zero.value,
                    ZERO_SHARE,
                    "above",
                    SOURCE,
                    "share of slopes that are zero",
                ),
                structure,
            ),
            because=(
                double,
                Alternative(
                    "margins that are met (hinge)",
                    "ruled out",
                    f"the slopes fit {family}, which has no margin",
                ),
            ),
            since=zero.since,
        )
