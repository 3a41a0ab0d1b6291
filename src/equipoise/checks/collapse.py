"""Whether the generator has collapsed: the fakes against the reals, and in which direction it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.checks.conditions import above, below
from equipoise.checks.finding import Measurement, Severity
from equipoise.checks.samples import CALIBRATION, FAR_COVERAGE, improvement, trend_window
from equipoise.checks.trends import latest, recent_trend, rolling_median
from equipoise.checks.windows import sustained
from equipoise.history.observations import Observations

# What `collapse` reads; a check that calls it declares these.
COLLAPSE_SIGNALS = (
    "sample.distance.ratio",
    "feature.distance.ratio",
    "sample.fake.duplicates",
    "sample.real.duplicates",
    "sample.coverage",
    "sample.nearest.ratio",
    "quality",
)
COLLAPSE_FACTS = ("generator.input",)
COLLAPSE_PROBES = ("diversity",)

# survey: mean pairwise distance, fakes over reals.
LOW = 0.5
COLLAPSED = 0.1
# An image in decides most of the image out, and a mean over answers is blurred: such generators vary
# less. Calibrated.
LOW_TRANSLATED = 0.25
COLLAPSED_TRANSLATED = 0.05
# Of the first hundreds of steps nothing can be said: healthy runs showed ratios of 0.02 to 0.2 there
# (trial of the role inference, design notes). In warm-ups.
EARLY = 2.5
# Fakes with a near copy in the batch, beyond the share of such reals. Calibrated.
EXCESS_DUPLICATES = 0.5
# The probe's limit makes 1 % of the reals duplicates; ten times that is no shrunk mode any more. Calibrated.
PROBED_DUPLICATES = 0.1
# NDB's share of deserted cells beyond that of held-out reals, and coverage against that of reals. Calibrated.
DESERTED_CELLS = 0.3
LOW_COVERAGE = 0.6
# So few different fakes, so far apart: samples of a young generator are all alike, or all different.
FEW_FACES = 10.0
FACES_APART = 0.3
# Fakes this near are on the data, so that a low coverage means absent modes and not poor samples.
ON_THE_DATA = 1.25
# As many times the spread of its start, and the share of its best, make a young generator one that opens:
# from 0.03 to 0.4 in the published multi-layer perceptrons' first 600 updates.
OPENED = 2.0
LEFT_OF_BEST = 0.7
OPENING_RECORDS = 12
# A ratio that grows and would reach `LOW` within another run of this length is diversifying.
GROWTH = 0.1


@dataclass(frozen=True)
class Collapse:
    """A generator with too little diversity.

    Attributes:
        total: all fakes alike, not only some modes absent.
        signs: the measurements that say so, one a sign.
        since: first step at which one of them held.
        ratio: mean pairwise distance, fakes over reals; nan if not recorded.
    """

    total: bool
    signs: tuple[Measurement, ...]
    since: int
    ratio: float

    @property
    def severity(self) -> Severity:
        """An error needs two independent signs."""
        return "error" if len(self.signs) > 1 else "warning"


def limits(observations: Observations) -> tuple[float, float]:
    """The pairwise distance ratios below which diversity is low, and gone."""
    if observations.fact("generator.input") == "image":
        return LOW_TRANSLATED, COLLAPSED_TRANSLATED
    return LOW, COLLAPSED


def early(observations: Observations, step: float | None = None) -> bool:
    """Whether it is too early to speak of collapse."""
    return observations.generator_age(step) < EARLY * observations.warm_up


def young(observations: Observations) -> bool:
    """Whether it is past `early`, but not by as much again: what is absent may still be on its way."""
    return observations.generator_age() < 2 * EARLY * observations.warm_up


def slow_start(observations: Observations) -> bool:
    """Whether the fakes of a young generator still get better: alike as at the start, not collapsed.

    How near they are says nothing here: a blurred mean of the data is nearer to reals than these to each
    other.
    """
    return young(observations) and bool(improvement(observations))


def opening(observations: Observations) -> bool:
    """Whether a young generator is as diverse as it ever was, and much more so than at its start.

    A collapse is a fall, or never to have left the start; samples that still spread have done neither.
    """
    series = observations.series("sample.distance.ratio").finite()
    if not young(observations) or len(series) < OPENING_RECORDS:
        return False
    start = float(np.median(series.values[: len(series) // 4]))
    now = latest(observations, "sample.distance.ratio").median()
    best = rolling_median(series, 0.0, OPENING_RECORDS // 4).values
    return now >= OPENED * start and now >= LEFT_OF_BEST * float(best.max())


def diversifying(observations: Observations) -> bool:
    """Whether the diversity grows so that it will be normal if the run goes on as long again."""
    steps = trend_window(observations)
    for signal, goal in (
        ("sample.distance.ratio", limits(observations)[0]),
        ("sample.coverage", FAR_COVERAGE),
    ):
        going = recent_trend(observations, signal, steps)
        if going is None or not going.rises(GROWTH):
            continue
        # Start and end are medians of the outer thirds, whose middles lie two thirds of the window apart.
        per_step = (going.end - going.start) / (steps * 2 / 3)
        if going.end + per_step * observations.step >= goal:
            return True
    return False


def collapse(observations: Observations) -> Collapse | None:
    """The collapse, or None where there is none, it is too early, or the diversity is growing.

    Near copies count although distances grow, unless their share falls.
    """
    if early(observations):
        return _few_faces(observations)
    growing = diversifying(observations) or slow_start(observations) or opening(observations)
    low, collapsed = limits(observations)
    signs: list[Measurement] = []
    starts: list[int] = []
    total = False
    ratio = latest(observations, "sample.distance.ratio").median()
    held = None if growing else sustained(observations, "sample.distance.ratio", below(low))
    if held:
        total = held.value < collapsed
        signs.append(
            Measurement(
                "sample.distance.ratio",
                held.value,
                collapsed if total else low,
                "below",
                "survey of reported failures",
                "mean distance between two fakes over that between two reals",
            )
        )
        starts.append(held.since)
        features = sustained(observations, "feature.distance.ratio", below(collapsed if total else low))
        if features:
            signs.append(
                Measurement(
                    "feature.distance.ratio",
                    features.value,
                    collapsed if total else low,
                    "below",
                    "survey of reported failures",
                    "the same in the discriminator's features",
                )
            )
    natural = latest(observations, "sample.real.duplicates").median()
    if math.isfinite(natural) and not (growing and _fewer_copies(observations)):
        copies = sustained(observations, "sample.fake.duplicates", above(natural + EXCESS_DUPLICATES))
        if copies and not _narrow_modes(observations, natural):
            signs.append(
                Measurement(
                    "sample.fake.duplicates",
                    copies.value,
                    natural + EXCESS_DUPLICATES,
                    "above",
                    f"the reals' own share plus one half; {CALIBRATION}",
                    f"fakes with a near copy in the same batch; of the reals {natural:.0%}",
                )
            )
            starts.append(copies.since)
    # Absent modes may still be found while the samples get better; near copies of a few are not left that
    # way: their distances grow as the few drift apart, and they stay few.
    if not growing and not improvement(observations):
        absent = _absent_modes(observations)
        signs += [measurement for measurement, _ in absent]
        starts += [since for _, since in absent]
    copied = [] if growing and _fewer_copies(observations) else _copies(observations)
    signs += [measurement for measurement, _ in copied]
    starts += [since for _, since in copied]
    if not signs:
        return None
    return Collapse(total, tuple(signs), min(starts), ratio)


def _few_faces(observations: Observations) -> Collapse | None:
    """A handful of faces, each made many times and far from the others: no youth looks like that."""
    probe = observations.probe("diversity")
    if probe is None or not probe["samples"] >= FEW_FACES**2:
        return None
    if not (probe["support.high"] < FEW_FACES and FACES_APART < probe["distance.ratio"] < math.inf):
        return None
    sign = Measurement(
        "diversity.support.high",
        probe["support.high"],
        FEW_FACES,
        "below",
        "Arora et al. (2018), birthday paradox; ours: ten",
        f"upper 95 % bound of the number of different fakes among {probe['samples']:.0f}, whose mean "
        f"distance is {probe['distance.ratio']:.2f} of the reals'",
    )
    return Collapse(False, (sign,), probe.step, probe["distance.ratio"])


def _narrow_modes(observations: Observations, natural: float) -> bool:
    """Whether near copies in a batch only show narrow modes, as among the reals.

    The probe's many fakes, with the reals' own distances as the measure, then have few copies.
    """
    probe = observations.probe("diversity")
    return natural > PROBED_DUPLICATES and probe is not None and probe["duplicates.low"] <= PROBED_DUPLICATES


def _fewer_copies(observations: Observations) -> bool:
    """Whether the share of near copies in the batches falls, or is no larger than among reals."""
    made, natural = (latest(observations, f"sample.{side}.duplicates").median() for side in ("fake", "real"))
    if made <= natural:
        return True
    going = recent_trend(observations, "sample.fake.duplicates", trend_window(observations))
    return going is not None and going.falls(GROWTH)


def _copies(observations: Observations) -> list[tuple[Measurement, int]]:
    """Near copies among many fresh fakes, with the bound on the support."""
    probe = observations.probe("diversity")
    if probe is None or early(observations, probe.step):
        return []
    if not probe["duplicates.low"] > PROBED_DUPLICATES:
        return []
    support = probe["support.high"]
    # Fakes near a curve or a surface have near copies though there are many: blurred, and not a few.
    if math.isfinite(support) and support >= FEW_FACES**2:
        return []
    most = f", so that there are at most {support:.0f} different ones" if math.isfinite(support) else ""
    measurement = Measurement(
        "diversity.duplicates.low",
        probe["duplicates.low"],
        PROBED_DUPLICATES,
        "above",
        f"ten times the reals' 1 %; Arora et al. (2018), birthday paradox; {CALIBRATION}",
        f"lower 95 % bound of the share of fakes with a near copy{most}",
    )
    return [(measurement, probe.step)]


def _absent_modes(observations: Observations) -> list[tuple[Measurement, int]]:
    """Parts of the data without fakes: by the coverage of the batches, by the deserted cells of the probe."""
    found = []
    covered = sustained(observations, "sample.coverage", below(FAR_COVERAGE))
    nearest = latest(observations, "sample.nearest.ratio").median()
    if covered and nearest < ON_THE_DATA and not young(observations):
        measurement = Measurement(
            "sample.coverage",
            covered.value,
            FAR_COVERAGE,
            "below",
            "half of 1 - 2^-3, the share expected of equal distributions",
            f"reals with a fake nearby, while fakes are as near to the data as reals ({nearest:.2f})",
        )
        found.append((measurement, covered.since))
    probe = observations.probe("diversity")
    if probe is None or early(observations, probe.step):
        return found
    gone = probe["clusters"] - probe["clusters.expected"]
    # Of samples far from all data no mode can be said to be absent.
    if nearest > ON_THE_DATA and young(observations):
        return found
    if gone > DESERTED_CELLS and probe["coverage"] < LOW_COVERAGE * probe["coverage.expected"]:
        measurement = Measurement(
            "diversity.clusters",
            probe["clusters"],
            probe["clusters.expected"] + DESERTED_CELLS,
            "above",
            f"NDB (Richardson & Weiss 2018), z-test at 5 %; {CALIBRATION}",
            "cells of the real data with too few fakes, while coverage is "
            f"{probe['coverage']:.2f} against {probe['coverage.expected']:.2f} among reals",
        )
        found.append((measurement, probe.step))
    return found
