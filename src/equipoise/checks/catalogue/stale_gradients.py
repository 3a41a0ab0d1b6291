"""EQ008: gradients of the other player's step, or of earlier steps, are still there."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.direction import counted
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.windows import Sustained, confidence, sustained
from equipoise.history.observations import Observations

NOTICEABLE = 0.01  # of the gradient after the player's own backward
HARMFUL = 0.1
LEAST_STEPS = 20
LEAST_RECORDS = 5
# Steps with nothing of the discriminator's own: certain, each of them. With ten critic steps to one of the
# generator one in eleven is such a step.
AGAIN, STEPS_TO_ONE = 3, 11
SOURCE = "exact: a gradient present before the player's own backward; 1 % leaves room for rounding"


ONE_STEP = Remedy(
    "step-generator-alone",
    "Call `step()` of the generator's optimizer alone behind the generator's backward pass.",
    "root",
    "safe",
)
DISCRIMINATOR_LAST = Remedy(
    "send-discriminator-loss-last",
    "Update the generator first, then call `zero_grad()` of the discriminator's optimizer, send the "
    "discriminator's loss back and step; or switch `requires_grad_(False)` on its weights while the "
    "generator's loss is sent back.",
    "root",
    "safe",
)


@CHECKS.register("stale-gradients")
class StaleGradients(Check):
    """A player's step adds to gradients that were already there.

    What it does
        Measures, before the backward pass of a player's own step, how large the gradient already stored in
        its parameters is compared with the one after it.

    Why it is bad
        The generator's backward pass runs through the discriminator and leaves there a gradient that makes
        fakes look real. If it is not cleared, the discriminator is trained against itself: its two
        gradients cancel. If nothing is ever cleared, gradients of all earlier steps add up.

    Evidence and threshold
        `gradient.discriminator.stale` or `gradient.generator.stale` above 0.01 over at least 20 steps and 5
        records, in at least 95 % of them: warning; above 0.1: error, because it is an exact measurement of
        something that must be zero.

        Likewise `gradient.discriminator.foreign`: the share of a layer's gradient that the generator's loss
        added behind the discriminator's own, where both are sent back before the discriminator's step.

        Exact, error: in 3 steps or more, and one to eleven of its own, the discriminator's optimizer steps
        again though nothing but the generator's loss was sent back since its last step.

    What else it could be
        - Gradient accumulation over several batches: only the first backward pass after a step is judged,
          where the gradient must be empty; a share of records with zero would show it.
        - Two backward calls, one for reals and one for fakes: likewise.
        - Fakes that are not detached: then the generator holds the discriminator's gradient;
          `undetached-fakes` says so and explains this finding.

    Remedies
        Call `zero_grad()` of the player's own optimizer right before its backward pass. Where both losses
        are sent back before either step, send the discriminator's back last, or ask for no gradient of its
        weights while the generator's is sent back.

    References
        - https://github.com/Lightning-AI/pytorch-lightning/issues/591
        - https://github.com/Lightning-AI/pytorch-lightning/issues/557
        - https://github.com/Adversarial-Deep-Learning/code-soup/issues/69
    """

    code = "EQ008"
    name = "stale-gradients"
    kinds = ("passive",)
    signals = (
        "gradient.discriminator.stale",
        "gradient.generator.stale",
        "gradient.discriminator.foreign",
    )
    facts = ("discriminator.steps",)
    stage = "wiring"
    explains = SYMPTOMS
    remedies = (
        DISCRIMINATOR_LAST,
        ONE_STEP,
        Remedy(
            "zero-gradients-first",
            "Call `optimizer.zero_grad()` of each player directly before the backward pass of its own step.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        if min(observations.updates.values(), default=0) == 0:
            return None  # where one player is never updated, its backward pass is taken for the other's
        for player in ("discriminator", "generator"):
            name = f"gradient.{player}.stale"
            found = _held(observations, name)
            if found is None:
                continue
            whole = observations.series(name).since(found.since).finite()
            share = whole.share(whole.values > NOTICEABLE)
            other = "generator" if player == "discriminator" else "discriminator"
            return self._told(
                name,
                found,
                f"Before the {player}'s own backward pass its parameters already hold a gradient of "
                f"{found.value:.0%} of the size it has afterwards, over {found.steps:.0f} steps: it was "
                "not cleared.",
                SOURCE,
                "gradient before the own backward pass, over the one after it",
                (
                    Alternative(
                        "gradient accumulation over several batches",
                        "ruled out",
                        f"{share:.0%} of the records, taken at the first backward pass after a step, are "
                        "affected",
                    ),
                    Alternative(
                        f"a gradient that the {other}'s step left behind on purpose",
                        "unlikely",
                        "no published training step uses it",
                    ),
                ),
            )
        return self._foreign(observations) or self._again(observations)

    def _again(self, observations: Observations) -> Finding | None:
        """The discriminator's optimizer steps a second time, behind the generator's backward pass."""
        own, foreign = counted(observations, "discriminator.steps") or (0, 0)
        least = max(AGAIN, own / STEPS_TO_ONE)
        if foreign < least:
            return None
        return self.finding(
            "error",
            0.95,
            "The discriminator's optimizer takes a second step behind the generator's backward pass: "
            f"{foreign} such steps beside {own} with a loss of its own. They follow the gradient that the "
            "generator's loss left in its weights, which makes fakes look real.",
            evidence=(
                Measurement(
                    "discriminator.steps",
                    float(foreign),
                    least,
                    "not below",
                    "exact: no loss of its own was sent back since the optimizer's last step",
                    "steps with the generator's gradient alone, of those looked at",
                ),
            ),
            because=(
                Alternative(
                    "several optimizers for parts of the discriminator",
                    "ruled out",
                    "the same optimizer stepped before",
                ),
            ),
            remedies=(ONE_STEP,),
            since=0,
        )

    def _foreign(self, observations: Observations) -> Finding | None:
        """The generator's loss is sent back between the discriminator's own and the discriminator's step."""
        name = "gradient.discriminator.foreign"
        found = _held(observations, name)
        if found is None:
            return None
        return self._told(
            name,
            found,
            "Between the discriminator's own backward pass and its step the generator's loss is sent back "
            f"through it and adds to its gradient: {found.value:.0%} of the gradient of a layer, over "
            f"{found.steps:.0f} steps. The discriminator's step then serves the generator's loss as well.",
            "exact: what the generator's backward pass added; 1 % leaves room for rounding",
            "share of a layer's gradient that the generator's loss added last",
            (
                Alternative(
                    "weights of the discriminator that ask for no gradient in the generator's step",
                    "ruled out",
                    "the gradient was seen to change",
                ),
            ),
            remedies=(DISCRIMINATOR_LAST,),
        )

    def _told(
        self,
        name: str,
        found: Sustained,
        message: str,
        source: str,
        meaning: str,
        because: tuple[Alternative, ...],
        remedies: tuple[Remedy, ...] | None = None,
    ) -> Finding:
        """The finding of a share of the gradient that is not the own loss's, by how large it is."""
        harmful = found.value > HARMFUL
        limit = HARMFUL if harmful else NOTICEABLE
        return self.finding(
            "error" if harmful else "warning",
            0.95 if harmful else confidence(0.7, 0.9, found.value / NOTICEABLE - 1),
            message,
            evidence=(Measurement(name, found.value, limit, "above", source, meaning),),
            because=because,
            since=found.since,
            remedies=remedies,
        )


def _held(observations: Observations, name: str) -> Sustained | None:
    return sustained(observations, name, lambda v: v > NOTICEABLE, steps=LEAST_STEPS, records=LEAST_RECORDS)
