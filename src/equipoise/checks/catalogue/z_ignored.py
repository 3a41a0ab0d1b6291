"""EQ203: a generator does not use its latent."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.trends import latest
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations, ProbeResult

# survey: variance over latents at a fixed condition below 1 % of the reals'; a standard deviation is
# measured, hence a tenth.
IGNORED = 0.1
# Reals in such narrow modes that half of them have near copies: the condition may say all there is to say.
NARROW_MODES = 0.5
# Near copies among fresh fakes, as in mode-collapse.
PROBED_DUPLICATES = 0.1
# Nothing but rounding: the latent does not reach the output at all.
UNCONNECTED = 1e-5
# Below this the output does not follow the condition either: a collapse, not an ignored latent (C16's 5 %).
FOLLOWS_CONDITION = 0.05
RECONSTRUCTION = 0.5
# The first layer's output is the same for the whole batch, up to rounding, though latents vary.
NO_VARIANCE = 1e-10
LATENT_VARIES = 0.01

_CONNECT = Remedy(
    "connect-latent",
    "Give the latent that `forward` receives to the generator's first layer; look for a line that overwrites "
    "or never uses it.",
    "root",
    "display-only",
)
_DROP_LATENT = Remedy(
    "drop-latent",
    "If one answer per condition is what you want, remove the latent from the model, as pix2pix did.",
    "root",
    "display-only",
)
_LATENT_EVERYWHERE = Remedy(
    "latent-at-every-layer",
    "Feed the latent to every layer of the generator (by modulation or conditional norm) instead of only "
    "to the first.",
    "root",
    "display-only",
)
_DROPOUT = Remedy(
    "dropout-when-sampling",
    "Keep dropout switched on when sampling, as pix2pix does; the diversity it gives is small.",
    "symptomatic",
    "display-only",
)


@CHECKS.register("z-ignored")
class ZIgnored(Check):
    """At a fixed condition the generator gives the same sample whatever the latent.

    What it does
        The probe draws many latents for one condition and compares the spread of the outputs with that of the
        reals, and with what a change of the condition does.

    Why it is bad
        The model is a function of its condition with one answer for each; its latent is decoration.

    Evidence and threshold
        Standard deviation over latents at a fixed condition below 0.1 of the reals' at one condition (1 %
        of their variance; of all reals where conditions are unknown or each has one real): warning, after
        2.5 warm-ups and with two probes in agreement where two have run. Where half of the reals have
        near copies, only if more than 10 % of the fakes have a nearer copy than reals have (lower 95 %
        bound), as the condition may say it all. An error below 1e-5, where only rounding is left: the
        latent does not reach the output. This only for generators with a condition beside the latent, and
        only while the output follows the condition (above 0.05).
        Error for any generator whose first layer's output does not vary across the batch (below 1e-10 of its
        mean square) though the latents do: they never arrive.
        Confidence: 0.75 towards 0.97 by orders of magnitude below the threshold.

    What else it could be
        Mode collapse: then the output follows the condition as little as the latent. A generator from image
        to image without a latent: nothing to ignore. A strong reconstruction term, which asks for one answer
        and makes this expected.

    Remedies
        Root: a mode-seeking term, the latent at every layer, or no latent at all where one answer is wanted.
        Symptomatic: dropout when sampling.

    References
        Isola et al. (2017), section 3.1 and pix2pix issue 152; Mao et al. (2019), mode seeking; Zhu et al.
        (2017), BicycleGAN.
    """

    code = "EQ203"
    name = "z-ignored"
    kinds = ("probe",)
    stage = "diversity"
    signals = ("sample.real.duplicates", "latent.std")
    facts = ("generator.input", "generator.conditional", "objective.composite")
    probes = ("generator-response", "diversity", "layer-variance")
    explains = (
        "mode-collapse",
        "batch-blindness",
        "vanishing-generator-gradient",
        "dead-or-saturated",
    )
    remedies = (
        *root("mode-seeking-loss"),
        _LATENT_EVERYWHERE,
        _DROP_LATENT,
        _CONNECT,
        *symptomatic("feature-matching"),
        _DROPOUT,
    )

    def run(self, observations: Observations) -> Finding | None:
        return self._never_connected(observations) or self._ignored(observations)

    def _never_connected(self, observations: Observations) -> Finding | None:
        """Not even the first layer's output depends on the latent."""
        layers, response = observations.probe("layer-variance"), observations.probe("generator-response")
        spread = observations.series("latent.std").median()
        if layers is None or response is None or not spread > LATENT_VARIES:
            return None
        if not (0 <= layers["first"] < NO_VARIANCE and 0 <= response["latent"] < UNCONNECTED):
            return None
        return self.finding(
            "error",
            0.95,
            f"The latent does not reach the generator's first layer: latents differ (standard deviation "
            f"{spread:.2g}), what the first layer makes of them does not.",
            evidence=(
                Measurement(
                    "layer-variance.first",
                    layers["first"],
                    NO_VARIANCE,
                    "below",
                    "rounding",
                    "share of variance across the batch behind the first layer",
                ),
                Measurement(
                    "generator-response.latent",
                    response["latent"],
                    UNCONNECTED,
                    "below",
                    "survey of reported failures",
                    "spread over latents at one condition, over the reals' spread",
                ),
            ),
            because=(
                Alternative(
                    "mode collapse", "ruled out", "training does not make a first layer exactly constant"
                ),
                Alternative("a constant latent", "ruled out", f"its standard deviation is {spread:.2g}"),
                Alternative(
                    "a normalisation that erases it, or dead units",
                    "ruled out",
                    "both would come behind the first layer",
                ),
            ),
            since=layers.step,
            remedies=(_CONNECT,),
        )

    def _ignored(self, observations: Observations) -> Finding | None:
        if not observations.warmed_up or observations.fact("generator.input") == "image":
            return None
        if not (observations.fact("generator.conditional") or observations.fact("generator.input") == "both"):
            return None
        results = observations.probes("generator-response")[-2:]
        if not results or not all(0 <= result["latent"] < self._limit(result) for result in results):
            return None
        latent, condition = results[-1]["latent"], results[-1]["condition"]
        if condition < FOLLOWS_CONDITION:
            return None
        severity: Severity = "error" if latent < UNCONNECTED else "warning"
        if severity == "warning" and self._condition_says_it_all(observations):
            return None
        share = observations.fact("objective.composite")
        reconstructs = isinstance(share, (int, float)) and share > RECONSTRUCTION
        evidence = [
            Measurement(
                "generator-response.latent",
                latent,
                UNCONNECTED if severity == "error" else self._limit(results[-1]),
                "below",
                "survey of reported failures",
                "spread over latents at one condition, over the reals' spread",
            )
        ]
        if math.isfinite(condition):
            evidence.append(
                Measurement(
                    "generator-response.condition",
                    condition,
                    FOLLOWS_CONDITION,
                    "above",
                    "survey of reported failures",
                    "change of the output when only the condition is swapped",
                )
            )
        return self.finding(
            severity,
            confidence(0.75, 0.97, math.log10(self._limit(results[-1]) / max(latent, 1e-8))),
            f"The generator ignores its latent: at one condition its outputs spread by {latent:.2g} of "
            "the reals' spread"
            + (
                f", while another condition changes them by {condition:.2g}."
                if math.isfinite(condition)
                else "."
            ),
            evidence=tuple(evidence),
            because=(
                Alternative(
                    "mode collapse",
                    "ruled out" if math.isfinite(condition) else "open",
                    f"The output follows the condition ({condition:.2g})."
                    if math.isfinite(condition)
                    else "How the output follows the condition was not measured.",
                ),
                Alternative(
                    "a reconstruction term that asks for one answer to each condition",
                    "open" if reconstructs else "ruled out" if isinstance(share, (int, float)) else "open",
                    f"Share of the generator's gradient that is not adversarial: {share:.2f}."
                    if isinstance(share, (int, float))
                    else "The share of other loss terms is not known.",
                ),
            ),
            since=results[0].step,
        )

    @staticmethod
    def _limit(result: ProbeResult) -> float:
        """A tenth of the spread that reals have at one condition, or of all reals where that is unknown."""
        within = result["latent.real"]
        return IGNORED * min(within, 1.0) if within > 0 else IGNORED

    def _condition_says_it_all(self, observations: Observations) -> bool:
        """Whether the reals of one condition may be as alike as these fakes."""
        narrow = latest(observations, "sample.real.duplicates").median() > NARROW_MODES
        probe = observations.probe("diversity")
        return narrow and not (probe is not None and probe["duplicates.low"] > PROBED_DUPLICATES)
