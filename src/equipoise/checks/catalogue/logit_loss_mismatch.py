"""EQ001: the discriminator's last activation does not fit the loss."""

from __future__ import annotations

import math
from dataclasses import replace

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.fingerprints import ENVELOPE_FAKE_LOW, ENVELOPE_REAL_LOW
from equipoise.checks.reach import activations
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.checks.windows import sustained
from equipoise.history.observations import Observations

NEAR_ONE_HALF = 0.2
LEAST_STEPS = 50  # of outputs inside [0, 1]; a logit crosses zero within a few steps of any start
LEAST_RECORDS = 5
GOOD_FIT = 0.1  # relative error of the family's slope; the right family is exact to rounding
SQUASHING = ("sigmoid", "softmax", "tanh")
LOGIT_FAMILIES = ("non-saturating", "minimax")
UNBOUNDED = ("wasserstein",)
LOGISTIC = "logistic"
OTHER_TERM = 0.01  # of the generator's gradient at the samples, so that there is another term
# They compare scores before any transformation: behind a sigmoid two of them differ by 1 at most.
RELATIVISTIC = ("relativistic-pairing", "relativistic-average", "relativistic-average-hinge")
# Of a probability that cannot come nearer to 0 or to 1 a sure answer is out of reach.
OUT_OF_REACH = 0.1
RECORDS_OF_ONE = 5
ONE_ANSWER = "exact: exp(x) / exp(x) is 1"
REACH = "exact: what the activations at the output can give, one behind another"
EXPLAINED = (*SYMPTOMS, "unfused-bce", "critic-unconstrained", "gradient-penalty-invalid")
STRUCTURE = "exact: a bounded head under a loss that needs unbounded scores"
DOUBLE = "exact: the slopes are those of a sigmoid applied twice"
LOGIT = "a sigmoid's range, over at least 50 steps and 5 records (PaddlePaddle issue 22085)"
ENVELOPE = "softplus(0) and softplus(-1), the bounds of a double sigmoid's loss (arithmetic)"


