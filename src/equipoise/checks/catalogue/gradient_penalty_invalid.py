"""EQ305: a gradient penalty is applied, but not to what it should be."""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.penalties import law, turned_about_a_target
from equipoise.checks.penalty_effect import EFFECT_FACTS, EFFECT_SIGNALS, without_effect
from equipoise.checks.penalty_law import LAW_SIGNALS, USUAL_WEIGHT, far_weight, negative_weight
from equipoise.checks.samples import IMPROVEMENT_SIGNALS, improvement
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# survey and B4: after 500 critic steps the mean norm lies in [0.3, 3].
LOWEST_NORM, HIGHEST_NORM = 0.3, 3.0
LARGE_UNITS = 10.0  # standard deviation of the reals
CRITIC_STEPS = 500
# An order of magnitude beside the target holds nothing, whatever the samples do meanwhile.
FAR_TOO_STEEP = 10.0
# A norm that the penalty has pushed to 1 within this, though it is that of a pixel. Calibrated.
PIXEL_LOW, PIXEL_HIGH = 0.3, 3.0
# Share of the penalised inputs outside the segment; U(0, 1) gives none, a normal alpha 1 - 0.341 = 66 %.
OUTSIDE = 0.05
ZERO = 1e-3
# Exact up to rounding: what the penalty sends back to a sample's slope g is a multiple of g.
PARALLEL = 0.999
# One factor for all samples though their norms differ by more than a hundredth: a norm of the whole batch.
SAME_FACTOR, DIFFERENT_NORMS = 1e-3, 0.01
RECORDS = 3
# A penalty that always pulls outwards, and no less the steeper the discriminator is.
TURNED_RECORDS = 6
CONSTANT_FACTOR = 0.02  # a squared norm has one factor for good; a norm towards a target does not
WITH_NORM, WIDER = 0.8, 1.2  # rank correlation of the pull's size with the norm, over norms so far apart
# Towards any target t a factor 1 - t / norm below zero changes, relatively, at least as much as the norm.
STILL = 3.0

_SIGN = Remedy(
    "turn-penalty-sign",
    "Add the penalty to the loss that the discriminator minimises, with a positive weight; then start the "
    "run again.",
    "root",
    "unsafe",
)
_PER_SAMPLE = Remedy(
    "penalise-per-sample",
    "Take the norm over all axes but the batch: gradients.flatten(1).norm(2, dim=1); with norm(dim=1) on "
    "N x C x H x W "
    "each pixel gets a norm of its own.",
    "root",
    "safe",
)
_UNIFORM_ALPHA = Remedy(
    "uniform-interpolation",
    "Draw one alpha per sample from U(0, 1), torch.rand(N, 1, 1, 1), so that x = alpha * real + (1 - "
    "alpha) * fake "
    "lies between a real and a fake.",
    "root",
    "safe",
)
_NO_INSTANCE_NORM = Remedy(
    "no-normalisation-across-the-penalised-axes",
    "Remove batch and instance norm from the critic (layer norm or none): they make the penalty's "
    "gradient zero or let "
    "samples share it.",
    "root",
    "unsafe",
)


_STRONGER = Remedy(
    "raise-penalty-weight",
    "Raise the penalty's weight (10 is the published one), or give the critic a lower learning rate: the "
    "penalty is right, but too weak for the critic's steps.",
    "root",
    "safe",
)


