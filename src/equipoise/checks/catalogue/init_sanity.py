"""EQ015: weights that start in the wrong place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy, Severity
from equipoise.checks.symptoms import SYMPTOMS
from equipoise.history.observations import Observations

ZERO = 1e-8
LARGE = 10.0
SMALL = 0.01
SMALL_SCALE = 0.1  # of normalisation layers; N(0, 0.02) where N(1, 0.02) was meant gives means near 0
DRAWN_SCALE = 0.01  # standard deviation; half of the 0.02 that is usual
SPREAD = 100.0
PLAIN_LAYERS = (
    "Linear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
)
DEAD = 0.5
EXACTLY_ALIKE = 1e-3
LARGE_GRADIENT = 100.0
SATURATED = 0.5
FIXED_STD = 0.02
USUAL = (1.0, 1 / math.sqrt(6))  # He's standard deviation, and PyTorch's own: U(-1, 1) / sqrt(fan-in)
NEAR = 0.05
ZERO_SOURCE = "exact: all weights of a layer are equal, so all its units stay equal"
SCALE_SOURCE = "ours: DCGAN's fixed 0.02 is between 0.05 and 3.2 times PyTorch's default in common layers"
GRADIENT_SOURCE = "ganhacks, section 10: gradient norms above 100 are trouble"
SPREAD_SOURCE = "ours: DCGAN's fixed 0.02 spans a factor of 64 in common layers"
DEAD_SOURCE = "SageMaker Debugger, rule DeadRelu: half of a layer"
SATURATED_SOURCE = "ours: at the start an output activation is in its middle"
_NORMS = ("BatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm")


@CHECKS.register("init-sanity")
class InitialisationSanity(Check):
    """Weights start at zero, at one value, or far too large or small.

    What it does
        Looks at each layer's weights as they were at the start, and at what the first batches made of them.

    Why it is bad
        Units that start equal stay equal. Weights that are much too large saturate the activations and the
        loss at once; much too small ones pass neither signal nor gradient.

    Evidence and threshold
        Error: more than half of a network's weight layers have all weights equal (standard deviation
        below 1e-8). Warning: the scale factors of all normalisation layers are near zero (mean below
        0.1; with less confidence where they are drawn about zero, with a standard deviation above 0.01: slow,
        but a start that published scripts use); or a layer's standard deviation is beyond 10 times or below
        0.01 times the default for its fan-in and the start shows it (a gradient norm above 100, half of the
        outputs saturated, or half of a layer's units dead in the first record). Warning: within one network
        the standard deviations of torch's own layers, each over the usual one for its fan-in, differ by more
        than 100 times.
        Warning: more than half of a layer's units dead in the first record and still in the newest. Info:
        some layers have the fixed standard deviation 0.02 and others of the same kind have PyTorch's default,
        so an initialisation function probably missed them.

    What else it could be
        - Single layers that start at zero on purpose (the last of a residual branch, an attention gate):
          not reported.
        - Weights that are scaled at run time (equalised learning rate): large on paper; nothing shows it at
          the start.
        - A wrong learning rate: the values are of the start, before the first step.

    Remedies
        Apply the initialisation to every layer (`network.apply(init)`), and start again.

    References
        - https://github.com/callummcdougall/ARENA_3.0/pull/369 (defined, never called)
        - https://github.com/PacktPublishing/Hands-On-Generative-Adversarial-Networks-with-PyTorch-1.x/issues/1
        - Radford et al., "Unsupervised Representation Learning with DCGAN", 2016: N(0, 0.02).
    """

    code = "EQ015"
    name = "init-sanity"
    kinds = ("preflight", "passive")
    signals = (
        "gradient.generator",
        "gradient.discriminator",
        "sample.fake.saturated",
        "activation.dead",
        "activation.dead.discriminator",
        "sample.distance.ratio",
    )
    facts = ("generator.initialisation", "discriminator.initialisation")
    stage = "wiring"
    # Layers that start at a wrong scale move for long, and running statistics stay behind them.
    explains = (*SYMPTOMS, "eval-drift")
    remedies = (
        Remedy(
            "apply-initialisation",
            "Apply one initialisation to every layer of both networks (DCGAN: N(0, 0.02), scale factors "
            "N(1, 0.02)) before "
            "the optimizers are made, and start the run again.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        found: list[Finding] = []
        for player in ("generator", "discriminator"):
            layers = [
                layer
                for layer in observations.fact(f"{player}.initialisation", [])
                if layer.get("std") is not None
            ]
            found += list(self._layers(observations, player, layers))
            found += list(self._dead(observations, player))
        order: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
        return min(found, key=lambda finding: order[finding.severity], default=None)

    def _layers(
        self, observations: Observations, player: str, layers: list[dict[str, Any]]
    ) -> Iterator[Finding]:
        norms = [layer for layer in layers if str(layer.get("type", "")).startswith(_NORMS)]
        weights = [layer for layer in layers if layer not in norms]
        fact = f"{player}.initialisation"
        equal = [layer for layer in weights if layer["std"] < ZERO]
        if equal and len(equal) > len(weights) / 2:
            share = len(equal) / len(weights)
            yield self.finding(
                "error",
                0.95,
                f"In {len(equal)} of the {player}'s {len(weights)} weight layers all weights start with "
                "the same value: "
                "their units stay equal for ever.",
                evidence=(Measurement(fact, share, 0.5, "above", ZERO_SOURCE, "share of such layers"),),
                because=(
                    Alternative(
                        "single layers that start at zero on purpose",
                        "ruled out",
                        f"it is {share:.0%} of the layers",
                    ),
                ),
                since=0,
            )
        scales = [layer["weight_mean"] for layer in norms if layer.get("weight_mean") is not None]
        if scales and max(map(abs, scales)) < SMALL_SCALE:
            # Drawn about zero (N(0, 0.02), as a much copied course does) they differ, and the next
            # normalisation makes up for their size: such a start is slow, but known to train.
            drawn = min(layer["std"] for layer in norms) > DRAWN_SCALE
            yield self.finding(
                "warning",
                0.7 if drawn else 0.85,
                f"The scale factors of all {len(scales)} normalisation layers of the {player} start near "
                f"zero (mean at most {max(map(abs, scales)):.2g}): "
                + (
                    "little passes the last of them until they have grown."
                    if drawn
                    else "next to nothing passes them."
                ),
                evidence=(
                    Measurement(
                        fact,
                        max(map(abs, scales)),
                        SMALL_SCALE,
                        "below",
                        "DCGAN starts them at N(1, 0.02)",
                        "largest mean scale factor",
                    ),
                ),
                because=(
                    Alternative(
                        "zero scale factors at the end of residual branches",
                        "ruled out",
                        "these are all normalisation layers, not the last of each branch",
                    ),
                ),
                since=0,
            )
        yield from self._scale(observations, player, weights)
        yield from self._spread(player, weights)
        yield from self._missed(player, weights)

    def _spread(self, player: str, weights: list[dict[str, Any]]) -> Iterator[Finding]:
        """Layers of torch itself, whose weights act as they are stored, on scales that do not fit."""
        ratios = [
            (layer["std"] / layer["expected_std"], str(layer.get("name", "?")))
            for layer in weights
            if layer.get("type") in PLAIN_LAYERS and layer.get("expected_std") and layer["std"] >= ZERO
        ]
        if len(ratios) < 2:
            return
        (smallest, small), (largest, large) = min(ratios), max(ratios)
        if not largest > SPREAD * smallest:
            return
        yield self.finding(
            "warning",
            0.75,
            f"The {player}'s layers start on scales that do not fit together: `{large}` at {largest:.3g} "
            f"times the standard deviation usual for its fan-in, `{small}` at {smallest:.3g} times; an "
            "initialisation has probably missed one of them.",
            evidence=(
                Measurement(
                    f"{player}.initialisation",
                    largest / smallest,
                    SPREAD,
                    "above",
                    SPREAD_SOURCE,
                    "largest over smallest standard deviation, each over the usual one for its fan-in",
                ),
            ),
            because=(
                Alternative(
                    "weights that are scaled at run time",
                    "ruled out",
                    "both layers are of torch itself and apply their weights as they are",
                ),
                Alternative(
                    "a layer that starts at zero on purpose", "ruled out", "layers of zeros are left out"
                ),
            ),
            since=0,
        )

    def _scale(
        self, observations: Observations, player: str, weights: list[dict[str, Any]]
    ) -> Iterator[Finding]:
        ratios = [
            (layer["std"] / layer["expected_std"], layer)
            for layer in weights
            if layer.get("expected_std") and layer["std"] >= ZERO
        ]
        odd = [(ratio, layer) for ratio, layer in ratios if not SMALL <= ratio <= LARGE]
        shown = self._shown_at_the_start(observations, player)
        if not odd or shown is None:
            return
        ratio, layer = max(odd, key=lambda pair: max(pair[0], 1 / pair[0]))
        yield self.finding(
            "warning",
            0.8,
            f"The weights of the {player}'s layer `{layer.get('name', '?')}` start at {ratio:.3g} times "
            "the usual standard "
            f"deviation ({layer['std']:.3g} instead of {layer['expected_std']:.3g}), and the start shows it: "
            f"{shown.meaning} is {shown.value:.3g}.",
            evidence=(
                Measurement(
                    f"{player}.initialisation",
                    ratio,
                    LARGE if ratio > 1 else SMALL,
                    "above" if ratio > 1 else "below",
                    SCALE_SOURCE,
                    "standard deviation of the weights over the default for the fan-in",
                ),
                shown,
            ),
            because=(
                Alternative(
                    "weights that are scaled at run time",
                    "ruled out",
                    f"they would start in balance, but {shown.meaning} is {shown.value:.3g}",
                ),
            ),
            since=0,
        )

    def _shown_at_the_start(self, observations: Observations, player: str) -> Measurement | None:
        dead = "activation.dead" if player == "generator" else "activation.dead.discriminator"
        candidates = [
            (f"gradient.{player}", LARGE_GRADIENT, GRADIENT_SOURCE, "the first gradient norm"),
            (dead, DEAD, DEAD_SOURCE, "the share of dead units in the first record"),
        ]
        if player == "generator":
            candidates.append(
                (
                    "sample.fake.saturated",
                    SATURATED,
                    SATURATED_SOURCE,
                    "the share of saturated outputs in the first record",
                )
            )
        for name, threshold, source, meaning in candidates:
            first = observations.series(name).finite().first
            if first > threshold:
                return Measurement(name, first, threshold, "above", source, meaning)
        return None

    def _missed(self, player: str, weights: list[dict[str, Any]]) -> Iterator[Finding]:
        known = [layer for layer in weights if layer.get("expected_std")]
        fixed = [
            layer
            for layer in known
            if abs(layer["std"] / FIXED_STD - 1) < NEAR
            and abs(layer["std"] / layer["expected_std"] - 1) > NEAR
        ]
        default = [
            layer
            for layer in known
            if min(abs(layer["std"] / layer["expected_std"] / usual - 1) for usual in USUAL) < NEAR
            and abs(layer["std"] / FIXED_STD - 1) > NEAR
        ]
        if len(fixed) < 2 or not default:
            return
        names = ", ".join(f"`{layer.get('name', '?')}`" for layer in default[:4])
        yield self.finding(
            "info",
            0.7,
            f"{len(fixed)} layers of the {player} start with the fixed standard deviation 0.02, but "
            f"{names} with "
            "PyTorch's default: the initialisation probably missed them.",
            evidence=(
                Measurement(
                    f"{player}.initialisation",
                    float(len(default)),
                    0.0,
                    "above",
                    "DCGAN initialises every convolution with N(0, 0.02)",
                    "layers with the default",
                ),
            ),
        )

    def _dead(self, observations: Observations, player: str) -> Iterator[Finding]:
        name = "activation.dead" if player == "generator" else "activation.dead.discriminator"
        series = observations.series(name).finite()
        # Units that come to life were never dead: they had hardly any signal yet. One record cannot tell.
        sure = observations.source == "preflight" or len(series) > 1
        if not series.first > DEAD or not series.last > DEAD or not sure:
            return
        alike = observations.series("sample.distance.ratio").finite().first
        if player == "generator" and alike < EXACTLY_ALIKE:
            return  # where all inputs of a layer are the same, about half of its units are zero for all
        yield self.finding(
            "warning",
            0.7,
            f"Already in the first record {series.first:.0%} of the units of one layer of the {player} are "
            "zero for a whole "
            "batch.",
            evidence=(Measurement(name, series.first, DEAD, "above", DEAD_SOURCE, "share of dead units"),),
            because=(
                Alternative(
                    "units that died during training",
                    "ruled out" if series.steps[0] <= 10 else "open",
                    f"the record is of step {series.steps[0]:.0f}",
                ),
            ),
            since=int(series.steps[0]),
        )
