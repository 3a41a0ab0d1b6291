"""EQ105: in a composite loss the adversarial term drowns the others, is drowned, or comes in untrained."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.conditions import above
from equipoise.checks.cures import symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.trends import latest, trend
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# TF-GAN's gradient_ratio and taming-transformers' adaptive weight keep the ratio near 1; survey
# and C32 call it out of balance outside [0.01, 10].
LARGEST_RATIO = 10.0
SMALLEST_RATIO = 0.01
# A term this small only costs time. Calibrated.
POINTLESS_RATIO = 1e-4
# Below this share of the gradient there is no other term, only rounding: a sum of a few numbers is exact to
# about 1e-7 in single precision.
ROUNDING, SINGLE_ROUNDING = 1e-4, 1e-6
# Survey of reported failures: the main metric worsens by a fifth after the discriminator's start.
WORSE = 0.2
# A discriminator that starts with fewer updates than this is untrained (B6: the first 500 steps after
# the start).
TRAINED_UPDATES = 500
# Taming-transformers' weight balances both gradients at their ratio 1; an untrained opponent should have
# less.
LATE_RATIO = 0.1
NO_SIGNAL = 1e-12
# A loss that is switched off: so many records without any slope, and updates until it is no warm-up.
SILENT_RECORDS, SILENT_UPDATES, SILENT_FOR_GOOD = 20, 50, 500
# The generator had so many steps to itself: more than any order of the two updates explains.
LATE_START = 100
# What a wrong balance explains; a loss that is switched off also explains that the discriminator wins.
_UNBALANCED = ("instability", "exploding-gradient", "mode-collapse", "batch-blindness")
# A reconstruction that is drowned no longer ties the samples to what they are made from.
_DROWNED = (*_UNBALANCED, "condition-ignored", "z-ignored")

_BALANCE = Remedy(
    "balance-adversarial-weight",
    "Weight the adversarial term so that its gradient at the last layer is as large as that of the "
    "other terms: weight = |gradient of the others| / (|adversarial gradient| + 1e-4), at most 1e4, "
    "times 0.1 to 1.",
    "root",
    "unsafe",
)
_TRAIN_FIRST = Remedy(
    "train-discriminator-first",
    "Train the discriminator alone for about 1,000 steps before its gradient reaches the generator (do "
    "not multiply its loss by zero before the start), then raise the adversarial weight linearly over "
    "as many steps.",
    "root",
    "unsafe",
)


@CHECKS.register("adversarial-weight-imbalance")
class AdversarialWeightImbalance(Check):
    """Next to a reconstruction or feature term, the adversarial one has the wrong weight or starts untrained.

    What it does
        Compares, at the generated samples, the adversarial gradient with that of all other terms, and looks
        whether the discriminator had been trained when its gradient was switched on. Terms of the
        discriminator's features count as other terms, and so do those that reach the generator through calls
        whose output is not judged (a VAE-GAN's reconstruction).

    Why it is bad
        An adversarial term that drowns the others makes a faithful model hallucinate; one that is drowned
        costs time and changes nothing; an untrained discriminator that is suddenly heard ruins what the
        reconstruction had learned.

    Evidence and threshold
        Ratio of the adversarial to the other gradient outside [0.01, 10] (reported failures, TF-GAN,
        taming-transformers), over 100 steps. Above: a warning, an error when the reconstruction also worsens
        by a fifth. Below: information; a warning below 1e-4.
        A late start: the adversarial gradient begins after other training, with a discriminator that has had
        fewer than 500 updates, at a ratio above 0.1: warning; an error with the worsened reconstruction.
        Switched off: in all of 20 records or more, and 50 updates, the slope of the generator's loss at the
        scores is exactly zero, while the discriminator's is not and the generator gets other gradients:
        warning; error from 500 updates on.
        Confidence: 0.6 (0.75 for an error) at the threshold towards 0.95.

        Where only the discriminator's features are matched: the same of their share of the gradient, if it is
        exactly zero in 20 records, or below 0.0001 in the median (warning).

    What else it could be
        A pure adversarial loss: there is no other term, and nothing is reported (a share of the others below
        1e-6, or 1e-4 where the scores are not in single precision, is rounding). A content term that leads on
        purpose, as in super-resolution: then the ratio is small, the discriminator near its goal, and all is
        well.

    Remedies
        Root: weight by the ratio of the gradients; train the discriminator before it is heard. Symptomatic: a
        slower discriminator.

    References
        Esser et al. (2021), section 3.2 and taming-transformers issue 44; latent-diffusion issues 187
        and 350; TF-GAN, combine_adversarial_loss; Isola et al. (2017); krasserm/super-resolution issue 45.
    """

    code = "EQ105"
    name = "adversarial-weight-imbalance"
    kinds = ("passive",)
    stage = "supply"
    signals = (
        "slope.generator.size",
        "slope.real.size",
        "slope.fake.size",
        "gradient.samples",
        "gradient.samples.total",
        "gradient.matched",
        "gradient.generator",
        "gradient.discriminator",
        "loss.reconstruction",
        "score.auc",
    )
    facts = ("objective.composite", "objective.composite.all", "precision", "score.shape", "data.shape")
    explains = (*_DROWNED, "vanishing-generator-gradient", "perfect-discriminator")
    remedies = (_BALANCE, _TRAIN_FIRST, *symptomatic("lower-discriminator-learning-rate"))

    def run(self, observations: Observations) -> Finding | None:
        return (
            self._switched_off(observations)
            or self._unmatched(observations)
            or self._unbalanced(observations)
        )

    def _unmatched(self, observations: Observations) -> Finding | None:
        """Feature matching is the only adversarial term (GANomaly), and it hardly reaches the samples."""
        share = observations.series("gradient.matched").finite()
        updates = observations.updates.get("generator", 0)
        other = observations.series("gradient.generator").median()
        if len(share) < SILENT_RECORDS or updates < SILENT_UPDATES or not other > 0:
            return None
        nothing = share.largest() == 0
        if not (nothing or share.median() < POINTLESS_RATIO):
            return None
        certain = nothing and updates >= SILENT_FOR_GOOD
        return self.finding(
            "error" if certain else "warning",
            0.95 if certain else 0.85,
            "Only the discriminator's features are matched, and that term "
            + ("has weight 0" if nothing else "is drowned by the others")
            + f": its share of the gradient at the samples is {share.median():.2g}.",
            evidence=(
                Measurement(
                    "gradient.matched",
                    share.median(),
                    0.0 if nothing else POINTLESS_RATIO,
                    "equal to" if nothing else "below",
                    "exact: a gradient of zero"
                    if nothing
                    else "survey of reported failures: adversarial over other gradient",
                    f"share of the matched features in the gradient, median of {len(share)} records",
                ),
                Measurement("gradient.generator", other, meaning="norm of the generator's gradient, median"),
            ),
            because=(
                Alternative(
                    "a warm-up without the adversarial term",
                    "ruled out" if certain else "open",
                    f"{updates} updates of the generator were made",
                ),
            ),
            since=0,
            remedies=(_BALANCE,),
            details={"case": "switched-off" if nothing else "too-small"},
        )

    def _switched_off(self, observations: Observations) -> Finding | None:
        """The adversarial loss reaches the scores with a slope of exactly zero, from the first step on."""
        slope = observations.series("slope.generator.size").finite()
        taught = [observations.series(f"slope.{role}.size").median() for role in ("real", "fake")]
        updates = observations.updates.get("generator", 0)
        other = observations.series("gradient.generator").median()
        if len(slope) < SILENT_RECORDS or slope.largest() > 0 or updates < SILENT_UPDATES:
            return None
        # A warm-up multiplies both losses by zero; here the discriminator is trained.
        if not other > 0 or not max(taught) > 0:
            return None
        certain = updates >= SILENT_FOR_GOOD
        return self.finding(
            "error" if certain else "warning",
            0.95 if certain else 0.85,
            f"The generator's adversarial loss has weight 0: in {len(slope)} records its slope at the scores "
            "is exactly zero, while the discriminator is trained and the generator gets a gradient of "
            f"{other:.3g} from other terms.",
            evidence=(
                Measurement(
                    "slope.generator.size", 0.0, 0.0, "equal to", "exact: a slope of zero", "largest slope"
                ),
                Measurement("gradient.generator", other, meaning="norm of the generator's gradient, median"),
            ),
            because=(
                Alternative(
                    "a loss that saturated",
                    "ruled out",
                    "its slope was zero in the first record already, and is zero in all of them",
                ),
                Alternative(
                    "a warm-up without the adversarial term",
                    "ruled out" if certain else "open",
                    "the discriminator has been trained in the same steps for "
                    f"{updates} updates of the generator",
                ),
            ),
            since=0,
            remedies=(_BALANCE,),
            details={"case": "switched-off"},
        )

    def _unbalanced(self, observations: Observations) -> Finding | None:
        if self._reconstructs(observations):
            return None
        direct = self._known(observations, "objective.composite")
        least = SINGLE_ROUNDING if observations.fact("precision") == "float32" else ROUNDING
        late = self._late_start(observations, direct) if least <= direct <= 1 else None
        if late is not None:
            return late
        name, share = self._share(observations)
        if not least <= share <= 1 or not observations.warmed_up:
            return None
        # The share is that of the other terms, so that adversarial over others is (1 - share) / share.
        ratio = (1 - share) / share
        limit = LARGEST_RATIO if ratio > LARGEST_RATIO else SMALLEST_RATIO
        if SMALLEST_RATIO <= ratio <= LARGEST_RATIO:
            return None
        held = sustained(observations, "gradient.samples.total", above(0))
        if held is None:
            return None
        worse = self._worse(observations, 0)
        severity: Severity
        if ratio > LARGEST_RATIO:
            severity = "error" if worse else "warning"
            words = "drowns the other terms"
        else:
            severity = "warning" if ratio < POINTLESS_RATIO else "info"
            words = "is drowned by the other terms"
        excess = abs(math.log10(ratio / limit)) if ratio > 0 else 2.0
        return self.finding(
            severity,
            confidence(0.75 if severity == "error" else 0.6, 0.95, excess),
            f"The adversarial gradient at the samples is {ratio:.3g} times that of the other terms: it "
            f"{words}.",
            evidence=(
                Measurement(
                    name,
                    share,
                    1 / (1 + limit),
                    "below" if ratio > LARGEST_RATIO else "above",
                    "survey of reported failures: adversarial over other gradient within [0.01, 10]",
                    f"share of the gradient that is not adversarial; the ratio is {ratio:.3g}",
                ),
                *worse,
            ),
            because=self._because(observations, ratio),
            since=held.since,
            explains=_DROWNED if ratio > LARGEST_RATIO else _UNBALANCED,
            details={"case": "too-large" if ratio > LARGEST_RATIO else "too-small"},
        )

    @staticmethod
    def _share(observations: Observations) -> tuple[str, float]:
        """The share of the other terms, and which fact says so; nan if none does.

        Terms with calls of their own, and those of the discriminator's features or classes, can drown the
        adversarial one. That they are drowned is said only of terms that reach the judged samples directly,
        and not where the others make up for them.
        """
        every, direct = "objective.composite.all", "objective.composite"
        known = AdversarialWeightImbalance._known
        if known(observations, every) > 1 / (1 + SMALLEST_RATIO):
            return every, known(observations, every)
        enough = known(observations, every) >= 1 / (1 + LARGEST_RATIO)
        return direct, math.nan if enough else known(observations, direct)

    @staticmethod
    def _known(observations: Observations, name: str) -> float:
        share = observations.fact(name)
        return float(share) if isinstance(share, (int, float)) else math.nan

    @staticmethod
    def _reconstructs(observations: Observations) -> bool:
        """An energy |D(x) - x| reaches the sample directly too: that is the adversarial term itself."""
        shape = list(observations.fact("data.shape") or [])
        return math.prod(shape) > 1 and any(
            list(score) == shape for score in observations.fact("score.shape") or []
        )

    def _late_start(self, observations: Observations, share: float) -> Finding | None:
        """The adversarial gradient begins late, and the discriminator had hardly been trained before."""
        heard = observations.series("gradient.samples").finite()
        active = heard.steps[heard.values > NO_SIGNAL]
        training = observations.series("gradient.generator").finite()
        before = training.steps[training.values > NO_SIGNAL]
        if len(active) == 0 or len(before) == 0 or active[0] - before[0] < LATE_START:
            return None
        start = float(active[0])
        learned = observations.series("gradient.discriminator").finite()
        lesson = learned.steps[learned.values > NO_SIGNAL]
        taught = start - float(lesson[0]) if len(lesson) and lesson[0] < start else 0.0
        early = heard.since(start).until(start + TRAINED_UPDATES)
        total = observations.series("gradient.samples.total").since(start).until(start + TRAINED_UPDATES)
        part = min(1.0, early.median() / total.median()) if total.median() > 0 else 1 - share
        ratio = part / (1 - part) if part < 1 else math.inf
        if taught >= TRAINED_UPDATES or not ratio > LATE_RATIO or len(early) < 3:
            return None
        worse = self._worse(observations, start)
        auc = observations.series("score.auc").since(start).until(start + TRAINED_UPDATES).median()
        evidence = [
            Measurement(
                "gradient.discriminator",
                taught,
                TRAINED_UPDATES,
                "below",
                "survey of reported failures",
                "steps for which the discriminator had been trained when it was switched on",
            ),
            Measurement(
                "gradient.samples",
                early.median(),
                LATE_RATIO / (1 + LATE_RATIO) * total.median() if total.median() > 0 else None,
                "above",
                "taming-transformers, adaptive weight",
                "adversarial gradient in the first 500 steps after the start",
            ),
        ]
        if math.isfinite(auc):
            evidence.append(Measurement("score.auc", auc, meaning="in the first 500 steps after the start"))
        return self.finding(
            "error" if worse else "warning",
            confidence(0.75 if worse else 0.6, 0.95, math.log10(max(1.0, min(ratio, 1e6) / LATE_RATIO))),
            f"The discriminator was switched on at step {start:.0f}, after only {taught:.0f} steps of "
            "training "
            f"of its own, with a gradient {min(ratio, 1e6):.2g} times that of the other terms"
            + (f"; since then {worse[0].meaning}." if worse else "."),
            evidence=(*evidence, *worse),
            because=self._because(observations, ratio),
            since=int(start),
            explains=_UNBALANCED,
            remedies=(_TRAIN_FIRST, _BALANCE, *symptomatic("lower-discriminator-learning-rate")),
            details={"case": "late-start"},
        )

    def _worse(self, observations: Observations, start: float) -> tuple[Measurement, ...]:
        """The reconstruction's loss against its best (after a start: against its level before)."""
        loss = observations.series("loss.reconstruction").finite()
        if len(loss) < 6:
            return ()
        before = loss.until(start).median() if start else loss.smallest()
        now = latest(observations, "loss.reconstruction").median()
        going = trend(loss.since(start))
        if not (before > 0 and now >= (1 + WORSE) * before) or (start == 0 and not (going and going.rises())):
            return ()
        return (
            Measurement(
                "loss.reconstruction",
                now,
                (1 + WORSE) * before,
                "at least",
                "survey of reported failures: a fifth worse",
                f"the reconstruction loss rose from {before:.3g} to {now:.3g}",
            ),
        )

    def _because(self, observations: Observations, ratio: float) -> tuple[Alternative, ...]:
        auc = latest(observations, "score.auc").median()
        shown = f"AUC is {auc:.2f}. " if math.isfinite(auc) else ""
        return (
            Alternative(
                "a purely adversarial loss",
                "ruled out",
                "A part of the generator's gradient at the samples does not come through the discriminator.",
            ),
            Alternative(
                "a content term that leads on purpose (super-resolution, pix2pix)",
                "ruled out" if ratio > 1 else "open",
                f"{shown}The adversarial term leads."
                if ratio > 1
                else f"{shown}Compare the samples with and without the adversarial term.",
            ),
        )