@CHECKS.register("gradient-penalty-invalid")
class GradientPenaltyInvalid(Check):
    """The Wasserstein critic is penalised, but its slope between real and fake is far from one.

    What it does
        The probe measures |ds/dx| per sample at its own U(0, 1) interpolates and compares it with the
        norm over the channel axis only, and with where the loop itself differentiated.

    Why it is bad
        A penalty over the wrong axes asks each pixel for a slope of 1, which makes the whole critic as many
        times steeper as the root of the number of pixels; at the wrong points it leaves the critic free where
        the generator is.

    Evidence and threshold
        For the Wasserstein family with a penalty that is applied, after 500 critic steps: more than 5 %
        of the penalised inputs outside the segment between a real and a fake: error (exact); mean norm
        above 3 while the norm over the channels alone is between 0.3 and 3: error; mean norm outside
        [0.3, 3] without these: warning (info below 0.3, and above 3 where what the penalty sends back
        proves a norm per sample and the samples get better: it is weak, not wrong). With patch scores at
        most information. Confidence: 0.65 (0.85 for an error) towards 0.97 by how far the norm is outside.
        Whatever the loss, errors: a norm that is not taken per sample (by the direction of what the penalty
        sends back to ds/dx); and a penalty of the wrong sign: it pulls ds/dx outwards in every record, by one
        factor for good (3 records, norms twice apart), or the more the steeper the discriminator is (6), or
        inwards at the smaller slopes (2 records) and outwards at the larger (3), or the factors of a batch's
        samples are those of a negative weight (5 records). For the Wasserstein family a weight, read off the
        same way, outside [0.01, 1000] times the loss's slope: warning. A slope that is computed in
        6 records and to which no loss is ever sent back (without create_graph, detached, not added), or
        nothing but zero though it is beyond 1.5: error where a Wasserstein loss needs it (0.95), else a
        warning (0.8).

    What else it could be
        An R1 or DRAGAN penalty: other families, other points, other targets; not judged here. A penalty per
        patch on purpose, as in SinGAN. A slope that is only logged, or along which samples are moved. The
        first hundreds of critic steps. A critic with batch or instance
        norm, whose gradient is not that of one sample. Data whose standard deviation is beyond 10, on which
        a slope of one is out of reach: `range-mismatch` says so.

    Remedies
        Root: flatten per sample before the norm; one uniform alpha per sample; no batch or instance norm
        in the critic; lambda = 10; the slope computed with create_graph=True, and its penalty added to the
        loss with a positive weight.

    References
        Gulrajani et al. (2017), algorithm 1 and section 4; caogang/wgan-gp issues 16, 25 and 27;
        PyTorch-GAN issue 20; keras-io issue 624.
    """

    code = "EQ305"
    name = "gradient-penalty-invalid"
    kinds = ("probe",)
    stage = "wiring"
    signals = (
        "sample.real.std",
        *IMPROVEMENT_SIGNALS,
        *EFFECT_SIGNALS,
        *LAW_SIGNALS,
        "penalty.parallel",
        "penalty.pull.spread",
        "penalty.gradient.std",
    )
    facts = (
        *EFFECT_FACTS,
        "objective.family",
        "score.shape",
        "discriminator.batch_norm",
        "discriminator.instance_norm",
    )
    probes = ("gradient-penalty",)
    explains = (
        "critic-magnitude-race",
        "critic-unconstrained",
        "exploding-gradient",
        "instability",
        "oscillation",
        "late-collapse",
        "mode-collapse",
        "batch-blindness",
        "vanishing-generator-gradient",
        "perfect-discriminator",
        "non-finite",
    )
    remedies = (
        _PER_SAMPLE,
        _UNIFORM_ALPHA,
        _NO_INSTANCE_NORM,
        _STRONGER,
        USUAL_WEIGHT,
        *root("wasserstein-gradient-penalty", "lower-learning-rates"),
    )

    def _turned(self, observations: Observations) -> Finding | None:
        """The exact test of the sign: a penalty towards any target never pulls outwards for good.

        Towards a target t it pulls inwards beyond t, and outwards below it, the less the nearer the norm is.
        """
        steps, pull, norms = law(observations)
        if len(steps) < RECORDS or not pull.max() < 0:
            return None
        size = -pull
        alike = observations.series("penalty.pull.spread").median() < SAME_FACTOR
        change, moved = float(size.std() / size.mean()), float(norms.std() / norms.mean())
        constant = alike and change < min(CONSTANT_FACTOR, moved / STILL)
        if not norms.max() > WIDER * norms.min():
            return None
        together = float(np.corrcoef(size.argsort().argsort(), norms.argsort().argsort())[0, 1])
        if not (constant or (together > WITH_NORM and len(steps) >= TURNED_RECORDS)):
            return None
        return self.finding(
            "error",
            0.95,
            f"The gradient penalty has the wrong sign: in all of {len(steps)} records it makes the "
            "discriminator steeper, "
            + ("by one factor whatever the slope is." if constant else "the more the steeper it is already."),
            evidence=(
                Measurement(
                    "penalty.pull",
                    float(pull.max()),
                    0.0,
                    "below",
                    "exact: gradient descent on |ds/dx|^2 pulls inwards",
                    "largest mean factor c in dL/dg = c g",
                ),
                Measurement(
                    "penalty.gradient",
                    float(norms.max()),
                    WIDER * float(norms.min()),
                    "above",
                    "ours: so that the pull could have changed",
                    "largest |ds/dx| seen; the threshold is the smallest, and a fifth more",
                ),
            ),
            because=(
                Alternative(
                    "a target that the slopes have not reached yet",
                    "ruled out",
                    "it would pull outwards the less the steeper the discriminator is",
                ),
            ),
            since=int(steps[0]),
            remedies=(_SIGN,),
            details={"case": "sign", "exact": True},
        )

    def _about_the_target(self, observations: Observations) -> Finding | None:
        """The same of a penalty towards a target whose side has changed."""
        turn = turned_about_a_target(observations)
        if turn is None:
            return None
        return self.finding(
            "error",
            0.95,
            f"The gradient penalty has the wrong sign: in {turn.records} records it makes the discriminator "
            f"flatter at slopes up to {turn.flat:.3g} and steeper at slopes from {turn.steep:.3g} on.",
            evidence=(
                Measurement(
                    "penalty.pull",
                    observations.series("penalty.pull").finite().last,
                    0.0,
                    "below",
                    "exact: dL/dg = 2 weight (1 - target / |g|) g",
                    "mean factor c in dL/dg = c g, in the newest record",
                ),
                Measurement(
                    "penalty.gradient",
                    turn.steep,
                    turn.flat,
                    "above",
                    "exact: all records",
                    "mean |ds/dx| from which it pulls outwards",
                ),
            ),
            since=turn.since,
            remedies=(_SIGN,),
            details={"case": "sign", "exact": True},
        )

    def _pulled(self, observations: Observations) -> Finding | None:
        """The exact test, whatever the loss: over which axes the loop's own penalty takes its norm."""
        parallel = observations.series("penalty.parallel").finite()
        if len(parallel) >= RECORDS and parallel.median() < PARALLEL:
            return self.finding(
                "error",
                0.97,
                "The gradient penalty does not take one norm per sample: what it sends back to a sample's "
                f"slope is not along that slope (cosine {parallel.median():.3f}, 1 for a norm over all axes "
                "but the batch).",
                evidence=(
                    Measurement(
                        "penalty.parallel",
                        parallel.median(),
                        PARALLEL,
                        "below",
                        "exact: d|g|/dg is g / |g|",
                        "cosine between the penalty's pull and the slope, mean over samples",
                    ),
                ),
                because=(
                    Alternative(
                        "a penalty per patch on purpose",
                        "open",
                        "then this finding does not apply; say so in the documentation of the run",
                    ),
                    Alternative(
                        "a critic that cannot be steep",
                        "ruled out",
                        "the direction is measured, not the size",
                    ),
                ),
                since=int(parallel.steps[0]),
                remedies=(_PER_SAMPLE,),
                details={"case": "axes", "exact": True},
            )
        pull = observations.series("penalty.pull").finite()
        factor = observations.series("penalty.pull.spread").finite()
        norms = observations.series("penalty.gradient").finite()
        spread = observations.series("penalty.gradient.std").finite()
        if min(len(pull), len(factor), len(norms), len(spread)) < RECORDS:
            return None
        differ = spread.median() > DIFFERENT_NORMS * norms.median()
        # R1 and other penalties towards zero pull all samples alike too, but never outwards.
        outwards = pull.smallest() < 0
        if not (differ and outwards and factor.median() < SAME_FACTOR):
            return None
        return self.finding(
            "error",
            0.95,
            "The gradient penalty takes one norm over the whole batch: it pulls all samples by the same "
            f"factor (spread {factor.median():.1e}) though their slopes differ by {spread.median():.2g} "
            f"around {norms.median():.2g}.",
            evidence=(
                Measurement(
                    "penalty.pull.spread",
                    factor.median(),
                    SAME_FACTOR,
                    "below",
                    "exact: with a norm per sample the factor is 1 - target / norm",
                    "spread of the penalty's factor over samples",
                ),
                Measurement("penalty.pull", pull.smallest(), 0.0, "below", "exact", "smallest mean factor"),
            ),
            because=(
                Alternative(
                    "a penalty towards zero, such as R1",
                    "ruled out",
                    f"it never pulls outwards; here the factor goes down to {pull.smallest():.2g}",
                ),
            ),
            since=int(pull.steps[0]),
            remedies=(_PER_SAMPLE,),
            details={"case": "batch", "exact": True},
        )

    def run(self, observations: Observations) -> Finding | None:
        family = observations.fact("objective.declared") or (
            observations.fact("objective.discriminator") or observations.fact("objective.family")
        )
        pulled = (
            without_effect(self, observations)
            or negative_weight(self, observations, _SIGN)
            or self._turned(observations)
            or self._about_the_target(observations)
            or self._pulled(observations)
            or (far_weight(self, observations) if family == "wasserstein" else None)
        )
        if pulled is not None:
            return pulled
        probe = observations.probe("gradient-penalty")
        if (
            family != "wasserstein"
            or probe is None
            or not observations.series("penalty.applied").largest() > 0
            or observations.updates.get("discriminator", 0) < CRITIC_STEPS
        ):
            return None
        norm, pixel, outside = probe["norm"], probe["norm.pixel"], probe["applied.outside"]
        evidence = []
        case = ""
        severity: Severity = "error"
        remedies = self.remedies
        if OUTSIDE < outside <= 1:
            case = "outside"
            remedies = (_UNIFORM_ALPHA, _PER_SAMPLE)
            evidence.append(
                Measurement(
                    "gradient-penalty.applied.outside",
                    outside,
                    OUTSIDE,
                    "above",
                    "Gulrajani et al. (2017): alpha from U(0, 1)",
                    "share of the penalised inputs that are not between a real and a fake",
                )
            )
        inside = LOWEST_NORM <= norm <= HIGHEST_NORM
        if math.isfinite(norm) and norm >= 0 and not inside:
            limit = HIGHEST_NORM if norm > HIGHEST_NORM else LOWEST_NORM
            evidence.append(
                Measurement(
                    "gradient-penalty.norm",
                    norm,
                    limit,
                    "above" if norm > limit else "below",
                    "survey of reported failures",
                    "mean |ds/dx| per sample at interpolates",
                )
            )
            if not case and norm > HIGHEST_NORM and PIXEL_LOW < pixel < PIXEL_HIGH:
                case = "axes"
                remedies = (_PER_SAMPLE, *root("wasserstein-gradient-penalty"))
                evidence.append(
                    Measurement(
                        "gradient-penalty.norm.pixel",
                        pixel,
                        PIXEL_HIGH,
                        "below",
                        "survey of reported failures",
                        "the same norm over the channels alone, which the penalty has pushed towards 1",
                    )
                )
            elif not case:
                case, severity = ("zero" if norm < ZERO else "steepness"), "warning"
                remedies = (
                    (_NO_INSTANCE_NORM, *root("wasserstein-gradient-penalty"))
                    if norm < ZERO
                    else self.remedies
                )
        if not case:
            return None
        if case == "steepness" and observations.series("sample.real.std").median() > LARGE_UNITS:
            return (
                None  # a slope of one for each unit of data in the hundreds is out of reach: range-mismatch
            )
        if case == "steepness" and norm < LOWEST_NORM:
            # A one-sided penalty and R1 leave a critic flatter than one: no fault by itself.
            severity = "info"
        if case == "steepness" and norm > HIGHEST_NORM and self._pulls_per_sample(observations):
            case, remedies = "weak", (_STRONGER, *root("lower-learning-rates"))
            if norm < FAR_TOO_STEEP and improvement(observations):
                severity = "info"
        patches = any(math.prod(shape) > 1 for shape in observations.fact("score.shape") or [])
        if patches and case != "outside":
            severity = "info"
        messages = {
            "outside": (
                f"The gradient penalty is taken at the wrong points: {outside:.0%} of them are not between a "
                "real and a fake."
            ),
            "axes": (
                f"The gradient penalty is taken over the wrong axes: per sample |ds/dx| is {norm:.3g}, over "
                f"the channels of a pixel {pixel:.3g}, which is what has been pushed to 1."
            ),
            "zero": (
                f"The critic has no slope between real and fake (|ds/dx| = {norm:.2g}), although it is "
                "penalised."
            ),
            "weak": (
                f"The gradient penalty is taken rightly, sample by sample, but it does not hold this critic: "
                f"|ds/dx| at interpolates is {norm:.3g} where it should be near 1."
            ),
            "steepness": (
                f"A gradient penalty is applied, but |ds/dx| per sample at interpolates is {norm:.3g} where "
                "it should be near 1."
            ),
        }
        steep = case in ("steepness", "weak") and norm > 0
        excess = abs(math.log2(norm / evidence[-1].threshold)) if steep else 1.0  # type: ignore[operator]
        return self.finding(
            severity,
            confidence(0.85 if severity == "error" else 0.65, 0.97, excess),
            messages[case],
            evidence=tuple(evidence),
            because=self._because(observations, patches),
            remedies=remedies,
            details={"case": case, "exact": case == "outside"},
        )

    @staticmethod
    def _pulls_per_sample(observations: Observations) -> bool:
        """Whether what the penalty sends back proves a norm per sample."""
        return observations.series("penalty.parallel").median() > PARALLEL

    def _because(self, observations: Observations, patches: bool) -> tuple[Alternative, ...]:
        updates = observations.updates.get("discriminator", 0)
        norms = (observations.fact("discriminator.batch_norm") or 0) + (
            observations.fact("discriminator.instance_norm") or 0
        )
        return (
            Alternative("the first steps of a critic", "ruled out", f"It has had {updates} updates."),
            Alternative(
                "a penalty per patch on purpose",
                "open" if patches else "ruled out",
                "The discriminator returns scores of patches."
                if patches
                else "The discriminator returns one score for each sample.",
            ),
            Alternative(
                "batch or instance norm in the critic",
                "open" if norms else "ruled out",
                f"It has {norms} such layers.",
            ),
        )
