"""EQ007: one of the two networks does not move."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.windows import Sustained, sustained
from equipoise.history.observations import Observations

SMALLEST_UPDATE = 1e-8
LEAST_STEPS = 100
LEAST_RECORDS = 3
VANISHED = (
    1e-6  # a hundred times Adam's epsilon of 1e-8, spread over the parameters: its steps shrink with it
)
SUSPECT_AFTER = 200
UNUSED = 3  # times that a player's own loss was sent back and no step followed
NEVER_AFTER = 500  # steps; the early phase of a published WGAN script gives the critic 100 steps to one
SOURCE = "SageMaker Debugger, rule WeightUpdateRatio: smallest ratio 1e-8"
NEVER = "no published schedule gives one player 500 steps and the other none"


@CHECKS.register("frozen-network")
class FrozenNetwork(Check):
    """A network's parameters do not change although it is trained.

    What it does
        Watches the relative change of each network's parameters at its own optimizer's steps, and whether
        such steps happen at all.

    Why it is bad
        A frozen discriminator cannot tell reals from fakes for long; a frozen generator cannot learn. Both
        losses still change because the other player does, so the curves do not show it.

    Evidence and threshold
        `update.generator` or `update.discriminator` below 1e-8 in every record over at least 100 steps and
        3 records (SageMaker Debugger's lower bound), while the player's loss has a slope at the scores:
        error. A player that was never updated within 200 steps of the other, while the
        discriminator does score samples: warning; within 500, or within 100 if its own loss was seen to be
        sent back: error. A network that moved and stopped
        because its learning rate reached zero: info.

    What else it could be
        - Several steps of one player to one of the other: only steps of the player's own optimizer are
          counted.
        - Gradient accumulation: likewise.
        - Steps that a gradient scaler skips: it gives up skipping after a few; 100 steps rule it out.
        - A loss whose slopes are all zero (met margins): then nothing has to move; the slope at the scores
          tells.
        - A gradient that has vanished (norm below 1e-6) in a network that moved before: Adam's steps shrink
          to nothing then; `vanishing-generator-gradient` names the cause.
        - A generator whose graph is cut: `generator-graph-cut` explains it.

    Remedies
        Give the optimizer the network's own current parameters, with `requires_grad` on, and call its step.

    References
        - https://github.com/eriklindernoren/Keras-GAN/issues/91 (discriminator frozen for its own step)
        - https://github.com/keras-team/keras/issues/4943
        - SageMaker Debugger, rules WeightUpdateRatio and UnchangedTensor.
    """

    code = "EQ007"
    name = "frozen-network"
    kinds = ("passive",)
    signals = (
        "update.generator",
        "update.discriminator",
        "gradient.generator",
        "gradient.discriminator",
        "slope.generator.size",
        "slope.real.size",
        "slope.fake.size",
        "score.real.mean",
        "score.fake.mean",
        "score.generator.mean",
    )
    facts = (
        "optimizers",
        "precision",
        "steps.ratio",
        "loss.unused.generator",
        "loss.unused.discriminator",
        "discriminator.discrete",
    )
    stage = "wiring"
    explains = (*SYMPTOMS, "z-ignored", "condition-ignored", "discriminator-overfitting")
    remedies = (
        Remedy(
            "unfreeze-network",
            "Build the optimizer from the network's own parameters after the network is complete, leave "
            "`requires_grad` on for its own step, and call `optimizer.step()` in it.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        for player in ("discriminator", "generator"):
            if self._has_no_slope(observations, player):
                continue
            still = sustained(
                observations,
                f"update.{player}",
                lambda v: v < SMALLEST_UPDATE,
                steps=LEAST_STEPS,
                records=LEAST_RECORDS,
                tolerated=0,
            )
            if still is not None and not self._starved(observations, player, still):
                return self._still(observations, player, still)
            if (finding := self._never(observations, player)) is not None:
                return finding
        return None

    def _starved(self, observations: Observations, player: str, still: Sustained) -> bool:
        """Whether it moved once and its gradient has since vanished, so that standing still is no cause."""
        moved_before = still.records < len(observations.series(f"update.{player}").finite())
        return moved_before and 0 < observations.recent(f"gradient.{player}").median() < VANISHED

    def _has_no_slope(self, observations: Observations, player: str) -> bool:
        names = ("slope.generator.size",) if player == "generator" else ("slope.real.size", "slope.fake.size")
        largest = [observations.recent(name, LEAST_STEPS).largest() for name in names]
        return any(math.isfinite(value) for value in largest) and not any(value > 0 for value in largest)

    def _still(self, observations: Observations, player: str, still: Sustained) -> Finding:
        series = observations.series(f"update.{player}").finite()
        moved_before = still.records < len(series)
        rate = _learning_rate(observations, player)
        gradient = observations.recent(f"gradient.{player}", LEAST_STEPS).median()
        if moved_before and (rate == 0.0 or math.isnan(rate)):
            severity, sure = "info", 0.7
        else:
            severity, sure = "error", 0.97 if gradient > 0 else 0.93
        message = (
            f"The {player}'s parameters changed by {still.value:.1e} of their norm per step over "
            f"{still.steps:.0f} "
            f"steps ({still.records} records)"
        )
        message += f" although their gradient has a norm of {gradient:.3g}." if gradient > 0 else "."
        if rate == 0.0:
            message += " Its learning rate is 0."
        elif moved_before:
            message += f" They moved until step {still.since}."
        return self.finding(
            severity,  # type: ignore[arg-type]
            sure,
            message,
            evidence=(
                Measurement(
                    f"update.{player}",
                    still.value,
                    SMALLEST_UPDATE,
                    "below",
                    SOURCE,
                    "relative change of the parameters in one step",
                ),
                *(
                    (Measurement(f"gradient.{player}", gradient, meaning="norm of the parameters' gradient"),)
                    if math.isfinite(gradient)
                    else ()
                ),
            ),
            because=(
                Alternative(
                    "several steps of the other player to one of this",
                    "ruled out",
                    f"{still.records} records are steps of the {player}'s own optimizer",
                ),
                Alternative(
                    "steps skipped by a gradient scaler",
                    "ruled out" if observations.fact("precision") == "float32" else "unlikely",
                    "the scores are in float32"
                    if observations.fact("precision") == "float32"
                    else "a scaler halves its scale at every skip and would not skip for "
                    f"{still.steps:.0f} steps",
                ),
                Alternative(
                    "a loss without slope (met margins)",
                    "ruled out" if self._slope_known(observations, player) else "open",
                    "the loss has a slope at the scores"
                    if self._slope_known(observations, player)
                    else "the slope at the scores was not measured; watch the run live",
                ),
            ),
            since=still.since,
        )

    def _slope_known(self, observations: Observations, player: str) -> bool:
        name = "slope.generator.size" if player == "generator" else "slope.real.size"
        return observations.recent(name, LEAST_STEPS).largest() > 0

    @staticmethod
    def _plays(observations: Observations) -> bool:
        """Whether the two meet at all: a generator that is trained alone first has no discriminator yet."""
        names = ("score.real.mean", "score.fake.mean", "score.generator.mean")
        tokens = observations.fact("discriminator.discrete") is True  # they are not followed
        return tokens or any(len(observations.series(name)) for name in names)

    def _never(self, observations: Observations, player: str) -> Finding | None:
        other = "generator" if player == "discriminator" else "discriminator"
        unused = int(observations.fact(f"loss.unused.{player}", 0) or 0)
        if (
            observations.source == "log"
            or observations.updates.get(player, 0) > 0
            or observations.updates.get(other, 0) < (LEAST_STEPS if unused >= UNUSED else SUSPECT_AFTER)
            or not (self._plays(observations) or unused >= UNUSED)
        ):
            return None
        certain = observations.updates[other] >= NEVER_AFTER or unused >= UNUSED
        return self.finding(
            "error" if certain else "warning",
            0.9 if certain else 0.75,
            f"The {player} was never updated, while the {other} had {observations.updates[other]} updates"
            + (
                ", though its own loss is sent back: no optimizer takes the step."
                if unused >= UNUSED
                else "."
            ),
            evidence=(
                Measurement(f"update.{player}", 0.0, 1.0, "below", NEVER, f"updates of the {player}"),
                Measurement(
                    "steps.ratio",
                    float(observations.fact("steps.ratio", math.inf)),
                    meaning="discriminator updates per generator update",
                ),
            ),
            because=(
                Alternative(
                    "a schedule with many steps of one player",
                    "ruled out" if certain else "unlikely",
                    f"{observations.updates[other]} steps went by; published ones have 100 at most"
                    if unused < UNUSED
                    else "in such a schedule its loss is not computed until its step is due",
                ),
                Alternative(
                    "an optimizer that equipoise does not see",
                    "open",
                    "only subclasses of torch.optim.Optimizer are followed; compare the weights of two "
                    "checkpoints",
                ),
            ),
            since=0,
        )


def _learning_rate(observations: Observations, player: str) -> float:
    """The learning rate of the player's optimizer; nan if unknown."""
    for optimizer in observations.fact("optimizers", []):
        if optimizer.get("player") == player and optimizer.get("learning_rate") is not None:
            return float(optimizer["learning_rate"])
    return math.nan
