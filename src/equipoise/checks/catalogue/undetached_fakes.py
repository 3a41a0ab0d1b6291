"""EQ017: the discriminator's backward pass runs on into the generator."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.windows import sustained
from equipoise.history.observations import Observations

STALE = 0.01
LEAST_STEPS = 20
LEAST_RECORDS = 5
LEAK_SOURCE = "exact: the graph of the discriminator's step reaches the generator"
STALE_SOURCE = "exact: a gradient present before the generator's own backward; 1 % leaves room for rounding"


@CHECKS.register("undetached-fakes")
class UndetachedFakes(Check):
    """The fakes of the discriminator's step are not detached from the generator.

    What it does
        Notes whether the discriminator's backward pass leaves a gradient in the generator, and whether that
        gradient is still there when the generator's own step begins.

    Why it is bad
        If it is cleared in time it only costs the time of a backward pass through the generator. If it is
        not, the generator is trained to help the discriminator and against it at once.

    Evidence and threshold
        Info: the fakes carry a graph (`detached` is false) or `gradient.generator.leak` is above zero, and
        the generator's gradient is empty before its own backward pass. Error: `gradient.generator.stale` is
        above 0.01 over at least 20 steps and 5 records as well; two exact measurements.

    What else it could be
        - Harmless: the generator's gradients are zeroed between the two backward passes; decided by
          `gradient.generator.stale`.
        - Fakes that are detached, while both players' gradients are accumulated over several batches in turn:
          then the generator's gradient is its own; decided by `detached`.
        - A generator's step that shares its forward pass with the discriminator's on purpose: harmless in
          the same way.

    Remedies
        Pass `fake.detach()` to the discriminator in its own step, or zero the generator's gradients before
        its backward pass.

    References
        - https://github.com/yunjey/pytorch-tutorial/issues/56 (harmless: zeroed later)
        - https://github.com/heykeetae/Self-Attention-GAN/issues/48 (harmful if not)
        - https://github.com/eriklindernoren/PyTorch-GAN/issues/136
    """

    code = "EQ017"
    name = "undetached-fakes"
    kinds = ("passive",)
    signals = ("gradient.generator.leak", "gradient.generator.stale")
    facts = ("detached", "generator.gradient_reversed")
    stage = "wiring"
    explains = (*SYMPTOMS, "stale-gradients")
    remedies = (
        Remedy(
            "detach-fakes",
            "Pass `fake.detach()` to the discriminator in its own step, and zero the generator's "
            "gradients right before "
            "its backward pass.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        leak = observations.recent("gradient.generator.leak").median()
        detached = observations.fact("detached")
        if observations.fact("generator.gradient_reversed"):
            return None  # one loss for both: it has to run on into the generator
        if detached is True or not (leak > 0 or detached is False):
            return None
        stale = sustained(
            observations,
            "gradient.generator.stale",
            lambda v: v > STALE,
            steps=LEAST_STEPS,
            records=LEAST_RECORDS,
        )
        leaked = Measurement(
            "gradient.generator.leak",
            leak if leak > 0 else 0.0,
            0.0,
            "above",
            LEAK_SOURCE,
            "gradient that the discriminator's backward left in the generator",
        )
        if stale is None:
            return self.finding(
                "info",
                0.95,
                "The discriminator's backward pass runs on into the generator. It is harmless here, "
                "because the "
                "generator's gradients are cleared before its own step; `fake.detach()` would save that "
                "time.",
                evidence=(leaked,),
                because=(
                    Alternative(
                        "gradients that stay and spoil the generator's step",
                        "ruled out",
                        "nothing is stored before the generator's own backward pass",
                    ),
                ),
            )
        return self.finding(
            "error",
            0.95,
            "The discriminator's backward pass leaves its gradient in the generator, and it is still "
            "there in the "
            f"generator's own step: {stale.value:.0%} of the gradient it then has, over {stale.steps:.0f} "
            "steps.",
            evidence=(
                Measurement(
                    "gradient.generator.stale",
                    stale.value,
                    STALE,
                    "above",
                    STALE_SOURCE,
                    "gradient before the generator's own backward, over the one after it",
                ),
                leaked,
            ),
            because=(
                Alternative(
                    "harmless, because zeroed in between",
                    "ruled out",
                    f"{stale.value:.0%} are left in {stale.records} records",
                ),
            ),
            since=stale.since,
        )
