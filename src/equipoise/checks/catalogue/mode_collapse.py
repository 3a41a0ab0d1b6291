"""EQ201: the generator makes too few different samples."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.collapse import (
    COLLAPSE_FACTS,
    COLLAPSE_PROBES,
    COLLAPSE_SIGNALS,
    Collapse,
    collapse,
    diversifying,
    early,
    limits,
)
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# A latent batch with less spread than this is a constant. Calibrated.
CONSTANT_LATENT = 1e-3
REPEATED_LATENT = 0.2
# survey: across-batch variance below 1 % at a layer.
ERASED = 0.01
# SageMaker DeadRelu.
DEAD_UNITS = 0.5


@CHECKS.register("mode-collapse")
class ModeCollapse(Check):
    """The fakes are much less diverse than the reals, and that does not change.

    What it does
        Compares the fake batch with the real batch at the same step: mean pairwise distance in values and in
        the discriminator's features, near copies, and which reals have a fake nearby. The probe adds many
        fresh fakes: near copies with a confidence bound, the support by the birthday paradox, cells of the
        data that are deserted. So it sees the total collapse (one face), the few faces (three faces have a
        mean distance of two thirds, but every one has its copy) and absent modes.

    Why it is bad
        The generator has found samples that the discriminator cannot fault one by one and makes only those.

    Evidence and threshold
        After 2.5 warm-ups, over 100 steps and 3 records, each one sign:
        mean pairwise distance below 0.5 of the reals' (0.25 with an image as input), below 0.1 (0.05) total;
        the same in the discriminator's features, which counts only beside the first;
        near copies (within 2 % of the mean real distance) exceed those among the reals by a half;
        coverage below 0.44 while the fakes are as near to the data as reals are (after 5 warm-ups);
        by the probe: the lower 95 % bound of near copies above 0.1, where reals have 0.01, of fewer than 100
        different fakes; 30 % more deserted
        cells than held-out reals with a coverage below 0.6 of theirs.
        Coverage and deserted cells do not count while the samples still improve. One sign is a warning, two
        are an error. A diversity that grows fast enough to be normal after as
        many steps again is no finding.
        Confidence: 0.6 (0.8 for an error) towards 0.97 with how far the ratio is below its threshold.

    What else it could be
        Too early: healthy runs have ratios of 0.02 to 0.2 in their first hundreds of steps, and up to five
        warm-ups a generator is waited for that is as diverse as it ever was and twice as much as at its
        start. Narrow modes: the reals have near copies too. A constant or repeated latent (`batch-repeat`),
        batch norm that erases it (`bn-erases-latent`), dead units (`dead-or-saturated`), a latent that a
        conditional generator ignores (`z-ignored`), a starved generator
        (`vanishing-generator-gradient`). An image as input: the fakes
        follow it, and are compared with the spread of the reals only.

    Remedies
        Root: R1 and R2, a relativistic loss, a discriminator that sees the batch (standard deviation,
        discrimination, packing, microbatches), spectral normalisation, more data for each class.
        Symptomatic: rollback, feature matching.

    References
        Salimans et al. (2016), section 3.2; Arora et al. (2018); Richardson & Weiss (2018); Naeem et al.
        (2020), coverage; Lin et al. (2018), PacGAN; Sun et al. (2020); projected-gan issue 34.
    """

    code = "EQ201"
    name = "mode-collapse"
    kinds = ("passive", "probe")
    stage = "diversity"
    signals = (*COLLAPSE_SIGNALS, "latent.std", "latent.repeated", "activation.dead")
    facts = COLLAPSE_FACTS
    probes = (*COLLAPSE_PROBES, "layer-variance")
    explains = ("batch-blindness",)
    remedies = (
        *root("r1-and-r2-penalty", "relativistic-loss", "minibatch-standard-deviation"),
        *root("minibatch-discrimination", "spectral-normalisation", "packing"),
        *root("microbatch-discrimination", "more-data"),
        *symptomatic("feature-matching", "roll-back"),
    )

    def run(self, observations: Observations) -> Finding | None:
        found = collapse(observations)
        if found is None:
            return None
        low, collapsed = limits(observations)
        excess = math.log2((collapsed if found.total else low) / found.ratio) if found.ratio > 0 else 0.0
        return self.finding(
            found.severity,
            confidence(0.8 if found.severity == "error" else 0.6, 0.97, excess),
            self._message(found, observations),
            evidence=found.signs,
            because=self._because(observations, found),
            since=found.since,
            # A total collapse cannot be left while the discriminator is blind to it; absent modes can.
            explains=() if found.total else self.explains,
            details={"extent": "total" if found.total else "partial"},
        )

    def _message(self, found: Collapse, observations: Observations) -> str:
        others = "; ".join(f"{sign.meaning}: {sign.value:.3g}" for sign in found.signs[:3])
        if found.total:
            return f"The generator makes nearly one and the same sample: {others}."
        if math.isfinite(found.ratio) and found.ratio >= limits(observations)[0]:
            return (
                f"The generator makes only a few different samples, though they are apart from each other "
                f"(mean distance {found.ratio:.2f} of the reals'): {others}."
            )
        return f"The generator makes too few different samples: {others}."

    def _because(self, observations: Observations, found: Collapse) -> tuple[Alternative, ...]:
        alternatives = [
            Alternative(
                "simply early: it diversifies later",
                "unlikely",
                f"Step {observations.step}, and the diversity does not grow over the last three tenths "
                "of the run.",
            )
        ]
        natural = latest(observations, "sample.real.duplicates").median()
        if math.isfinite(natural):
            copies = latest(observations, "sample.fake.duplicates").median()
            if math.isfinite(copies):
                alternatives.append(
                    Alternative(
                        "data of narrow modes, where near copies are natural",
                        "ruled out" if copies > natural else "open",
                        f"{copies:.0%} of the fakes have a near copy, {natural:.0%} of the reals.",
                    )
                )
        std = latest(observations, "latent.std").median()
        repeated = latest(observations, "latent.repeated").median()
        if math.isfinite(std):
            constant = std < CONSTANT_LATENT or repeated > REPEATED_LATENT
            alternatives.append(
                Alternative(
                    "a constant or repeated latent",
                    "open" if constant else "ruled out",
                    f"Its standard deviation is {std:.3g}"
                    + (f" and {repeated:.0%} of its rows are repeats." if math.isfinite(repeated) else "."),
                )
            )
        layers = observations.probe("layer-variance")
        if layers is None or math.isnan(layers["smallest"]):
            alternatives.append(
                Alternative(
                    "a layer that erases the latent (batch norm)",
                    "open",
                    "The probe layer-variance would tell.",
                )
            )
        else:
            depth = layers["smallest.depth"]
            erased = layers["smallest"] < ERASED and depth <= 0.5
            alternatives.append(
                Alternative(
                    "a layer that erases the latent (batch norm)",
                    "open" if erased else "ruled out",
                    f"The smallest share of variance across the batch is {layers['smallest']:.2g} at "
                    + (f"relative depth {depth:.2f}." if math.isfinite(depth) else "an unknown depth."),
                )
            )
        dead = latest(observations, "activation.dead").median()
        if math.isfinite(dead):
            alternatives.append(
                Alternative(
                    "dead units in the generator",
                    "open" if dead > DEAD_UNITS else "ruled out",
                    f"Largest share of dead units in a layer: {dead:.0%}.",
                )
            )
        if observations.fact("generator.input") in ("image", "both"):
            alternatives.append(
                Alternative(
                    "outputs that follow similar inputs",
                    "unlikely" if found.total else "open",
                    "The generator is given images; their outputs were compared with the reals of the "
                    "same batches.",
                )
            )
        return tuple(alternatives)

    def undecided(self, observations: Observations) -> str | None:
        ratio = latest(observations, "sample.distance.ratio").median()
        if not ratio < limits(observations)[0] or not observations.warmed_up:
            return None
        if early(observations):
            return (
                f"The fakes are alike (mean distance {ratio:.2f} of the reals'), as in many healthy runs "
                "at step "
                f"{observations.step}; the next hundreds of steps will tell collapse from a slow start."
            )
        if diversifying(observations):
            return (
                f"The fakes are still alike (mean distance {ratio:.2f} of the reals'), but their "
                "diversity is "
                "growing; the probe diversity would tell more."
            )
        return None
