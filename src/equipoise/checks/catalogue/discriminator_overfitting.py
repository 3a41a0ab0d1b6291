"""EQ501: the discriminator knows its training reals instead of what makes them real."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.samples import CALIBRATION
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# Karras et al. (2020, ADA), section 3: r_v, 0 no overfitting, 1 complete; survey takes one half.
OVERFIT = 0.5
# Karras et al. (2020, ADA), section 3.1: the target of r_t.
TARGET_SIGN = 0.6
# BigGAN (2019), section 4.2: 98 % on training reals, 50 to 55 % on held-out ones; survey: 95 %
# and 60 %.
HELD_OUT_ACCURACY = 0.6
TRAINING_ACCURACY = 0.95
# Without held-out reals: how much of the lead goes with a perturbation far smaller than the distance between
# reals. Less sure than r_v. Calibrated.
FRAGILE = 0.5
# Fewer real samples than this are little for any discriminator (ADA's smallest sets have 1,000 to
# 5,000). Calibrated.
FEW_SAMPLES = 2000
REPEATED = 0.5
# Without held-out reals, second sign: it separates its own reals from fakes, and a fresh small discriminator,
# trained as long as it likes on half of them, does not do so on the other half.
OWN_AUC = 0.95
FRESH_AUC = 0.75
# Far fewer than any published set; so few that a batch holds a good part of them. Calibrated.
HANDFUL = 500
FEWEST_IMAGES = 100
MANY_TIMES = 50.0


@CHECKS.register("discriminator-overfitting")
class DiscriminatorOverfitting(Check):
    """The discriminator tells the training reals by heart and takes other reals for fakes.

    What it does
        The probe compares the discriminator's scores of reals it was trained on, of reals it has not
        seen, and of fresh fakes. Without held-out reals it perturbs known reals by far less than the
        distance between two of them and looks at how much of their lead is lost.

    Why it is bad
        Its gradient then leads to the training samples, or nowhere: the generator copies or stops learning,
        while the discriminator's accuracy looks better and better.

    Evidence and threshold
        After the warm-up r_v = (seen - unseen) / (seen - fake) above 0.5, with the mean sign of the real
        scores r_t above 0.6 (ADA): warning. An error when also less than 60 % of held-out reals are taken for
        real while more than 95 % of the training reals are (BigGAN). Without held-out reals: the same
        share for perturbed reals above 0.5, few distinct reals (below 2,000) and r_t above 0.6: warning.
        Or, with fewer than 500 distinct reals that come again and again: its own AUC above 0.95 while a
        fresh discriminator's on samples it was not trained on is below 0.75: warning. Or fewer than 100
        different images, each shown more than 50 times: warning.
        Confidence: 0.7 (0.85 for an error, 0.6 without held-out reals) towards 0.97 by r_v.

    What else it could be
        A discriminator that is simply good: it takes held-out reals for real as well. Held-out reals of
        another distribution. A give-away in the data: held-out reals share it.

    Remedies
        Root: more data or a pretrained model, augmentation of reals and fakes alike, R1. Symptomatic: fewer
        discriminator steps, stopping at the best checkpoint.

    References
        Karras et al. (2020), ADA, section 3 and figure 1; Brock et al. (2019), section 4.2; Zhao et al.
        (2020), DiffAugment; Webster et al. (2019).
    """

    code = "EQ501"
    name = "discriminator-overfitting"
    kinds = ("probe",)
    stage = "supply"
    signals = ("score.accuracy.real", "batch.real.distinct", "batch.real.repeated")
    facts = ("data.kind", "data.batch")
    probes = ("memorisation", "one-feature", "fresh-discriminator")
    explains = (
        "perfect-discriminator",
        "vanishing-generator-gradient",
        "late-collapse",
        "mode-collapse",
        "batch-blindness",
        "augmentation-runaway",
    )
    remedies = (
        *root("more-data", "differentiable-augmentation", "r1-penalty"),
        *symptomatic("fewer-discriminator-steps", "roll-back"),
    )

    def run(self, observations: Observations) -> Finding | None:
        probe = observations.probe("memorisation")
        if probe is None or not observations.warmed_up or not probe["seen"] > probe["fake"]:
            return None
        gap, sign, unseen = probe["gap"], probe["sign"], probe["accuracy.unseen"]
        accuracy = latest(observations, "score.accuracy.real").median()
        distinct = observations.last("batch.real.distinct")
        if math.isfinite(gap):
            if not gap > OVERFIT or not sign > TARGET_SIGN:
                return None
            severity: Severity = "warning"
            if unseen < HELD_OUT_ACCURACY and accuracy > TRAINING_ACCURACY:
                severity = "error"
            low, value, name = (0.85 if severity == "error" else 0.7), gap, "gap"
            words = f"of the lead of known reals over fakes, unseen reals have lost {gap:.0%}" + (
                f" and only {unseen:.0%} of them are taken for real" if math.isfinite(unseen) else ""
            )
        else:
            value, name = probe["gap.perturbed"], "gap.perturbed"
            few = distinct < FEW_SAMPLES and self._repeats(observations)
            alone = self._only_its_own(observations, distinct)
            if alone is not None:
                return alone
            if not value > FRAGILE or not sign > TARGET_SIGN or not few or not math.isfinite(value):
                return self._hardly_any(observations, distinct)
            severity, low = "warning", 0.6
            words = (
                f"a perturbation far smaller than the distance between reals costs {value:.0%} of their "
                "lead over "
                f"fakes, and there are only {distinct:.0f} different reals"
            )
        evidence = [
            Measurement(
                f"memorisation.{name}",
                value,
                OVERFIT if name == "gap" else FRAGILE,
                "above",
                "Karras et al. (2020), ADA; survey of reported failures" if name == "gap" else CALIBRATION,
                "share of the lead over fakes that is lost",
            ),
            Measurement(
                "memorisation.sign",
                sign,
                TARGET_SIGN,
                "above",
                "Karras et al. (2020), ADA, section 3.1",
                "mean sign of the scores of training reals (r_t)",
            ),
        ]
        if math.isfinite(unseen):
            evidence.append(
                Measurement(
                    "memorisation.accuracy.unseen",
                    unseen,
                    HELD_OUT_ACCURACY,
                    "below",
                    "Brock et al. (2019), section 4.2",
                    "held-out reals taken for real",
                )
            )
        if math.isfinite(accuracy):
            evidence.append(
                Measurement(
                    "score.accuracy.real",
                    accuracy,
                    TRAINING_ACCURACY,
                    "above",
                    "Brock et al. (2019), section 4.2",
                    "training reals taken for real",
                )
            )
        if math.isfinite(distinct):
            evidence.append(
                Measurement("batch.real.distinct", distinct, meaning="different reals seen so far")
            )
        return self.finding(
            severity,
            confidence(low, 0.97, value / OVERFIT - 1),
            f"The discriminator knows its training reals by heart: {words}.",
            evidence=tuple(evidence),
            because=self._because(observations, gap, unseen),
            since=probe.step,
        )

    def _only_its_own(self, observations: Observations, distinct: float) -> Finding | None:
        """It separates its few reals; another discriminator finds nothing that holds for all of them."""
        fresh = observations.probe("fresh-discriminator")
        if fresh is None or not distinct < HANDFUL or not self._repeats(observations):
            return None
        if not (fresh["auc.own"] > OWN_AUC and abs(fresh["auc"] - 0.5) < FRESH_AUC - 0.5):
            return None
        return self.finding(
            "warning",
            confidence(0.65, 0.97, (fresh["auc.own"] - fresh["auc"]) / (OWN_AUC - FRESH_AUC) - 1),
            f"The discriminator knows its training reals by heart: there are only {distinct:.0f} of them, it "
            f"separates them from fakes (AUC {fresh['auc.own']:.2f}), and a fresh discriminator that is "
            f"trained on some of them does not recognise the others (AUC {fresh['auc']:.2f}).",
            evidence=(
                Measurement(
                    "fresh-discriminator.auc.own",
                    fresh["auc.own"],
                    OWN_AUC,
                    "above",
                    CALIBRATION,
                    "AUC of the discriminator itself on reals it is trained on",
                ),
                Measurement(
                    "fresh-discriminator.auc",
                    fresh["auc"],
                    FRESH_AUC,
                    "below",
                    CALIBRATION,
                    "AUC of a fresh small discriminator on samples it was not trained on",
                ),
                Measurement(
                    "batch.real.distinct",
                    distinct,
                    HANDFUL,
                    "below",
                    CALIBRATION,
                    "different reals, all of which come again and again",
                ),
            ),
            because=(
                Alternative(
                    "a discriminator that is simply good",
                    "unlikely",
                    "what it goes by would also be found by a fresh one.",
                ),
                Alternative(
                    "a fresh discriminator that is too small to see it",
                    "open",
                    "Give held-out reals to the probe memorisation to be sure.",
                ),
            ),
            since=fresh.step,
        )

    def _hardly_any(self, observations: Observations, distinct: float) -> Finding | None:
        """Fewer different images than any published method learns from, shown again and again."""
        batch = float(observations.fact("data.batch") or 0)
        shown = observations.updates.get("discriminator", 0) * batch / distinct if distinct else 0.0
        if (
            observations.fact("data.kind") != "image"
            or not distinct < FEWEST_IMAGES
            or not shown > MANY_TIMES
        ):
            return None
        return self.finding(
            "warning",
            0.6,
            f"There are only {distinct:.0f} different real images, and each was shown about {shown:.0f} "
            "times: the discriminator can know them by heart. Held-out reals for the probe memorisation "
            "would prove it.",
            evidence=(
                Measurement(
                    "batch.real.distinct",
                    distinct,
                    FEWEST_IMAGES,
                    "below",
                    "Zhao et al. (2020), DiffAugment: the smallest sets, with augmentation, have 100 images",
                    "different reals seen so far",
                ),
            ),
            because=(
                Alternative(
                    "one image on purpose, with patches as samples",
                    "open",
                    "a discriminator of patches (SinGAN) learns from one image",
                ),
            ),
        )

    @staticmethod
    def _repeats(observations: Observations) -> bool:
        repeated = latest(observations, "batch.real.repeated").median()
        return not repeated < REPEATED

    def _because(self, observations: Observations, gap: float, unseen: float) -> tuple[Alternative, ...]:
        held_out = math.isfinite(gap)
        alternatives = [
            Alternative(
                "a discriminator that is simply good",
                "ruled out" if held_out else "open",
                f"It would treat unseen reals like known ones, but they lose {gap:.0%} of the lead."
                if held_out
                else "No held-out reals; give some to the probe memorisation.",
            )
        ]
        if held_out:
            alternatives.append(
                Alternative(
                    "held-out reals from another distribution",
                    "open",
                    "Draw them at random from the same source to be sure.",
                )
            )
        trivial = observations.probe("one-feature")
        if trivial is not None and math.isfinite(trivial["auc"]):
            alternatives.append(
                Alternative(
                    "a give-away in the data (range, lattice)",
                    "unlikely" if trivial["auc"] > 0.95 else "ruled out",
                    f"The best single number separates with AUC {trivial['auc']:.2f}"
                    + (", but unseen reals would share it." if trivial["auc"] > 0.95 else "."),
                )
            )
        return tuple(alternatives)

    def undecided(self, observations: Observations) -> str | None:
        accuracy = latest(observations, "score.accuracy.real").median()
        distinct = observations.last("batch.real.distinct")
        if not (observations.warmed_up and accuracy > TRAINING_ACCURACY and distinct < FEW_SAMPLES):
            return None
        probe = observations.probe("memorisation")
        if not self._repeats(observations) or (probe is not None and math.isfinite(probe["gap"])):
            return None
        return (
            f"Only {distinct:.0f} different reals were seen and {accuracy:.0%} of them are taken for "
            "real; whether the "
            "discriminator knows them by heart, the probe memorisation with held-out reals would tell."
        )
