"""The way of the generator's gradient back, station by station: loss, discriminator, generator.

By the chain rule dL_G/dtheta = dL/ds * ds/dx * dx/dtheta. Each factor is compared with a reference of its
own; the first that has died names the cause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equipoise.checks.finding import Measurement
from equipoise.checks.samples import CALIBRATION
from equipoise.checks.trends import latest, rolling_median
from equipoise.history.observations import Observations, Series

# What `anatomy` reads; a check that calls it declares these.
ANATOMY_SIGNALS = (
    "slope.generator.size",
    "slope.generator.zero",
    "discriminator.slope",
    "score.real.mean",
    "score.fake.mean",
    "sample.real.distance",
    "gradient.samples.total",
    "gradient.generator",
    "gradient.generator.layers",
)
ANATOMY_FACTS = ("objective.generator", "objective.family", "objective.clamped")
ANATOMY_PROBES = ("gradient-anatomy",)

StationName = Literal["loss", "discriminator", "generator"]
WINDOW = 200

# The saturating loss has slope D(G(z)); below 2 % of the slope 1/2 at the boundary the discriminator gives
# fakes less than 1 % (Arjovsky & Bottou 2017, section 2.2.1, lose the gradient there). Calibrated.
DEAD_LOSS = 0.02
# Share of fakes whose slope is exactly zero: a clamp or an underflow, not a small number.
ALL_ZERO = 0.99
# |ds/dx| at the fakes over the largest it has been (running medians), or over the mean rise of the score per
# unit of distance between real and fake. Calibrated.
DEAD_STEEPNESS = 0.01
DEAD_STEEPNESS_PER_GAP = 0.02
# AutoTrainer (ICSE 2021), utils/monitor.py: first over last layer below 1e-3 and first below 1e-4.
DEAD_LAYERS = 1e-3
DEAD_FIRST_LAYER = 1e-4
AUTOTRAINER = "AutoTrainer (ICSE 2021): vanishing gradient, beta1 = 1e-3, beta2 = 1e-4"
# |dL/dtheta| per |dL/dx| over the largest it has been. Calibrated.
DEAD_PASSAGE = 1e-3
SATURATING_FAMILIES = ("minimax", "saturating")


@dataclass(frozen=True)
class Station:
    """One factor of the chain.

    Attributes:
        value: the factor now, median over the last 200 steps; nan if unknown.
        share: value over its reference; 1 is full strength, nan if there is no reference.
        dead: whether the gradient dies here.
        words: what was measured, as a clause.
    """

    name: StationName
    value: float
    share: float
    dead: bool
    words: str
    evidence: tuple[Measurement, ...]


@dataclass(frozen=True)
class Anatomy:
    """All three stations in the order of the way back."""

    loss: Station
    discriminator: Station
    generator: Station
    saturating: bool

    @property
    def stations(self) -> tuple[Station, ...]:
        return (self.loss, self.discriminator, self.generator)

    @property
    def first_dead(self) -> Station | None:
        """The first station at which the gradient dies, or None."""
        return next((station for station in self.stations if station.dead), None)

    @property
    def weakest(self) -> Station | None:
        """The station with the smallest share of its reference; None if no share is known."""
        known = [station for station in self.stations if math.isfinite(station.share)]
        return min(known, key=lambda station: station.share, default=None)


def anatomy(observations: Observations) -> Anatomy:
    """The three stations as they are now."""
    family = observations.fact("objective.generator") or observations.fact("objective.family")
    return Anatomy(
        loss=_loss(observations),
        discriminator=_discriminator(observations),
        generator=_generator(observations),
        saturating=family in SATURATING_FAMILIES or observations.fact("objective.clamped") is not None,
    )


def _largest(series: Series) -> float:
    """The largest running median, so that one spike is no reference."""
    return rolling_median(series, WINDOW).largest()


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 and math.isfinite(reference) else math.nan


def _loss(observations: Observations) -> Station:
    value = latest(observations, "slope.generator.size", WINDOW).median()
    reference, origin = _largest(observations.series("slope.generator.size")), "of its largest"
    probe = observations.probe("gradient-anatomy")
    if probe is not None and probe["slope.reference"] > 0:
        reference, origin = probe["slope.reference"], "of that at the decision boundary"
    share = _ratio(value, reference)
    zero = latest(observations, "slope.generator.zero", WINDOW).median()
    evidence = []
    if math.isfinite(value):
        evidence.append(
            Measurement(
                "slope.generator.size",
                value,
                DEAD_LOSS * reference if math.isfinite(share) else None,
                "below",
                f"2 % {origin}; Arjovsky & Bottou (2017), {CALIBRATION}",
                "station 1, |dL/dlogit|",
            )
        )
    if zero >= ALL_ZERO:
        evidence.append(
            Measurement(
                "slope.generator.zero", zero, ALL_ZERO, "at least", "exact zeros", "share of zero slopes"
            )
        )
    words = f"|dL/dlogit| is {value:.3g}" if math.isfinite(value) else f"{zero:.0%} of the slopes are zero"
    if math.isfinite(share):
        words += f", {share:.2%} {origin}"
    return Station("loss", value, share, share < DEAD_LOSS or zero >= ALL_ZERO, words, tuple(evidence))


def _discriminator(observations: Observations) -> Station:
    value = latest(observations, "discriminator.slope", WINDOW).median()
    share = _ratio(value, _largest(observations.series("discriminator.slope")))
    gap = abs(
        latest(observations, "score.real.mean", WINDOW).median()
        - latest(observations, "score.fake.mean", WINDOW).median()
    )
    distance = latest(observations, "sample.real.distance", WINDOW).median()
    per_gap = _ratio(value * distance, gap)
    evidence = []
    if math.isfinite(value):
        evidence.append(
            Measurement(
                "discriminator.slope",
                value,
                DEAD_STEEPNESS * value / share if share > 0 else None,
                "below",
                f"1 % of its largest; {CALIBRATION}",
                "station 2, |ds/dx| at the fakes",
            )
        )
    words = f"|ds/dx| at the fakes is {value:.3g}" if math.isfinite(value) else "|ds/dx| at the fakes"
    dead = share < DEAD_STEEPNESS
    if math.isfinite(share):
        words += f", {share:.2%} of its largest"
    if math.isfinite(per_gap) and per_gap < DEAD_STEEPNESS_PER_GAP:
        dead = True
        share = min(share, per_gap) if math.isfinite(share) else per_gap
        words += f", {per_gap:.2%} of the score's mean rise from fake to real"
    probe = observations.probe("gradient-anatomy")
    if probe is not None:
        elsewhere = max(probe["steepness.between"], probe["steepness.real"])
        flat = _ratio(probe["steepness"], elsewhere)
        if flat < DEAD_STEEPNESS_PER_GAP:
            dead = True
            words += f", {flat:.2%} of that elsewhere between fake and real"
            evidence.append(
                Measurement(
                    "gradient-anatomy.steepness",
                    probe["steepness"],
                    DEAD_STEEPNESS_PER_GAP * elsewhere,
                    "below",
                    f"2 % of the steepness at reals and between; {CALIBRATION}",
                    "|ds/dx| at fresh fakes",
                )
            )
    return Station("discriminator", value, share, dead, words, tuple(evidence))


def _generator(observations: Observations) -> Station:
    received = observations.series("gradient.samples.total").finite()
    passed = observations.series("gradient.generator").finite()
    _, left, right = np.intersect1d(received.steps, passed.steps, return_indices=True)
    arrived = received.values[left] > 0
    passage = Series(
        received.steps[left][arrived], passed.values[right][arrived] / received.values[left][arrived]
    )
    value = passage.since(observations.step - WINDOW).median()
    share = _ratio(value, _largest(passage))
    dead = share < DEAD_PASSAGE
    words = "the generator turns it into |dL/dtheta|"
    if math.isfinite(value):
        words += f" = {value:.3g} per unit"
    if math.isfinite(share):
        words += f" ({share:.2%} of its largest)"
    evidence: list[Measurement] = []
    layers = latest(observations, "gradient.generator.layers", WINDOW).finite()
    if len(layers) and layers.values.ndim == 2 and layers.values.shape[1] > 1:
        profile = np.median(layers.values, axis=0)
        first, last = float(profile[0]), float(profile[-1])
        evidence.append(
            Measurement(
                "gradient.generator.layers",
                first,
                DEAD_FIRST_LAYER,
                "below",
                AUTOTRAINER,
                f"station 3, gradient of the first layer; that of the last is {last:.3g}",
            )
        )
        if first < DEAD_FIRST_LAYER and first < DEAD_LAYERS * last:
            dead = True
            share = min(share, first / last) if math.isfinite(share) else first / last
            words += f": {first:.3g} at the first layer, {last:.3g} at the last"
    probe = observations.probe("gradient-anatomy")
    if probe is not None and probe["jacobian.first"] < DEAD_LAYERS * probe["jacobian.last"]:
        dead = True
        first, last = probe["jacobian.first"], probe["jacobian.last"]
        words += f": {first:.3g} per unit at the first layer, {last:.3g} at the last"
        evidence.append(
            Measurement(
                "gradient-anatomy.jacobian.first",
                first,
                DEAD_LAYERS * last,
                "below",
                AUTOTRAINER,
                "gradient of the first layer per unit |dL/dx|",
            )
        )
    return Station("generator", value, share, dead, words, tuple(evidence))
