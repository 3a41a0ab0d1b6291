"""EQ203: a generator does not use its latent."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.symptoms import SYMPTOMS
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
# Another class of the reals is about their mean distance away; samples that follow less far are young, all
# near each other, and differ little by their latents as well.
FOLLOWS_FAR = 0.5
RECONSTRUCTION = 0.5
# The first layer's output is the same for the whole batch, up to rounding, though latents vary.
NO_VARIANCE = 1e-10
LATENT_VARIES = 0.01
# Of a layer's mean square: latents below LATENT_VARIES beside biases of ordinary size leave less than this.
DROWNED = LATENT_VARIES**2
WORKS = 0.01  # spread of the output over the reals', below which no scaled latent can be said to work

# What follows where the latent is ignored at each condition; where it does not arrive at all, more does.
_ALIKE = ("mode-collapse", "batch-blindness", "vanishing-generator-gradient", "dead-or-saturated")

_CONNECT = Remedy(
    "connect-latent",
    "Give the latent that `forward` receives to the generator's first layer; look for a line that overwrites "
    "or never uses it.",
    "root",
    "display-only",
)
_SCALE_LATENT = Remedy(
    "scale-latent",
    "Draw latents with a standard deviation near 1 (`torch.randn`) in training and when sampling; look for a "
    "factor that was meant for weights.",
    "root",
    "unsafe",
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
        of their variance; of all reals where conditions are unknown or each has one real; less in
        proportion where another condition changes the output by less than half of the reals' distance):
        warning, after the warm-up and with two probes in agreement where two have run. Where half of the
        reals have near copies, only if more than 10 % of the fakes have a nearer copy than reals have
        (lower 95 % bound), as the condition may say it all. An error below 1e-5, where only rounding is left:
        the latent does not reach the output. This only for generators with a condition beside the latent, and
        only while the output follows the condition (above 0.05).
        Error for any generator whose first layer's output does not vary across the batch (below 1e-10 of its
        mean square) though the latents do: they never arrive. Likewise where the output, which has a graph,
        has no derivative by the latent at all (exact: not zero, but no path to it) and does not follow it
        either (below 1e-5): what is made of the latent is not used.
        Error for any generator, after the warm-up, whose latents have a standard deviation below 0.01 (usual
        laws have 0.3 to 2) where both effects show: behind some layer less than 1e-4 of the mean square
        differs across the batch, so that biases drown them, and the outputs spread by less than 1 % of the
        reals' spread.
        Confidence: 0.75 towards 0.97 by orders of magnitude below the threshold.

    What else it could be
        A latent that enters through a lookup, a decision or a part under `no_grad` has no derivative, but the
        output follows it. A generator that draws noise of its own: nothing is said while its outputs differ.
        Mode collapse: then the output follows the condition as little as the latent. A generator from image
        to image without a latent: nothing to ignore. Small latents that a first layer or a normalisation
        scales up again: the outputs spread. A strong reconstruction term, which asks for one answer
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
    explains = (*SYMPTOMS, "bn-erases-latent")
    remedies = (
        *root("mode-seeking-loss"),
        _LATENT_EVERYWHERE,
        _DROP_LATENT,
        _CONNECT,
        _SCALE_LATENT,
        *symptomatic("feature-matching"),
        _DROPOUT,
    )

    def run(self, observations: Observations) -> Finding | None:
        return (
            self._not_connected(observations)
            or self._never_connected(observations)
            or self._too_small(observations)
            or self._ignored(observations)
        )

    def _not_connected(self, observations: Observations) -> Finding | None:
        """The output has no derivative by the latent at all, and does not follow it either."""
        response = observations.probe("generator-response")
        spread = observations.series("latent.std").median()
        if response is None or not spread > 0:
            return None
        # Where latents enter by a lookup or under no_grad there is no derivative; then the output moves.
        if response["latent.connected"] != 0 or not 0 <= response["latent"] < UNCONNECTED:
            return None
        return self.finding(
            "error",
            0.97,
            "The latent is not connected to the generator's output: the output has a graph and no derivative "
            f"by the latent, and latents of standard deviation {spread:.2g} all give the same sample. What "
            "is computed from the latent is not used.",
            evidence=(
                Measurement(
                    "generator-response.latent.connected",
                    0.0,
                    1.0,
                    "below",
                    "exact: torch.autograd.grad finds no path from the output to the latent",
                    "1 if the output has a derivative by the latent, be it zero",
                ),
                _spread_of_outputs(response["latent"], UNCONNECTED),
            ),
            because=(
                Alternative(
                    "mode collapse, dead units, or a normalisation that erases it",
                    "ruled out",
                    "the derivative would be zero then, and exist",
                ),
                Alternative(
                    "latents that enter through a lookup, a decision or a part without gradients",
                    "ruled out",
                    "the output would follow them nevertheless",
                ),
            ),
            since=response.step,
            remedies=(_CONNECT,),
        )

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
                _spread_of_outputs(response["latent"], UNCONNECTED),
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

    def _too_small(self, observations: Observations) -> Finding | None:
        """Latents that hardly differ beside what the generator's own biases add to them."""
        layers, response = observations.probe("layer-variance"), observations.probe("generator-response")
        spread = observations.series("latent.std").median()
        if layers is None or response is None or not observations.warmed_up:
            return None
        if not (0 < spread < LATENT_VARIES and layers["smallest"] < DROWNED and response["latent"] < WORKS):
            return None
        return self.finding(
            "error",
            confidence(0.85, 0.97, math.log10(LATENT_VARIES / spread)),
            f"The latents hardly differ: their standard deviation is {spread:.2g}, and the generator's "
            f"biases drown them ({layers['smallest']:.2g} of a layer's mean square is left of the "
            f"differences), so that its outputs spread by {response['latent']:.2g} of the reals' spread.",
            evidence=(
                Measurement(
                    "latent.std",
                    spread,
                    LATENT_VARIES,
                    "below",
                    "ours: a thirtieth of the narrowest usual law, U(0, 1)",
                    "standard deviation of the latents",
                ),
                Measurement(
                    "layer-variance.smallest",
                    layers["smallest"],
                    DROWNED,
                    "below",
                    "ours: the square of that standard deviation",
                    "smallest share of a layer's mean square that differs across the batch",
                ),
                Measurement(
                    "generator-response.latent",
                    response["latent"],
                    WORKS,
                    "below",
                    "ours: a hundredth",
                    "spread over latents at one condition, over the reals' spread",
                ),
            ),
            because=(
                Alternative(
                    "a scaled latent that works",
                    "ruled out",
                    f"the outputs spread by {response['latent']:.2g} of the reals' spread",
                ),
                Alternative(
                    "mode collapse", "unlikely", "with such latents there is nothing to tell samples apart by"
                ),
            ),
            since=0,
            remedies=(_SCALE_LATENT,),
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
            _spread_of_outputs(latent, UNCONNECTED if severity == "error" else self._limit(results[-1]))
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
            explains=_ALIKE,
        )

    @staticmethod
    def _limit(result: ProbeResult) -> float:
        """A tenth of the spread that reals have at one condition, or of all reals where that is unknown.

        Less where another condition changes little as well: a young generator's samples are near each other,
        whatever they follow.
        """
        within, condition = result["latent.real"], result["condition"]
        limit = IGNORED * min(within, 1.0) if within > 0 else IGNORED
        return limit * condition / FOLLOWS_FAR if condition < FOLLOWS_FAR else limit

    def _condition_says_it_all(self, observations: Observations) -> bool:
        """Whether the reals of one condition may be as alike as these fakes."""
        narrow = latest(observations, "sample.real.duplicates").median() > NARROW_MODES
        probe = observations.probe("diversity")
        return narrow and not (probe is not None and probe["duplicates.low"] > PROBED_DUPLICATES)


def _spread_of_outputs(value: float, threshold: float) -> Measurement:
    return Measurement(
        "generator-response.latent",
        value,
        threshold,
        "below",
        "survey of reported failures",
        "spread over latents at one condition, over the reals' spread",
    )
