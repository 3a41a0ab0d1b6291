"""Which way the losses push the energies of a discriminator that returns reconstructions (EBGAN, BEGAN).

Low energy |D(x) - x| means real: the discriminator lowers it at reals and raises it at fakes, the generator
lowers that of its own samples. The signs of what each loss sends back are exact.
"""

from __future__ import annotations

import math

import numpy as np

from equipoise.checks.base import Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

PULL_SIGNALS = ("energy.pull.real", "energy.pull.fake", "energy.pull.generator")
RACE_SIGNALS = (*PULL_SIGNALS[:2], "energy.real", "energy.fake", "sample.real.mean")
SOURCE = "exact: dL/dr of an energy |r - x| points along r - x, or against it"
LEAST = 5
# Of what is sent back to a reconstruction, all places agree but for rounding.
_ALL = 0.99
# A weight that grows from zero (BEGAN's k) has left it by then.
_PATIENT = 300
_LEAST_ZERO = 20
# Times the energy of a blank answer: no autoencoder that is trained stays there; an error at five times.
_BLANK, _FAR = 2.0, 5.0
RAISE_FAKES = Remedy(
    "raise-the-energy-of-fakes",
    "Subtract the fakes' energy in the discriminator's loss: E(x) - k E(G(z)) with k from "
    "clip(k + lambda (gamma E(x) - E(G(z))), 0, 1), or E(x) + max(0, margin - E(G(z))).",
    "root",
    "unsafe",
)
BOUND_FAKES = Remedy(
    "bound-the-energy-of-fakes",
    "Let the fakes' term end at a margin, max(0, margin - E(G(z))), with a margin of the order of the reals' "
    "own energy at the start, or weight it by BEGAN's k.",
    "root",
    "unsafe",
)
LOWER_OWN = Remedy(
    "lower-the-energy-of-own-samples",
    "Let the generator minimise E(G(z)), and the discriminator E(x) at reals.",
    "root",
    "unsafe",
)


def pushed(observations: Observations, role: str) -> int:
    """+1 if the loss lowers the energy in all records that send anything back, -1 if it raises it; else 0."""
    values = observations.series(f"energy.pull.{role}").finite().values
    values = values[values != 0]
    if len(values) < LEAST:
        return 0
    return 1 if values.min() >= _ALL else -1 if values.max() <= -_ALL else 0


def _pull(observations: Observations, role: str, which: str, side: float = 0.0) -> Measurement:
    series = observations.series(f"energy.pull.{role}").finite()
    comparison = "above" if side > 0 else "below" if side < 0 else ""
    return Measurement(
        f"energy.pull.{role}",
        series.median(),
        0.0 if side else None,
        comparison or None,  # type: ignore[arg-type]
        SOURCE if side else "",
        f"1 where the loss lowers the energy, -1 where it raises it, at {which}, median of {len(series)}",
    )


def energies_alike(check: Check, observations: Observations) -> Finding | None:
    """EQ005: the discriminator's loss lowers the energy of reals and of fakes, or never raises the latter."""
    if pushed(observations, "real") != 1:
        return None
    reals = _pull(observations, "real", "reals")
    if pushed(observations, "fake") == 1:
        return check.finding(
            "error",
            0.97,
            "The discriminator's loss lowers the energy of fakes as it does that of reals: it learns to "
            "reconstruct both, and nothing is left to tell apart. The fakes' term has the wrong sign.",
            evidence=(_pull(observations, "fake", "fakes", 1.0), reals),
            because=(
                Alternative(
                    "a weight of the fakes' term that is still zero",
                    "ruled out",
                    "records in which nothing is sent back are not counted",
                ),
            ),
            since=0,
            remedies=(RAISE_FAKES,),
            details={"case": "energies"},
        )
    fakes = observations.series("energy.pull.fake").finite()
    never = len(fakes) >= _LEAST_ZERO and not np.any(fakes.values)
    if not never or observations.updates.get("discriminator", 0) < _PATIENT:
        return None
    return check.finding(
        "warning",
        0.8,
        f"In none of {len(fakes)} records the discriminator's loss has raised the energy of the fakes: it is "
        "an autoencoder of the reals, and nothing tells it what a fake is. The weight of the fakes' term "
        "stays at zero (BEGAN's k is never updated), or its margin is below the energies.",
        evidence=(_pull(observations, "fake", "fakes", 1.0), reals),
        because=(
            Alternative(
                "a weight that grows from zero",
                "unlikely",
                f"it has not left zero in {observations.updates.get('discriminator', 0)} updates",
            ),
        ),
        since=0,
        remedies=(RAISE_FAKES,),
        details={"case": "energies"},
    )


def own_energy_raised(check: Check, observations: Observations) -> Finding | None:
    """EQ004: the generator pushes its samples' energy the other way than the discriminator that of reals."""
    real, own = pushed(observations, "real"), pushed(observations, "generator")
    if not real or real * own != -1:
        return None
    words = "raises" if own < 0 else "lowers"
    return check.finding(
        "error",
        0.97,
        f"The generator's loss {words} the energy of its samples, while the discriminator's loss does the "
        "opposite with that of reals: the generator is trained to look fake.",
        evidence=(
            _pull(observations, "generator", "the generator's samples", float(own)),
            _pull(observations, "real", "reals"),
        ),
        because=(
            Alternative(
                "high energies that mean real, by the discriminator's own choice",
                "ruled out",
                "the generator would raise its energies together with those of reals",
            ),
        ),
        since=0,
        remedies=(LOWER_OWN,),
        details={"case": "energies"},
    )


def energies_race(check: Check, observations: Observations) -> Finding | None:
    """EQ306: the reals' energy, which the loss lowers, is driven far beyond that of a blank answer.

    Returning zero everywhere has an energy of mean |x|, at most the root of mean^2 + std^2. Only a term
    without a bound, the fakes' energy that is raised and raised, makes the discriminator worse than that.
    """
    if pushed(observations, "real") != 1 or pushed(observations, "fake") != -1 or not observations.warmed_up:
        return None
    energy = observations.series("energy.real").finite()
    mean, std = (observations.series(f"sample.real.{which}").median() for which in ("mean", "std"))
    blank = math.hypot(mean, std)
    raised = observations.series("energy.pull.fake").finite()
    if not blank > 0 or len(energy) < 2 * LEAST or len(raised) < LEAST:
        return None
    now, before = energy.values[-LEAST:], energy.values[: len(energy) // 2]
    still = bool((raised.values[-LEAST:] <= -_ALL).all())
    if not (still and now.min() > _BLANK * blank and now.min() > np.median(before)):
        return None
    return check.finding(
        "warning" if now[-1] < _FAR * blank else "error",
        confidence(0.8, 0.97, math.log2(float(now[-1]) / (_BLANK * blank))),
        f"The energies run away: the discriminator's error at the reals is {now[-1]:.3g}, while a blank "
        f"answer would have at most {blank:.3g}. Its loss raises the energy of the fakes, and nothing bounds "
        "that.",
        evidence=(
            Measurement(
                "energy.real",
                float(now[-1]),
                _BLANK * blank,
                "above",
                "exact: twice the error of returning zero",
                "mean |r - x| of the reals",
            ),
            Measurement(
                "energy.fake", observations.series("energy.fake").last, meaning="the same of the fakes"
            ),
        ),
        because=(
            Alternative(
                "an autoencoder that has not learnt yet",
                "ruled out",
                f"its error at the reals has grown, from {float(np.median(before)):.3g}",
            ),
        ),
        since=int(energy.steps[-LEAST]),
        remedies=(BOUND_FAKES,),
        details={"case": "energies"},
    )
