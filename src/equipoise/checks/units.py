"""Fakes that are shown to the discriminator in another unit than the reals, or reals that are still bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from equipoise.checks.finding import Alternative, Measurement
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

LARGE_SPREAD = 10.0
STILL = 2.0  # a generator that has come down to the reals' scale since is no longer held up
LARGE_WEIGHTS = 3.0  # over He's standard deviation: outputs of such layers are large by themselves
SEPARATED = 0.95
RECORDS = 3
LATE = 0.9
BYTES = 255.0
BYTE_SPREAD = 0.02  # of 255 that fakes in units of one reach; those of a network that scales reach 100
BYTE_STEPS = 30
BYTE_SOURCE = "exact: the range of 8-bit images"
AUC = "ours: an AUC above 0.95 (benchmarks/failures)"


@dataclass(frozen=True)
class OtherUnits:
    """What was found, in the parts of a finding."""

    confidence: float
    message: str
    evidence: tuple[Measurement, ...]
    because: tuple[Alternative, ...]


def still_bytes(observations: Observations) -> OtherUnits | None:
    """Images in 0..255, as they were loaded, beside fakes that are numbers of the size of one.

    No statistics are needed: a network that is meant to give bytes scales its last layer to them, and its
    first samples lie in their middle.
    """
    low, high = (observations.series(f"sample.real.{end}").finite() for end in ("low", "high"))
    ends = [observations.series(f"sample.fake.{end}").finite() for end in ("low", "high")]
    if observations.fact("data.kind") != "image" or min(len(low), len(high), *map(len, ends)) < RECORDS:
        return None
    if low.smallest() < 0 or high.largest() > BYTES + 0.5 or high.median() < 0.8 * BYTES:
        return None
    reached = max(-ends[0].smallest(), ends[1].largest())
    if observations.step < BYTE_STEPS or not reached < BYTE_SPREAD * BYTES:
        return None
    return OtherUnits(
        0.85,
        f"The reals are images in [{low.smallest():.3g}, {high.largest():.3g}], as they are loaded, and the "
        f"generator, without a final activation, gives numbers of up to {reached:.2g}: normalise the data.",
        (
            Measurement("sample.real.high", high.median(), BYTES, "near", BYTE_SOURCE, "largest real value"),
            Measurement(
                "sample.fake.high",
                reached,
                BYTE_SPREAD * BYTES,
                "below",
                "ours: a fiftieth of the range of bytes",
                "largest size of a fake's value in any record",
            ),
        ),
        (
            Alternative(
                "a network that gives bytes on purpose",
                "ruled out",
                f"its samples would lie between 0 and 255 from the start; none is beyond {reached:.2g}",
            ),
        ),
    )


def fakes_too_wide(observations: Observations, feature: tuple[Measurement, ...]) -> OtherUnits | None:
    """Fakes far wider than the reals from the first record on, which is neither learnt nor due to weights.

    Args:
        feature: the evidence that one trivial number tells reals from fakes, or nothing.
    """
    real = observations.series("sample.real.std").median()
    widths = observations.series("sample.fake.std").finite()
    early, late = widths.until(observations.warm_up), widths.since(LATE * observations.step)
    if not (observations.warmed_up and real > 0 and len(early) >= RECORDS and len(late)):
        return None
    wide = LARGE_SPREAD * real
    if not (early.values[0] > wide and early.median() > wide and late.median() > STILL * real):
        return None
    (real_low, real_high), (fake_low, fake_high) = (
        [
            observations.series(f"sample.{role}.{end}").until(observations.warm_up).median()
            for end in ("low", "high")
        ]
        for role in ("real", "fake")
    )
    auc = observations.series("score.auc").since(LATE * observations.step).median()
    layers = observations.fact("generator.initialisation", None) or []
    weights = [
        layer["std"] / layer["expected_std"]
        for layer in layers
        if layer.get("std") and layer.get("expected_std")
    ]
    beyond = fake_high > real_high or fake_low < real_low
    if not beyond or not (auc > SEPARATED or feature) or max(weights, default=0.0) > LARGE_WEIGHTS:
        return None
    factor = early.median() / real
    separated = (Measurement("score.auc", auc, SEPARATED, "above", AUC, "real against fake"),)
    return OtherUnits(
        confidence(0.8, 0.95, math.log10(factor / LARGE_SPREAD)),
        "The fakes are shown to the discriminator in another scale than the reals: through the warm-up in "
        f"[{fake_low:.3g}, {fake_high:.3g}] with {factor:.3g} times the reals' standard deviation, the reals "
        f"in [{real_low:.3g}, {real_high:.3g}].",
        (
            Measurement(
                "sample.fake.std",
                early.median(),
                wide,
                "above",
                "ours: ten times the reals', from the first record on",
                f"standard deviation of the fakes in the warm-up; {late.median():.3g} at the end",
            ),
            *(separated if auc > SEPARATED else ()),
            *feature,
        ),
        (
            Alternative(
                "a generator that blows up while it learns",
                "ruled out",
                f"the first record has {early.values[0] / real:.3g} times the reals' already",
            ),
            Alternative(
                "weights that start far too large",
                "ruled out" if weights else "open",
                f"the largest layer starts at {max(weights):.2g} of He's standard deviation"
                if weights
                else "the weights at the start are not known",
            ),
        ),
    )
