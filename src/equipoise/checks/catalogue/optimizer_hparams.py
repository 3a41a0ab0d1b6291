"""EQ016: optimizer settings outside the range that published GANs use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.rates import EXTREME_RATE, LARGEST_UPDATE, threw_to_rest, usual_size
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.windows import sustained
from equipoise.history.observations import Observations

LARGEST_RATE = 1e-2
LARGEST_RATE_SGD = 1.0
SMALLEST_RATE = 1e-6
LARGEST_RATIO = 10.0
EXTREME_RATIO = 50.0
# Of the size that is usual for the weights of a layer with so many inputs.
LARGEST_STEP = 0.1
PERFECT_AUC = 0.999
SMALLEST_UPDATE = 1e-6
LARGEST_BETA = 0.5
EXTREME_BETA = 0.95
LARGEST_DECAY = 0.1
EXTREME_DECAY = 1.0
SMALLEST_CLIP = 0.05
SMALLEST_EPSILON_HALF = 1e-7
LARGEST_EPSILON = 1e-3
EXTREME_EPSILON = 0.1
RATE_SOURCE = "UMLAUT (rates above 0.01 or below 1e-7); ours for the lower end"
EXTREME_SOURCE = "ours: an adaptive step moves each weight by about the rate, and weights are that size"
UPDATE_SOURCE = "DeepDiagnosis: update ratio outside 1e-5 to 1e-1"
RATIO_SOURCE = "BigGAN and SAGAN use 4; ours: a factor 10 is unusual, 50 is a mistake"
BETA_SOURCE = "Radford et al. 2016 (0.5); Gulrajani et al. 2017 (0)"
CLIP_SOURCE = "SRNet issue 18: gradients clamped to 0.01 stood still, 1 did not"
DECAY_SOURCE = "ours: published GANs use 0 to 0.01; from 1 it outweighs any loss of the order of one"
# A rate that has ended at zero: the run went on for so many times as long as the rate was above it.
ENDED_TIMES = 4.0
ENDED_STEPS = 100
ENDED_RECORDS = 3
ENDED_SOURCE = "ours: published schedules end with the run; four fifths of this one were not trained"
EXTREME_BETA_SOURCE = "ours: beyond 0.9, the usual one outside of GANs"
LARGE_EPSILON_SOURCE = "ours: beyond the gradients' size Adam is plain descent at rate / epsilon; usual: 1e-8"
EPSILON_SOURCE = "AdaBelief issue 31: too small an epsilon in half precision"
_PLAIN = ("SGD",)
# Methods that find their own step size; their rate only scales it, and is 1 unless there is a reason (Zeiler
# 2012, 1212.5701; Mishchenko and Defazio 2023, 2306.06101).
_OWN_STEP = ("Adadelta", "Prodigy", "DAdaptAdam", "DAdaptSGD")
# What settings outside the range explain; a rate of zero also explains that nothing moves.
_OUTSIDE = (
    *SYMPTOMS,
    "non-finite",
    "exploding-gradient",
    "adversarial-weight-imbalance",
    "gradient-penalty-invalid",
    "eval-drift",
)
# A bound on the norm is harmless under Adam, which divides by the gradient's size; SGD's step it bounds.
SMALLEST_UPDATE_CLIPPED = 3e-5
MOSTLY = 0.9


@dataclass(frozen=True)
class _Remark:
    text: str
    measurement: Measurement
    serious: Measurement | None = None  # the second signal that makes it a warning


_SCHEDULE = Remedy(
    "schedule-as-long-as-the-run",
    "Give the schedule the length of the run in the unit in which it is stepped: step it once an epoch if "
    "its length is in epochs, or count its length in batches.",
    "root",
    "display-only",
)


@CHECKS.register("optimizer-hparams")
class OptimizerHyperparameters(Check):
    """An optimizer setting is far outside what published GAN training uses.

    What it does
        Compares learning rates, their ratio, the momentum and gradient clipping with the range that
        published GANs use, and looks whether the size of the updates confirms a problem.

    Why it is bad
        A rate that is much too large lets the losses jump and the networks diverge; one player's rate that
        is far above the other's decides the game; clipping gradients to tiny values stops the training.

    Evidence and threshold
        Info: a learning rate above 0.01 (1 for SGD, Adadelta) or below 1e-6; a ratio of the two rates beyond
        10; a first beta above 0.5 without any regularizer; a weight decay above 0.1; gradients clipped by
        norm below 0.05; an Adam epsilon above 1e-3, or below 1e-7 with float16 scores. Warning, from a second
        signal or far beyond: the relative update is above 0.1 (or below 1e-6 for a small rate), the rate of
        an adaptive optimizer is 0.05 or more (both only from a tenth of the weights' usual size for their
        fan-in on), the ratio is beyond 50, the first beta is 0.95 or more, the epsilon is 0.1 or more, the
        weight decay is 1 or more, or gradients are clipped by value below 0.05.
        Warning: a rate that was above zero is exactly zero now, and the player's updates have been zero for
        at least 100 steps (3 records) and more than four times as long as before: a schedule that is over
        too soon. It explains what an untrained pair looks like.

    What else it could be
        - A learning rate that is still warming up: small rates warn only when the updates are small too.
        - A two time-scale rule (discriminator 4 times faster): within the range.
        - A schedule that reaches zero where the run ends: then the rest without updates is short.
        - A critic with several steps to one: the ratio of rates is compared, not of steps.

    Remedies
        Start from Adam with a rate of 2e-4 for both and betas (0.5, 0.999), or with a penalty (0, 0.99).

    References
        - Radford et al., 2016, section 4; Heusel et al., "Two Time-Scale Update Rule", 2017.
        - https://github.com/lksshw/SRNet/issues/18
        - https://github.com/NVlabs/stylegan2-ada-pytorch/issues/157 (rate too high)
        - https://github.com/NVlabs/stylegan2-ada-pytorch/issues/106 (beta 0 made it worse: advice differs)
    """

    code = "EQ016"
    name = "optimizer-hparams"
    kinds = ("preflight", "passive")
    signals = ("update.generator", "update.discriminator", "penalty.applied", "score.auc")
    facts = (
        "optimizers",
        "gradient.clipping",
        "precision",
        "discriminator.spectral_norm",
        "weight.clipping",
        "generator.initialisation",
        "discriminator.initialisation",
    )
    stage = "wiring"
    explains = (*_OUTSIDE, "frozen-network")
    remedies = (
        Remedy(
            "usual-optimizer",
            "Use Adam with a learning rate of 2e-4 for both players and betas (0.5, 0.999); with a "
            "gradient penalty betas "
            "(0, 0.99).",
            "root",
            "unsafe",
        ),
        Remedy(
            "raise-clipping-bound",
            "Clip gradients by norm at 1 or above, or not at all.",
            "root",
            "safe",
        ),
        _SCHEDULE,
    )

    def run(self, observations: Observations) -> Finding | None:
        return self._ended(observations) or self._unusual(observations)

    def _ended(self, observations: Observations) -> Finding | None:
        """Rates that a schedule took to zero long before the end."""
        found = []
        for player in ("generator", "discriminator"):
            rates = [_rate(one) for one in observations.fact("optimizers", []) if one.get("player") == player]
            if not rates or any(rate != 0 for rate in rates):
                continue
            updates = observations.series(f"update.{player}").finite()
            moving = np.flatnonzero(updates.values > 0)
            if not len(moving) or len(updates) - moving[-1] - 1 < ENDED_RECORDS:
                continue
            since = float(updates.steps[moving[-1] + 1])
            rested = float(updates.steps[-1]) - since
            if rested >= ENDED_STEPS and rested > ENDED_TIMES * since:
                found.append((player, since, rested))
        if not found:
            return None
        since, rested = max(one[1] for one in found), min(one[2] for one in found)
        who = " and ".join(f"the {player}'s" for player, _, _ in found)
        return self.finding(
            "warning",
            0.85,
            f"The learning rate ({who}) is zero, and has been from step {since:,.0f} or earlier: for the "
            f"last {rested:,.0f} steps the updates are exactly zero, and nothing is learned any more.",
            evidence=(
                Measurement(
                    f"update.{found[0][0]}",
                    rested / max(since, 1.0),
                    ENDED_TIMES,
                    "above",
                    ENDED_SOURCE,
                    "steps at a rate of zero, over the steps before",
                ),
            ),
            because=(
                Alternative(
                    "a schedule that ends with the run",
                    "ruled out",
                    f"it was over after {since / max(since + rested, 1.0):.0%} of the run",
                ),
                Alternative(
                    "a network that is kept as it is from there on, on purpose",
                    "unlikely" if len(found) == 2 else "open",
                    "neither of the two is trained"
                    if len(found) == 2
                    else "then its optimizer need not step any more",
                ),
            ),
            since=int(since),
            remedies=(_SCHEDULE,),
        )

    def _unusual(self, observations: Observations) -> Finding | None:
        ratio = self._ratio(observations)
        remarks = [
            *self._rates(observations),
            *ratio,
            *self._momentum(observations),
            *self._decay(observations),
            *self._clipping(observations),
        ]
        if not remarks:
            return None
        remarks.sort(key=lambda remark: remark.serious is None)
        serious = remarks[0].serious is not None
        # A ratio alone makes a strong discriminator stronger; what starves the generator has its own cause.
        only_ratio = all(remark.serious is None for remark in remarks if remark not in ratio)
        return self.finding(
            "warning" if serious else "info",
            0.75 if serious else 0.6,
            " ".join(remark.text for remark in remarks),
            evidence=tuple(
                measurement
                for remark in remarks
                for measurement in (remark.measurement, remark.serious)
                if measurement is not None
            ),
            because=(
                Alternative(
                    "settings that fit this pair of networks",
                    "unlikely" if serious else "open",
                    f"{remarks[0].serious.meaning}: {remarks[0].serious.value:.3g}"
                    if remarks[0].serious
                    else "nothing measured so far shows harm",
                ),
            ),
            since=0 if serious else None,
            explains=()
            if only_ratio
            else (*_OUTSIDE, "frozen-network")
            if threw_to_rest(observations)
            else _OUTSIDE,
        )

    def _rates(self, observations: Observations) -> list[_Remark]:
        remarks = []
        for optimizer in observations.fact("optimizers", []):
            rate, player = _rate(optimizer), optimizer.get("player")
            if player not in ("generator", "discriminator") or not rate > 0:
                continue
            kind = str(optimizer.get("type", "optimizer"))
            largest = LARGEST_RATE_SGD if kind in (*_PLAIN, *_OWN_STEP) else LARGEST_RATE
            update = observations.series(f"update.{player}")
            if rate > largest:
                second = _second(f"update.{player}", update.largest(), LARGEST_UPDATE, above=True)
                if second is None and kind not in _PLAIN:
                    # The step that threw everything away may lie between two records.
                    second = _extreme(rate, EXTREME_RATE, EXTREME_SOURCE, f"rate of the {player}")
                if kind not in (*_PLAIN, *_OWN_STEP) and rate < LARGEST_STEP * usual_size(
                    observations, player
                ):
                    second = None  # next to weights that start far too small any step is large
                remarks.append(_rate_remark(player, kind, rate, largest, "above", second))
            elif rate < SMALLEST_RATE:
                second = _second(f"update.{player}", update.median(), SMALLEST_UPDATE, above=False)
                remarks.append(_rate_remark(player, kind, rate, SMALLEST_RATE, "below", second))
        return remarks

    def _ratio(self, observations: Observations) -> list[_Remark]:
        rates = {
            optimizer.get("player"): _rate(optimizer) for optimizer in observations.fact("optimizers", [])
        }
        generator, discriminator = rates.get("generator", math.nan), rates.get("discriminator", math.nan)
        if not (generator > 0 and discriminator > 0):
            return []
        plain = {
            next((kinds for kinds in (_PLAIN, _OWN_STEP) if str(one.get("type")) in kinds), None)
            for one in observations.fact("optimizers", [])
            if one.get("player") in ("generator", "discriminator")
        }
        ratio = max(generator, discriminator) / min(generator, discriminator)
        # Rates of plain gradient descent and of methods that divide by the gradient's size are no ratio.
        if ratio <= LARGEST_RATIO or len(plain) > 1:
            return []
        faster = "generator" if generator > discriminator else "discriminator"
        measurement = Measurement(
            "optimizers", ratio, LARGEST_RATIO, "above", RATIO_SOURCE, "ratio of the two learning rates"
        )
        extreme = Measurement(
            "optimizers",
            ratio,
            EXTREME_RATIO,
            "above",
            RATIO_SOURCE,
            "ratio of the two learning rates, against the bound of a mistake",
        )
        starved = sustained(observations, "score.auc", lambda v: v > PERFECT_AUC)
        if faster == "discriminator" and starved is not None and observations.warmed_up:
            extreme = Measurement(
                "score.auc",
                starved.value,
                PERFECT_AUC,
                "above",
                "survey of reported failures: a discriminator that wins for 200 steps",
                "AUC of the faster discriminator",
            )
            serious = True
        else:
            serious = ratio > EXTREME_RATIO
        return [
            _Remark(
                f"The {faster}'s learning rate is {ratio:.3g} times the other's ({generator:.2g} generator, "
                f"{discriminator:.2g} discriminator).",
                measurement,
                extreme if serious else None,
            )
        ]

    def _momentum(self, observations: Observations) -> list[_Remark]:
        regular = (
            observations.series("penalty.applied").largest() > 0
            or float(observations.fact("discriminator.spectral_norm", 0.0)) > 0
            or observations.fact("weight.clipping") is not None
        )
        half = observations.fact("precision") == "float16"
        remarks = []
        for optimizer in observations.fact("optimizers", []):
            betas, epsilon = optimizer.get("betas"), optimizer.get("epsilon")
            player = optimizer.get("player")
            if betas and betas[0] > LARGEST_BETA and not regular:
                remarks.append(
                    _Remark(
                        f"The {player}'s first beta is {betas[0]:g}; without a regularizer published GANs "
                        "use 0.5 or "
                        "less.",
                        Measurement(
                            "optimizers",
                            betas[0],
                            LARGEST_BETA,
                            "above",
                            BETA_SOURCE,
                            f"first beta of the {player}",
                        ),
                        _extreme(betas[0], EXTREME_BETA, EXTREME_BETA_SOURCE, f"first beta of the {player}"),
                    )
                )
            if betas and epsilon is not None and epsilon > LARGEST_EPSILON:
                meaning = f"epsilon of the {player}"
                remarks.append(
                    _Remark(
                        f"The {player}'s epsilon is {epsilon:g}: its steps shrink with its gradients.",
                        Measurement(
                            "optimizers", epsilon, LARGEST_EPSILON, "above", LARGE_EPSILON_SOURCE, meaning
                        ),
                        _extreme(epsilon, EXTREME_EPSILON, LARGE_EPSILON_SOURCE, meaning),
                    )
                )
            if half and betas and epsilon is not None and epsilon < SMALLEST_EPSILON_HALF:
                remarks.append(
                    _Remark(
                        f"The {player}'s epsilon is {epsilon:.0e} with scores in float16.",
                        Measurement(
                            "optimizers",
                            epsilon,
                            SMALLEST_EPSILON_HALF,
                            "below",
                            EPSILON_SOURCE,
                            f"epsilon of the {player}",
                        ),
                    )
                )
        return remarks

    @staticmethod
    def _decay(observations: Observations) -> list[_Remark]:
        remarks = []
        for optimizer in observations.fact("optimizers", []):
            decay, player = float(optimizer.get("weight_decay") or 0.0), optimizer.get("player")
            if player not in ("generator", "discriminator") or not decay > LARGEST_DECAY:
                continue
            meaning = f"weight decay of the {player}"
            remarks.append(
                _Remark(
                    f"The {player}'s weight decay is {decay:g}: it pulls the weights to zero.",
                    Measurement("optimizers", decay, LARGEST_DECAY, "above", DECAY_SOURCE, meaning),
                    _extreme(decay, EXTREME_DECAY, DECAY_SOURCE, meaning),
                )
            )
        return remarks

    def _clipping(self, observations: Observations) -> list[_Remark]:
        clipping = observations.fact("gradient.clipping", {}) or {}
        bound = clipping.get("bound")
        if bound is None or not bound < SMALLEST_CLIP:
            return []
        kind = clipping.get("kind", "norm")
        measurement = Measurement(
            "gradient.clipping",
            float(bound),
            SMALLEST_CLIP,
            "below",
            CLIP_SOURCE,
            f"bound of clipping by {kind}",
        )
        second = measurement if kind == "value" else self._standing_still(observations, float(bound))
        return [
            _Remark(
                f"The {clipping.get('player', 'player')}'s gradients are clipped by {kind} at {bound:g}"
                + (
                    f", and one step changes the weights by {second.value:.2g} of their norm"
                    if second
                    else ""
                )
                + ".",
                measurement,
                second,
            )
        ]

    @staticmethod
    def _standing_still(observations: Observations, bound: float) -> Measurement | None:
        """A bound that is always reached, under an optimizer that does not undo it as Adam does."""
        for optimizer in observations.fact("optimizers", []):
            player = optimizer.get("player")
            if str(optimizer.get("type")) not in _PLAIN or player not in ("generator", "discriminator"):
                continue
            norms = observations.series(f"gradient.{player}").finite()
            reached = len(norms) > 0 and float((norms.values > 0.99 * bound).mean()) > MOSTLY
            update = observations.series(f"update.{player}").median()
            if reached and update < SMALLEST_UPDATE_CLIPPED:
                return Measurement(
                    f"update.{player}",
                    update,
                    SMALLEST_UPDATE_CLIPPED,
                    "below",
                    "Karpathy, CS231n: updates of about 1e-3 of the weights; ours: a thirtieth of it",
                    "relative size of one step's update",
                )
        return None


def _rate(optimizer: dict[str, Any]) -> float:
    value = optimizer.get("learning_rate")
    return math.nan if value is None else float(value)


def _extreme(value: float, threshold: float, source: str, meaning: str) -> Measurement | None:
    """A setting so far out that it is a mistake by itself."""
    if value < threshold:
        return None
    return Measurement("optimizers", value, threshold, "at least", source, meaning)


def _second(name: str, value: float, threshold: float, *, above: bool) -> Measurement | None:
    if (value > threshold) if above else (value < threshold):
        comparison = "above" if above else "below"
        return Measurement(
            name, value, threshold, comparison, UPDATE_SOURCE, "relative size of one step's update"
        )
    return None


def _rate_remark(
    player: str, kind: str, rate: float, threshold: float, comparison: str, second: Measurement | None
) -> _Remark:
    confirmed = (
        f", and one step changes the weights by {second.value:.2g} of their norm"
        if second is not None and second.name.startswith("update.")
        else ""
    )
    size = "large" if comparison == "above" else "small"
    return _Remark(
        f"The {player}'s learning rate {rate:.2g} is unusually {size} for {kind}{confirmed}.",
        Measurement("optimizers", rate, threshold, comparison, RATE_SOURCE, f"learning rate of the {player}"),
        second,
    )