@CHECKS.register("logit-loss-mismatch")
class LogitLossMismatch(Check):
    """The discriminator ends in an activation that its loss does not expect.

    What it does
        Recognises a probability handed to a loss that expects a logit (the sigmoid is then applied twice),
        and a squashed score handed to a loss that needs an unbounded one (Wasserstein, hinge).

    Why it is bad
        A double sigmoid can say no more than "between 50 % and 73 % real": the loss cannot fall below 0.313
        on reals and 0.693 on fakes, and the gradient shrinks by the sigmoid's derivative. A squashed
        Wasserstein critic has no gradient wherever it is sure, which is what that loss was invented to
        avoid.

    Evidence and threshold
        Exact, error: all outputs behind a softmax are 1 in 5 records (it runs over one answer). Exact,
        error: what stands before the discriminator's final sigmoid keeps the probability above 0.1 or below
        0.9 (a relu, which leaves 0.5 to 1; a second sigmoid, 0.5 to 0.73); or a relu or softplus at the end
        leaves no score below zero, which a loss of logits or hinge asks of fakes (a warning for Wasserstein
        and relativistic losses, which lose their slope at zero only). Exact, error: the slopes fit a
        sigmoid applied twice (`objective.double_sigmoid`); or a Wasserstein loss on the output of a
        sigmoid, softmax or tanh (information where nothing else bounds the critic and its term is one of
        several: the plain mean of a probability, as some super-resolution loops have it); or a loss of
        logits on the output of a tanh. Error from two signals: all outputs within [0, 1] over at least 50
        steps and 5 records, and slopes that fit a loss of logits at these outputs within 10 %. Warning: a
        hinge or a relativistic loss behind such an activation, or one of the losses above in the
        generator's step alone (a penalty hides the discriminator's); in a plain log, losses inside the
        double sigmoid's envelope (fake never below 0.69, real never below 0.313, over at least 50 records)
        that do move.

    What else it could be
        - A plateau at ln 2 of a discriminator that cannot tell: its outputs are logits on both sides of zero.
        - A sigmoid with the matching loss on probabilities: its slopes do not fit a loss of logits at the
          output.
        - Least squares behind a sigmoid: works, and is not reported.

    Remedies
        Remove the final activation (the loss applies it), or use the loss that expects probabilities. Then
        start again. A larger learning rate only hides it.

    References
        - https://github.com/PaddlePaddle/Paddle/issues/22085 (sigmoid and a loss with logits)
        - https://github.com/torchgan/torchgan/issues/116
        - https://github.com/ozanciga/gans-with-pytorch/issues/2 (Wasserstein critic with a sigmoid)
        - Arjovsky et al., "Wasserstein GAN", 2017, section 3: the critic is not squashed.
        - Jolicoeur-Martineau, "The relativistic discriminator", 2018: C(x), before any transformation.
    """

    code = "EQ001"
    name = "logit-loss-mismatch"
    kinds = ("preflight", "passive")
    signals = (
        "score.output.low",
        "score.output.high",
        "penalty.applied",
        "objective.fit",
        "loss.discriminator.real",
        "loss.discriminator.fake",
    )
    facts = (
        "objective.double_sigmoid",
        "objective.declared",
        "objective.family",
        "objective.family.output",
        "objective.generator",
        "objective.discriminator",
        "discriminator.output_activation",
        "discriminator.output_activations",
        "discriminator.output_range",
        "discriminator.spectral_norm",
        "weight.clipping",
        "objective.composite",
    )
    stage = "wiring"
    # The last one by a softmax of one answer alone, which has no slope.
    explains = (*EXPLAINED, "frozen-network")
    remedies = (
        Remedy(
            "remove-final-activation",
            "Return logits: remove the discriminator's last activation and keep the loss that expects "
            "logits; then "
            "start the run again.",
            "root",
            "unsafe",
        ),
        Remedy(
            "raise-discriminator-learning-rate",
            "Raise the discriminator's learning rate to make up for the shrunken gradient.",
            "symptomatic",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        alone = self._softmax_of_one(observations)
        if alone is not None:
            return alone
        if observations.fact("objective.double_sigmoid") is True:
            found: Finding | None = self._double(observations)
        else:
            found = (
                self._unbounded_loss(observations)
                or self._out_of_reach(observations)
                or self._logits_in_unit_interval(observations)
                or self._envelope(observations)
            )
        return found and replace(found, explains=EXPLAINED)

    def _softmax_of_one(self, observations: Observations) -> Finding | None:
        """A softmax over a single answer is 1 whatever it is given, and has no slope."""
        low, high = (observations.series(f"score.output.{end}").finite() for end in ("low", "high"))
        if observations.fact("discriminator.output_activation") != "softmax" or len(low) < RECORDS_OF_ONE:
            return None
        if not (low.smallest() == low.largest() == 1.0 and high.smallest() == high.largest() == 1.0):
            return None
        return self.finding(
            "error",
            0.97,
            "The discriminator ends in a softmax over a single answer: it is 1 for every sample, and sends "
            "nothing back.",
            evidence=(
                Measurement(
                    "score.output.low", 1.0, 1.0, "equal to", ONE_ANSWER, f"in all {len(low)} records"
                ),
            ),
            because=(
                Alternative(
                    "a discriminator that is sure", "ruled out", "no answer was ever below 1, in either batch"
                ),
            ),
            since=0,
        )

    def _double(self, observations: Observations) -> Finding:
        fit = observations.last("objective.fit")
        return self.finding(
            "error",
            0.97,
            "The discriminator's probability is put through a second sigmoid: the loss expects logits, "
            "and the "
            "slopes at the scores are those of a sigmoid applied twice.",
            evidence=(
                Measurement("objective.double_sigmoid", 1.0, 1.0, "equal to", DOUBLE, "1: they fit"),
                *(
                    (Measurement("objective.fit", fit, meaning="relative error of that fit"),)
                    if math.isfinite(fit)
                    else ()
                ),
            ),
            because=(
                Alternative(
                    "a discriminator that cannot tell (loss at ln 2)",
                    "ruled out",
                    "the slope's shape decides, not the level of the loss",
                ),
            ),
            since=0,
        )

    def _unbounded_loss(self, observations: Observations) -> Finding | None:
        activation = observations.fact("discriminator.output_activation")
        declared = observations.fact("objective.declared")
        at_output = observations.fact("objective.family.output")
        # A penalty on reals reaches the sigmoid's input too and hides the family there; the generator's own
        # slopes at the raw output are free of it.
        generated = observations.fact("objective.generator")
        alone = not (declared or at_output) and generated in (*UNBOUNDED, LOGISTIC)
        family = generated if alone else declared or at_output
        # What a sigmoid gives is a probability, and has checks of its own; what tanh gives is no logit.
        logits = activation == "tanh" and (at_output == LOGISTIC or (alone and generated == LOGISTIC))
        if activation not in SQUASHING or not (logits or family in (*UNBOUNDED, "hinge", *RELATIVISTIC)):
            return None
        exact = (logits or family in UNBOUNDED) and not alone
        if exact and not (logits or declared) and self._bounded_on_purpose(observations):
            return self._linear(activation)
        return self.finding(
            "error" if exact else "warning",
            0.95 if exact else 0.75,
            f"The discriminator ends in a {activation}, but its {family} loss needs unbounded scores: "
            "where it is sure, "
            "its gradient is gone.",
            evidence=(
                Measurement(
                    "discriminator.output_activation",
                    1.0,
                    1.0,
                    "equal to",
                    STRUCTURE,
                    f"1: the last activation is a {activation}",
                ),
            ),
            because=(
                Alternative(
                    "another loss than it seems",
                    "ruled out",
                    f"the user declared `{declared}`"
                    if declared
                    else f"the slopes at the raw output fit `{family}`"
                    + (" in the generator's step" if alone else ""),
                ),
            ),
            since=0,
        )

    @staticmethod
    def _bounded_on_purpose(observations: Observations) -> bool:
        """Whether nothing else bounds the critic, and its term is one of several of the generator's."""
        return bool(
            observations.fact("weight.clipping") is None
            and not observations.fact("discriminator.spectral_norm")
            and not observations.series("penalty.applied").largest() > 0
            and float(observations.fact("objective.composite") or 0.0) >= OTHER_TERM
        )

    def _linear(self, activation: str) -> Finding:
        return self.finding(
            "info",
            0.7,
            f"The loss is the plain mean of what the discriminator's {activation} gives. As a term beside "
            "others, and with nothing else that bounds the critic, this trains; where the discriminator is "
            "sure, the term's gradient is gone.",
            evidence=(
                Measurement("discriminator.output_activation", 1.0, 1.0, "equal to", STRUCTURE, activation),
            ),
            because=(
                Alternative(
                    "a Wasserstein critic",
                    "unlikely",
                    "it would be bounded by a penalty, a clip or spectral normalisation, and not by this",
                ),
            ),
            since=0,
        )

    def _out_of_reach(self, observations: Observations) -> Finding | None:
        """Answers that the activations at the discriminator's output never let it give."""
        chain, low, high = activations(observations, "discriminator")
        names = " behind ".join(chain)
        if chain[:1] == ["sigmoid"] and (low > OUT_OF_REACH or high < 1 - OUT_OF_REACH):
            sure, kept = True, low > OUT_OF_REACH
            said = f"{names}: no probability beyond [{low:.2g}, {high:.2g}] can be given"
        elif chain[:1] in (["relu"], ["softplus"]):
            families = {
                observations.fact(f"objective.{name}")
                for name in ("declared", "discriminator", "family", "family.output")
            }
            sure, kept = bool(families & {*LOGIT_FAMILIES, LOGISTIC, "hinge"}), True
            if not sure and not (chain[0] == "relu" and families & {*UNBOUNDED, *RELATIVISTIC}):
                return None
            said = f"{names}: no score can be negative"
        else:
            return None
        return self.finding(
            "error" if sure else "warning",
            0.95 if sure else 0.75,
            f"The discriminator ends in {said}"
            + (", so it can call no sample fake." if sure and kept else ", which its loss asks for."),
            evidence=(
                Measurement(
                    "discriminator.output_range",
                    low if kept else high,
                    0.0 if kept else 1.0,
                    "above" if kept and low > 0 else "below" if not kept else "not below",
                    REACH,
                    "end of the values that the last activations can give",
                ),
            ),
            because=(
                Alternative(
                    "a generator that fools the discriminator",
                    "ruled out",
                    "the graph at the output decides, not the scores",
                ),
            ),
            since=0,
        )

    @staticmethod
    def _starts_at_one_half(observations: Observations, since: float) -> bool:
        """A probability starts near one half; a logit near zero, where it may stay if nothing trains it."""
        low = observations.series("score.output.low").since(since).finite().first
        high = observations.series("score.output.high").since(since).finite().first
        return abs((low + high) / 2 - 0.5) < NEAR_ONE_HALF

    def _logits_in_unit_interval(self, observations: Observations) -> Finding | None:
        # With an activation that was seen, the fit of a double sigmoid would have told.
        if observations.fact("discriminator.output_activation") is not None:
            return None
        low = sustained(
            observations,
            "score.output.low",
            lambda v: v >= 0,
            steps=LEAST_STEPS,
            records=LEAST_RECORDS,
            tolerated=0,
        )
        high = sustained(
            observations,
            "score.output.high",
            lambda v: v <= 1,
            steps=LEAST_STEPS,
            records=LEAST_RECORDS,
            tolerated=0,
        )
        family = observations.fact("objective.family")
        fit = observations.series("objective.fit").median()
        if low is None or high is None or family not in LOGIT_FAMILIES or not fit <= GOOD_FIT:
            return None
        if not self._starts_at_one_half(observations, max(low.since, high.since)):
            return None
        lowest = observations.series("score.output.low").since(low.since).smallest()
        highest = observations.series("score.output.high").since(high.since).largest()
        return self.finding(
            "error",
            0.93,
            f"All the discriminator's outputs of the last {min(low.steps, high.steps):.0f} steps are within "
            f"[{lowest:.2g}, {highest:.2g}], so they are probabilities, but the {family} loss takes them "
            "as logits.",
            evidence=(
                Measurement(
                    "score.output.low", lowest, 0.0, "not below", LOGIT, "smallest output of the window"
                ),
                Measurement(
                    "score.output.high", highest, 1.0, "not above", LOGIT, "largest output of the window"
                ),
                Measurement(
                    "objective.fit",
                    fit,
                    GOOD_FIT,
                    "below",
                    "the right family fits to rounding; 10 % leaves room for half precision",
                    f"relative error of the {family} slope at these outputs",
                ),
            ),
            because=(
                Alternative(
                    "a loss on probabilities, which would be right",
                    "ruled out",
                    f"its slope 1/p does not fit; that of logits does, within {fit:.1%}",
                ),
                Alternative(
                    "logits that happen to be small",
                    "ruled out",
                    f"no output was negative in {low.records} records over {low.steps:.0f} steps",
                ),
            ),
            since=low.since,
        )

    def _envelope(self, observations: Observations) -> Finding | None:
        # Live losses are reconstructed from the family, so only a log's own losses tell anything here.
        if observations.source != "log":
            return None
        fake = sustained(
            observations,
            "loss.discriminator.fake",
            lambda v: v >= ENVELOPE_FAKE_LOW - 0.003,
            steps=0,
            records=50,
            tolerated=0,
        )
        real = sustained(
            observations,
            "loss.discriminator.real",
            lambda v: (v >= ENVELOPE_REAL_LOW - 1e-4) & (v <= ENVELOPE_FAKE_LOW + 0.003),
            steps=0,
            records=50,
            tolerated=0,
        )
        if fake is None or real is None:
            return None
        lowest = observations.series("loss.discriminator.fake").since(fake.since).smallest()
        values = observations.series("loss.discriminator.real").since(real.since).finite().values
        if float(values.std()) < 0.01:
            return None
        return self.finding(
            "warning",
            0.7,
            f"Over {fake.records} records the fake half of the loss never fell below {lowest:.3f} and the "
            "real half "
            f"never below {values.min():.3f}: the bounds of a sigmoid applied twice.",
            evidence=(
                Measurement(
                    "loss.discriminator.fake",
                    lowest,
                    ENVELOPE_FAKE_LOW,
                    "not below",
                    ENVELOPE,
                    "lowest value",
                ),
                Measurement(
                    "loss.discriminator.real",
                    float(values.min()),
                    ENVELOPE_REAL_LOW,
                    "not below",
                    ENVELOPE,
                    "lowest value",
                ),
            ),
            because=(
                Alternative(
                    "a generator that fools the discriminator",
                    "open",
                    "look at the discriminator's last layer, or watch the run live: the slopes at the "
                    "scores tell",
                ),
            ),
            since=fake.since,
        )
