"""EQ103: the discriminator cannot tell real from fake although they can be told apart."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.collapse import COLLAPSE_FACTS, COLLAPSE_PROBES, COLLAPSE_SIGNALS, collapse
from equipoise.checks.conditions import at_most
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.samples import DISTANCE_SIGNALS, distance_from_reals
from equipoise.checks.symptoms import DIVERSITY
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# survey: an AUC in [0.45, 0.55] for 500 steps; below that the scores are the wrong way
# round, which is no better.
NO_BETTER_THAN_CHANCE = 0.55
CHANCE_LOW = 0.45
STEPS = 500
# survey: a fresh small discriminator gets beyond this within 200 steps if there is something to see.
FRESH_SEPARATES = 0.8
# As good as certain, for an error.
FRESH_CERTAIN = 0.95
# survey and the healthy band of B4: a fresh discriminator this close to chance means equilibrium.
EQUILIBRIUM = 0.65
# survey: an update ratio below 1e-8 is no update.
FROZEN = 1e-8
# More than this share of a gradient left over from before spoils the step (survey).
STALE = 0.1
COMPOSITE = 0.05
# Two records of five at chance or on the wrong side, though another discriminator is certain.
OFTEN = 0.4
ALIKE = 0.5
ALL_ALIKE = 0.05
LEAST_RECORDS = 10
# A discriminator without curves has one slope everywhere, up to rounding.
ONE_SLOPE = 1e-4
# Updates of a Wasserstein critic to one of the generator. Published: 5, and 1 with penalties; a step that is
# skipped now and then leaves it above this.
OUTNUMBERED = 0.6
# Of any discriminator. Published schedules give the generator a few steps to one at most, and those that let
# a discriminator rest while it is ahead (3D-GAN) still give it one in a few.
STARVED = 0.05
UPDATES = 100
ACTIVATIONS = (
    "ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Tanh",
    "Sigmoid", "Softplus", "Hardtanh", "Hardswish",
)  # fmt: skip
EXPLAINED = ("mode-collapse", "batch-blindness", "instability", "oscillation")
EQUILIBRIUM_MEANS = "equilibrium: there is nothing left to tell apart"
WITHOUT_DIVERSITY = tuple(name for name in EXPLAINED if name not in DIVERSITY)


@CHECKS.register("uninformative-discriminator")
class UninformativeDiscriminator(Check):
    """The discriminator guesses, although real and fake can be told apart.

    What it does
        Watches the rank of real scores over fake ones. When that stays at chance, a small discriminator
        trained afresh on cached samples for at most 200 steps (on copies) shows which it is: an equilibrium,
        or a discriminator that does not do its work.

    Why it is bad
        The generator's gradient points where the discriminator says "more real". A discriminator that guesses
        points nowhere, and the generator wanders.

    Evidence and threshold
        AUC at or below 0.55 for 500 steps, and a fresh discriminator with AUC above 0.8: warning. An error
        needs a fresh AUC above 0.95 and samples that are measurably far from the reals. AUC at or below
        0.55 in two records of five since the warm-up, with a fresh AUC above 0.95 and fakes far from the
        reals: warning (it follows the fakes about), or info where the fakes have collapsed. Slopes at
        reals, fakes and between that agree to 1 in 10,000, with a fresh AUC above 0.95 and fakes far from
        the reals: warning, or an error if by two measures (a discriminator without a hidden layer); info
        where it has activations before its last weights, for then it is a moment's measure of a network
        that can bend (a tightly clipped critic early in its training). A Wasserstein critic with fewer than
        0.6 updates to one of the generator, or any discriminator with fewer than 0.05, from 100 of the
        generator's on: warning, whatever its scores. Without the probe a warning needs two independent
        measures by which the fakes are far from the reals. Confidence: 0.6 at the threshold towards 0.95
        for a fresh AUC of 1.

    What else it could be
        Equilibrium: the fresh discriminator cannot tell either (AUC at most 0.65), and nothing is reported.
        A constant one (`constant-discriminator`), a frozen one (`frozen-network`), stale gradients
        (`stale-gradients`), equal targets for both (`d-objective-sign`), a double sigmoid
        (`logit-loss-mismatch`), patches that look the same in both domains. In autoencoders with a small
        adversarial term it is normal.

    Remedies
        Root: make sure that it is trained at all, then more capacity or a higher learning rate for it.
        Symptomatic: a slower generator.

    References
        Goodfellow et al. (2014), proposition 1; Arjovsky et al. (2017), algorithm 1: 5 critic updates to
        one; Heusel et al. (2017) on two time scales; Esser et al. (2021), taming-transformers issue 44;
        pytorch-CycleGAN-and-pix2pix issue 188.
    """

    code = "EQ103"
    name = "uninformative-discriminator"
    kinds = ("passive", "probe")
    stage = "supply"
    signals = (
        *dict.fromkeys((*DISTANCE_SIGNALS, *COLLAPSE_SIGNALS)),
        "score.auc",
        "score.gap",
        "update.discriminator",
        "gradient.discriminator.stale",
    )
    facts = (
        "discriminator.layers",
        "objective.family",
        "objective.declared",
        "objective.composite",
        "objective.double_sigmoid",
        *COLLAPSE_FACTS,
    )
    probes = ("fresh-discriminator", "gradient-penalty", "gradient-anatomy", *COLLAPSE_PROBES)
    explains = (*EXPLAINED, "constant-discriminator", "perfect-discriminator")
    remedies = (
        *root("train-discriminator", "higher-discriminator-learning-rate", "larger-discriminator"),
        *symptomatic("lower-learning-rates"),
    )

    def run(self, observations: Observations) -> Finding | None:
        outnumbered = self._outnumbered(observations)
        if outnumbered is not None or not observations.warmed_up:
            return outnumbered
        straight = self._straight(observations)
        if straight is not None and straight.severity != "info":
            return straight
        return self._guessing(observations) or straight

    def _outnumbered(self, observations: Observations) -> Finding | None:
        """A discriminator that is updated less often than the generator: the numbers changed places."""
        updates = observations.updates
        made, judged = updates.get("generator", 0), updates.get("discriminator", 0)
        family = observations.fact("objective.declared") or observations.fact("objective.family")
        critic = family == "wasserstein"
        least = OUTNUMBERED if critic else STARVED
        # What went before its first update was a training of the generator alone, on pixels as a rule.
        first = observations.series("update.discriminator").finite().steps[:1]
        made -= int(first[0]) if len(first) and made > judged else 0
        if made < UPDATES or not 0 < judged < least * made:
            return None
        why = (
            "its slope stands for a distance only if it is trained nearly to its end between two steps of "
            "the generator"
            if critic
            else "what it says of the samples is long out of date when the generator follows it"
        )
        return self.finding(
            "warning",
            0.8,
            f"The generator had {made:,} updates and its {'critic' if critic else 'discriminator'} "
            f"{judged:,}: {why}. Perhaps the numbers of their steps changed places.",
            evidence=(
                Measurement(
                    "updates.discriminator",
                    judged / made,
                    least,
                    "below",
                    "Arjovsky et al. (2017), algorithm 1: 5; with a gradient penalty 1 is in use"
                    if critic
                    else "ours: no published schedule gives a discriminator one step in twenty",
                    "updates of the discriminator to one of the generator",
                ),
            ),
            because=(
                Alternative(
                    "steps of the discriminator that are skipped while it is ahead",
                    "open",
                    "no published schedule skips so many",
                ),
            ),
            remedies=root("train-discriminator"),
            since=0,
        )

    def _guessing(self, observations: Observations) -> Finding | None:
        """At chance for long, or thrown about."""
        held = sustained(observations, "score.auc", at_most(NO_BETTER_THAN_CHANCE), steps=STEPS)
        if held is None:
            return self._thrown_about(observations)
        probe = observations.probe("fresh-discriminator")
        fresh = probe["auc"] if probe is not None and probe.step >= held.since else math.nan
        fresh = fresh if 0 <= fresh <= 1 else math.nan
        far = distance_from_reals(observations)
        if (math.isfinite(fresh) and fresh <= FRESH_SEPARATES) or (math.isnan(fresh) and len(far) < 2):
            return None
        share = observations.fact("objective.composite")
        composite = isinstance(share, (int, float)) and share > COMPOSITE
        severity: Severity = "warning"
        if composite:
            severity = "info"
        elif fresh > FRESH_CERTAIN and far:
            severity = "error"
        gap = latest(observations, "score.gap", STEPS).median()
        evidence = [
            Measurement(
                "score.auc",
                held.value,
                NO_BETTER_THAN_CHANCE,
                "at most",
                "survey of reported failures",
                f"for {held.steps:.0f} steps; 0.5 is a guess",
            )
        ]
        if math.isfinite(fresh):
            evidence.append(_fresh(fresh, FRESH_SEPARATES))
        if math.isfinite(gap):
            evidence.append(Measurement("score.gap", gap, meaning="distance of the mean scores"))
        shown = (
            f"a small discriminator trained afresh reaches {fresh:.2f}"
            if math.isfinite(fresh)
            else f"the samples are far from the reals ({far[0].meaning}: {far[0].value:.3g})"
        )
        does = (
            "has ranked fakes above reals" if held.value < CHANCE_LOW else "has done no better than a guess"
        )
        return self.finding(
            severity,
            confidence(
                0.6, 0.95, (fresh - FRESH_SEPARATES) / (1 - fresh + 0.01) if math.isfinite(fresh) else 0.0
            ),
            f"The discriminator {does} for {held.steps:.0f} steps (AUC {held.value:.2f}), although real "
            "and fake "
            f"can be told apart: {shown}.",
            evidence=(*evidence, *far),
            because=self._because(observations, fresh, held.value, composite),
            since=held.since,
            explains=self._explained(observations),
        )

    def _explained(self, observations: Observations) -> tuple[str, ...]:
        """Fakes that are all alike are hard to rank for any discriminator: then the collapse comes first."""
        copies = latest(observations, "sample.fake.duplicates").median()
        alike = copies > ALIKE or latest(observations, "sample.distance.ratio").median() < ALIKE
        return WITHOUT_DIVERSITY if alike else EXPLAINED

    def _thrown_about(self, observations: Observations) -> Finding | None:
        """Right, then wrong, then right: it runs after the fakes and never knows the reals."""
        ranks = observations.series("score.auc").since(observations.warm_up).finite()
        probe = observations.probe("fresh-discriminator")
        fresh = probe["auc"] if probe is not None else math.nan
        far = distance_from_reals(observations)
        if len(ranks) < LEAST_RECORDS or not fresh > FRESH_CERTAIN or not far:
            return None
        wrong = ranks.share(ranks.values <= NO_BETTER_THAN_CHANCE)
        if not wrong >= OFTEN:
            return None
        # Fakes that crowd in one place and move on throw any discriminator about: then that is the trouble.
        return self.finding(
            "warning" if collapse(observations) is None else "info",
            confidence(0.65, 0.9, wrong / OFTEN - 1),
            f"In {wrong:.0%} of the records since the warm-up the discriminator ranks fakes as high as reals "
            f"or higher, though a small one that is trained afresh tells them apart (AUC {fresh:.2f}) and "
            f"{far[0].meaning}.",
            evidence=(
                Measurement(
                    "score.auc",
                    wrong,
                    OFTEN,
                    "at least",
                    "ours: two records of five",
                    f"share of {len(ranks)} records with an AUC of at most {NO_BETTER_THAN_CHANCE:g}",
                ),
                _fresh(fresh, FRESH_CERTAIN),
                *far,
            ),
            because=(
                _no_equilibrium(fresh),
                Alternative(
                    "players that oscillate although both are able",
                    "open",
                    "more capacity or a faster discriminator tells: it then stops",
                ),
            ),
            since=int(ranks.steps[0]),
            explains=WITHOUT_DIVERSITY,
        )

    def _straight(self, observations: Observations) -> Finding | None:
        """An affine discriminator compares means and nothing else."""
        penalty, anatomy = observations.probe("gradient-penalty"), observations.probe("gradient-anatomy")
        fresh = observations.probe("fresh-discriminator")
        far = distance_from_reals(observations)
        if penalty is None or anatomy is None or fresh is None or not fresh["auc"] > FRESH_CERTAIN or not far:
            return None
        # A point against a point (Dirac-GAN), or a cloud that is only in the wrong place: a line is enough.
        spread = latest(observations, "sample.distance.ratio").median()
        if not spread > ALL_ALIKE or all(one.name != "sample.distance.ratio" for one in far):
            return None
        slopes = [anatomy[f"steepness{place}"] for place in ("", ".real", ".between")]
        unequal = (
            max(penalty["norm.std"] / penalty["norm"], max(slopes) / min(slopes) - 1)
            if (penalty["norm"] > 0 and min(slopes) > 0)
            else math.nan
        )
        if not unequal < ONE_SLOPE:
            return None
        # With activations it is straight for as long as each unit stays on one side (small weights, a tight
        # clip): a moment, and not a network that cannot bend.
        bends = self._bends(observations)
        why = (
            ", for none of its units changes sides among these samples. That may pass while it learns; if it "
            "stays, small weights or a tight clip keep it so."
            if bends
            else ". A small one with a hidden layer tells them apart (AUC {:.2f}).".format(fresh["auc"])
        )
        return self.finding(
            "info" if bends else "error" if len(far) > 1 else "warning",
            confidence(0.8, 0.95, (fresh["auc"] - FRESH_CERTAIN) / (1 - FRESH_CERTAIN)),
            "The discriminator's slope is the same everywhere: it is a straight line, which can compare the "
            f"means of reals and fakes and nothing else{why}",
            evidence=(
                Measurement(
                    "gradient-penalty.norm.std",
                    unequal,
                    ONE_SLOPE,
                    "below",
                    "rounding",
                    "relative difference of its slopes at reals, at fakes and between",
                ),
                _fresh(fresh["auc"], FRESH_CERTAIN),
                *far,
            ),
            because=(_no_equilibrium(fresh["auc"]),),
            since=anatomy.step,
            explains=() if bends else None,
        )

    @staticmethod
    def _bends(observations: Observations) -> bool:
        """Whether weights follow an activation: what is straight is a piece of a network that can bend."""
        bent = False
        for layer in observations.fact("discriminator.layers") or []:
            if layer.get("type") in ACTIVATIONS:
                bent = bent or layer.get("negative_slope", 0.0) != 1
            elif bent and layer.get("parameters"):
                return True
        return False

    def _because(
        self, observations: Observations, fresh: float, auc: float, composite: bool
    ) -> tuple[Alternative, ...]:
        known = math.isfinite(fresh)
        update = latest(observations, "update.discriminator").median()
        stale = latest(observations, "gradient.discriminator.stale").median()
        alternatives = [
            _no_equilibrium(fresh)
            if known
            else Alternative(EQUILIBRIUM_MEANS, "open", "The probe fresh-discriminator would tell.")
        ]
        if math.isfinite(update):
            alternatives.append(
                Alternative(
                    "a frozen discriminator",
                    "open" if update < FROZEN else "ruled out",
                    f"Its parameters change by {update:.2g} of their size per step.",
                )
            )
        if math.isfinite(stale):
            alternatives.append(
                Alternative(
                    "stale gradients from the generator's step",
                    "open" if stale > STALE else "ruled out",
                    f"Share of its gradient that was there before its backward: {stale:.2g}.",
                )
            )
        if observations.fact("objective.double_sigmoid") is not None:
            twice = bool(observations.fact("objective.double_sigmoid"))
            alternatives.append(
                Alternative(
                    "a sigmoid applied twice",
                    "open" if twice else "ruled out",
                    "The slopes fit a double sigmoid."
                    if twice
                    else "The slopes do not fit a double sigmoid.",
                )
            )
        if composite:
            alternatives.append(
                Alternative(
                    "a small adversarial term beside a reconstruction, where this is normal",
                    "open",
                    f"{observations.fact('objective.composite'):.0%} of the generator's gradient comes from "
                    "other terms.",
                )
            )
        return tuple(alternatives)

    def undecided(self, observations: Observations) -> str | None:
        held = sustained(observations, "score.auc", at_most(NO_BETTER_THAN_CHANCE), steps=STEPS)
        if not observations.warmed_up or held is None:
            return None
        probe = observations.probe("fresh-discriminator")
        if probe is None or probe.step < held.since or math.isnan(probe["auc"]):
            return (
                f"The discriminator guesses (AUC {held.value:.2f} for {held.steps:.0f} steps): equilibrium, "
                "or a discriminator that does not do its work. The probe fresh-discriminator would tell."
            )
        if probe["auc"] > EQUILIBRIUM:
            return (
                f"The discriminator guesses (AUC {held.value:.2f}) and a fresh one does somewhat better (AUC "
                f"{probe['auc']:.2f}): near an equilibrium, or a weak discriminator. The probe duality-gap "
                "would tell."
            )
        return None


def _fresh(auc: float, threshold: float) -> Measurement:
    return Measurement(
        "fresh-discriminator.auc",
        auc,
        threshold,
        "above",
        "survey of reported failures",
        "a small discriminator trained afresh on the same samples",
    )


def _no_equilibrium(fresh: float) -> Alternative:
    return Alternative(
        EQUILIBRIUM_MEANS, "ruled out", f"A fresh discriminator tells them apart with AUC {fresh:.2f}."
    )
