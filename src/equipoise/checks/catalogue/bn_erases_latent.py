"""EQ204: normalisation near the generator's input takes the latent's information away."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.collapse import early, limits
from equipoise.checks.conditions import below
from equipoise.checks.cures import symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence, sustained
from equipoise.history.observations import Observations

# survey: the across-batch variance falls below 1 % at one layer.
ERASED = 0.01
# survey: at the beginning it is structural, at the end it is learned.
STRUCTURAL_DEPTH = 0.5
# Fresh generators vary by 0.02 to 0.2 of the data (trial of the role inference), not by a thousandth.
ALIKE_AT_THE_START = 1e-3

_MOVE_NORM = Remedy(
    "move-normalisation",
    "Take the normalisation away from the latent and from the layer where the variance disappears: let "
    "it begin "
    "after the first non-linearity, and never use instance norm on 1x1 maps.",
    "root",
    "display-only",
)
_GROUP_NORM = Remedy(
    "replace-batch-norm",
    "Use layer norm or group norm (or none) in the generator's first block.",
    "root",
    "display-only",
)


@CHECKS.register("bn-erases-latent")
class BnErasesLatent(Check):
    """Normalisation before the first non-linearity removes what distinguishes one latent from another.

    What it does
        Reads the order of the generator's layers and, by the probe, follows how much of each layer's activity
        varies across the batch: variance over the batch over the mean square.

    Why it is bad
        What is not in the first layers cannot be in the output: all samples become one, from the first step,
        and no discriminator can change it. Instance norm on 1x1 maps leaves exactly nothing, batch norm on
        the latent takes away its mean and size, which in small batches is most of it.

    Evidence and threshold
        A share of variance below 0.01 in the first half of the layers, in a generator with normalisation:
        a warning, an error if the latent itself is normalised or the fakes are also alike. Normalisation of
        the latent alone is information, a warning if the fakes are alike (below half of the reals' distance).
        Confidence: 0.7 (0.85 for an error) towards 0.97 by how little is left.

    What else it could be
        A learned collapse: the variance disappears in the last layers, not in the first. A constant latent:
        the share is zero before any layer (`batch-repeat`). Dead units (`dead-or-saturated`).

    Remedies
        Root: move the normalisation behind the first non-linearity, or use another one. Symptomatic: larger
        batches are not enough; a minibatch standard deviation in the discriminator shows it the damage only.

    References
        Ioffe & Szegedy (2015); Radford et al. (2016), guidelines; HIPS/autograd pull request 247;
        martinarjovsky/WassersteinGAN issue 40.
    """

    code = "EQ204"
    name = "bn-erases-latent"
    kinds = ("preflight", "passive", "probe")
    stage = "wiring"
    signals = ("sample.distance.ratio", "latent.std", "finite")
    facts = ("generator.layers", "generator.batch_norm_before_nonlinearity", "generator.input")
    probes = ("layer-variance",)
    explains = (
        "mode-collapse",
        "batch-blindness",
        "z-ignored",
        "perfect-discriminator",
        "vanishing-generator-gradient",
        # What is left of the latent is the batch's noise, which the running statistics do not have.
        "eval-drift",
    )
    remedies = (_MOVE_NORM, _GROUP_NORM, *symptomatic("minibatch-standard-deviation"))

    def run(self, observations: Observations) -> Finding | None:
        if observations.series("finite").last == 0:
            return None  # of numbers that are none no variance can be told
        structural = bool(observations.fact("generator.batch_norm_before_nonlinearity"))
        layers = observations.fact("generator.layers") or []
        norms = [str(layer.get("name", "?")) for layer in layers if "Norm" in str(layer.get("type", ""))]
        probe = observations.probe("layer-variance")
        erased = (
            bool(norms or structural)
            and probe is not None
            and 0 <= probe["smallest"] < ERASED
            and probe["smallest.depth"] >= 0  # a number at all
            and (probe["smallest.depth"] <= STRUCTURAL_DEPTH or self._from_the_start(observations))
        )
        if not erased and not structural:
            return None
        alike = None
        if not early(observations):
            alike = sustained(observations, "sample.distance.ratio", below(limits(observations)[0]))
        evidence = []
        excess = 0.0
        if probe is not None and erased:
            excess = math.log10(ERASED / max(probe["smallest"], 1e-8))
            evidence.append(
                Measurement(
                    "layer-variance.smallest",
                    probe["smallest"],
                    ERASED,
                    "below",
                    "survey of reported failures",
                    f"share of variance across the batch at relative depth {probe['smallest.depth']:.2f}",
                )
            )
        if structural:
            evidence.append(
                Measurement(
                    "generator.batch_norm_before_nonlinearity",
                    1.0,
                    1.0,
                    "equal to",
                    "order of the layers",
                    "the latent itself goes through batch norm",
                )
            )
        if alike:
            evidence.append(
                Measurement(
                    "sample.distance.ratio",
                    alike.value,
                    limits(observations)[0],
                    "below",
                    "survey of reported failures",
                    "mean distance between two fakes over that between two reals",
                )
            )
        severity: Severity = (
            "error" if erased and (structural or alike) else "warning" if erased or alike else "info"
        )
        if erased and probe is not None:
            message = (
                f"Normalisation erases the latent: at relative depth {probe['smallest.depth']:.2f} only "
                f"{probe['smallest']:.2%} of the generator's activity still varies across the batch"
                + (f" (normalisation layers: {', '.join(norms[:4])})." if norms else ".")
            )
        else:
            message = (
                "The latent goes through batch norm before any other layer, which takes away its mean "
                "and size"
                + (
                    f", and the fakes are alike (mean distance {alike.value:.2g} of the reals')."
                    if alike
                    else "; with large batches little is lost."
                )
            )
        return self.finding(
            severity,
            confidence(0.85 if severity == "error" else 0.7, 0.97, excess),
            message,
            evidence=tuple(evidence),
            because=self._because(observations, erased),
            since=alike.since if alike else None,
            details={"normalisation": norms[:8]},
        )

    @staticmethod
    def _from_the_start(observations: Observations) -> bool:
        """Fakes that are all the same before anything was learnt: no learned collapse, wherever it shows."""
        return observations.series("sample.distance.ratio").finite().first < ALIKE_AT_THE_START

    def _because(self, observations: Observations, erased: bool) -> tuple[Alternative, ...]:
        probe = observations.probe("layer-variance")
        depth = probe["smallest.depth"] if probe is not None else math.nan
        latent = latest(observations, "latent.std").median()
        alternatives = [
            Alternative(
                "a learned collapse, in the last layers",
                "ruled out" if erased else "open",
                f"The variance is smallest at relative depth {depth:.2f}."
                if math.isfinite(depth)
                else "The probe layer-variance would tell.",
            )
        ]
        if math.isfinite(latent):
            alternatives.append(
                Alternative(
                    "a constant latent",
                    "ruled out" if latent > ERASED else "open",
                    f"Its standard deviation is {latent:.3g}.",
                )
            )
        return tuple(alternatives)
