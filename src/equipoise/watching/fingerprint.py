"""Which adversarial loss is this? The slope dL/ds as a function of the score s tells.

Each family predicts the slope up to a free positive scale (a weight, a loss scale of mixed precision, a
mean of two halves), and some up to a target. The family with the smallest relative error is named. Scores
are oriented (higher means real) and slopes are per sample: N * dL/ds for a loss that is a mean over N scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A family is named only when its slope is explained to within this share of its size.
FIT = 0.12
# Labels may be smoothed by so much; a loss on the probability itself would fit with targets near 0.5 and 0.7.
_LABEL = 0.15
_TIE = 0.005
# Families are compared by what they leave unexplained of the slope's variation, where they differ. Those
# within this factor of the best are alike, and the more usual one is named: near a score of zero many are.
ALIKE = 3.0
_FLOOR = 1e-3
# What float32 leaves of the variation as noise.
_NOISE = 1e-4
_USUAL = (
    "cross-entropy", "wasserstein", "hinge", "logistic", "saturating", "least-squares", "double-sigmoid",
    "relativistic-pairing", "relativistic-average-hinge", "relativistic-average",
)  # fmt: skip
_EMPTY = np.zeros(0)


@dataclass
class Batch:
    """Oriented scores and slopes of one record; empty arrays where a role was not seen.

    `direction` is what they were multiplied by.
    """

    real: Array = field(default_factory=lambda: _EMPTY)
    real_slope: Array = field(default_factory=lambda: _EMPTY)
    fake: Array = field(default_factory=lambda: _EMPTY)
    fake_slope: Array = field(default_factory=lambda: _EMPTY)
    generator: Array = field(default_factory=lambda: _EMPTY)
    generator_slope: Array = field(default_factory=lambda: _EMPTY)
    generator_real: Array = field(default_factory=lambda: _EMPTY)
    sigmoid: bool = False
    raw: Batch | None = None
    direction: float = 1.0

    def facing(self, direction: float) -> Batch:
        """The same with a higher score meaning real in the sense of `direction`.

        The direction may be learnt, or corrected, after a record was made.
        """
        if direction == self.direction:
            return self
        turned: dict[str, Any] = {name: -getattr(self, name) for name in _ORIENTED}
        return replace(self, **turned, direction=direction)


_ORIENTED = (
    "real", "real_slope", "fake", "fake_slope", "generator", "generator_slope", "generator_real",
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """How well one family explains the slopes."""

    family: str
    error: float
    scale: float
    targets: tuple[float, ...] = ()


def sigmoid(values: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * values))


def _least_squares(columns: Array, slopes: Array) -> tuple[Array, float]:
    solution, *_ = np.linalg.lstsq(columns, slopes, rcond=None)
    size = float(np.sqrt(np.mean(slopes**2)))
    error = float(np.sqrt(np.mean((columns @ solution - slopes) ** 2))) / max(size, 1e-30)
    return np.asarray(solution, dtype=np.float64), error


def _affine(feature: Array, weight: Array, slopes: Array, groups: Array, name: str) -> Fit | None:
    # slope = scale * (feature - target[group]) * weight
    columns = [feature * weight]
    kinds = sorted(set(groups.tolist()))
    columns += [-weight * (groups == kind) for kind in kinds]
    solution, error = _least_squares(np.stack(columns, axis=1), slopes)
    scale = float(solution[0])
    if scale <= 0:
        return None
    targets = tuple(float(value) / scale for value in solution[1:])
    return Fit(name, error, scale, targets)


def _proportional(prediction: Array, slopes: Array, name: str) -> Fit | None:
    if not np.any(prediction):
        return None
    solution, error = _least_squares(prediction[:, None], slopes)
    scale = float(solution[0])
    return Fit(name, error, scale) if scale > 0 else None


def _plausible(fit: Fit | None, low: Sequence[float], high: Sequence[float]) -> bool:
    if fit is None:
        return False
    return all(a - 0.3 <= target <= b + 0.3 for target, a, b in zip(fit.targets, low, high))


def _ranked(fits: Sequence[Fit | None], slopes: Array, groups: Array) -> list[Fit]:
    """Best first: least unexplained variation, and the more usual family among equals."""
    known = [fit for fit in fits if fit is not None]
    if not known:
        return []
    size = float(np.sqrt(np.mean(slopes**2)))
    centred = slopes - np.where(groups == 0, slopes[groups == 0].mean(), 0.0)
    if np.any(groups == 1):
        centred = centred - np.where(groups == 1, slopes[groups == 1].mean(), 0.0)
    variation = max(float(np.sqrt(np.mean(centred**2))), _FLOOR * size)

    def left(fit: Fit) -> float:
        return fit.error * size / variation

    best = min(left(fit) for fit in known)
    alike = {id(fit) for fit in known if left(fit) <= ALIKE * best + _NOISE}
    return sorted(
        known,
        key=lambda fit: (
            id(fit) not in alike,
            _USUAL.index(fit.family) if id(fit) in alike else 0,
            left(fit),
        ),
    )


def fit_discriminator(batches: Sequence[Batch]) -> list[Fit]:
    """All families fitted to the discriminator's slopes, best first."""
    used = [batch for batch in batches if len(batch.real_slope) and len(batch.fake_slope)]
    if not used:
        return []
    scores = np.concatenate([np.concatenate([batch.real, batch.fake]) for batch in used])
    slopes = np.concatenate([np.concatenate([batch.real_slope, batch.fake_slope]) for batch in used])
    groups = np.concatenate([np.repeat([0, 1], [len(batch.real), len(batch.fake)]) for batch in used])
    if not np.any(slopes) or not np.all(np.isfinite(slopes)) or not np.all(np.isfinite(scores)):
        return []
    one = np.ones_like(scores)
    direction = np.where(groups == 0, -1.0, 1.0)
    fits: list[Fit | None] = []
    logistic = _affine(sigmoid(scores), one, slopes, groups, "logistic")
    fits.append(logistic if _plausible(logistic, (0.5, 0.0), (1.0, 0.5)) else None)
    hinge = np.where(groups == 0, scores < 1, scores > -1) * direction
    if any(batch.sigmoid for batch in used):
        chance = sigmoid(scores)
        steep = chance * (1 - chance)
        fits.append(_affine(sigmoid(chance), steep, slopes, groups, "double-sigmoid"))
        fits.append(_affine(chance, steep, slopes, groups, "least-squares"))
        fits.append(_proportional(direction * steep, slopes, "wasserstein"))
    else:
        fits.append(_affine(scores, one, slopes, groups, "least-squares"))
        fits.append(_proportional(direction, slopes, "wasserstein"))
        # Where every margin is open, hinge and Wasserstein slopes are the same.
        if np.any(hinge == 0):
            fits.append(_proportional(hinge, slopes, "hinge"))
    for name, rule in _RELATIVE.items():
        if all(len(batch.real) == len(batch.fake) for batch in used) or "average" in name:
            prediction = np.concatenate([np.concatenate(rule(batch.real, batch.fake)) for batch in used])
            fits.append(_proportional(prediction, slopes, name))
    return _ranked(fits, slopes, groups)


def fit_generator(batches: Sequence[Batch]) -> list[Fit]:
    """All families fitted to the generator's slopes, best first."""
    used = [batch for batch in batches if len(batch.generator_slope)]
    if not used:
        return []
    scores = np.concatenate([batch.generator for batch in used])
    slopes = np.concatenate([batch.generator_slope for batch in used])
    if not np.any(slopes) or not np.all(np.isfinite(slopes)) or not np.all(np.isfinite(scores)):
        return []
    one, group, chance = np.ones_like(scores), np.zeros(len(scores)), sigmoid(scores)
    fits: list[Fit | None] = []
    logistic = _affine(chance, one, slopes, group, "logistic")
    fits.append(logistic if _plausible(logistic, (0.0,), (1.0,)) else None)
    fits.append(_proportional(-chance, slopes, "saturating"))
    if any(batch.sigmoid for batch in used):
        steep = chance * (1 - chance)
        fits.append(_affine(sigmoid(chance), steep, slopes, group, "double-sigmoid"))
        fits.append(_affine(chance, steep, slopes, group, "least-squares"))
        fits.append(_proportional(-steep, slopes, "wasserstein"))
    else:
        fits.append(_affine(scores, one, slopes, group, "least-squares"))
        fits.append(_proportional(-one, slopes, "wasserstein"))
    if all(len(batch.generator_real) for batch in used):
        for name, rule in _RELATIVE.items():
            if "average" not in name and any(len(b.generator) != len(b.generator_real) for b in used):
                continue
            # The generator's loss is the discriminator's with the roles exchanged.
            prediction = np.concatenate([rule(batch.generator, batch.generator_real)[0] for batch in used])
            fits.append(_proportional(prediction, slopes, name))
    return _ranked(fits, slopes, group)


def _pairing(first: Array, second: Array) -> tuple[Array, Array]:
    push = sigmoid(second - first)
    return -push, push


def _average_hinge(first: Array, second: Array) -> tuple[Array, Array]:
    ahead = (first - second.mean() < 1).astype(float)
    behind = (second - first.mean() > -1).astype(float)
    return -ahead - behind.mean(), behind + ahead.mean()


def _average_logistic(first: Array, second: Array) -> tuple[Array, Array]:
    ahead = sigmoid(second.mean() - first)
    behind = sigmoid(second - first.mean())
    return -ahead - behind.mean(), behind + ahead.mean()


_RELATIVE: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "relativistic-pairing": _pairing,
    "relativistic-average-hinge": _average_hinge,
    "relativistic-average": _average_logistic,
}


def fit_output(batches: Sequence[Batch]) -> Fit | None:
    """The family in terms of the returned probability, behind a final sigmoid; None without one."""
    raws = [batch.raw for batch in batches if batch.raw is not None]
    used = [raw for raw in raws if len(raw.real_slope) and len(raw.fake_slope)]
    if not used:
        return None
    chance = np.concatenate([np.concatenate([raw.real, raw.fake]) for raw in used])
    slopes = np.concatenate([np.concatenate([raw.real_slope, raw.fake_slope]) for raw in used])
    groups = np.concatenate([np.repeat([0, 1], [len(raw.real), len(raw.fake)]) for raw in used])
    if not np.any(slopes) or not np.all(np.isfinite(slopes)):
        return None
    fits: list[Fit | None] = list(fit_discriminator(used))
    inside = (chance > 1e-6) & (chance < 1 - 1e-6)
    if inside.sum() >= 8:
        # Cross-entropy of the probability itself: slope = scale * (p - target) / (p (1 - p)).
        steep = 1 / (chance[inside] * (1 - chance[inside]))
        fits.append(_affine(chance[inside], steep, slopes[inside], groups[inside], "cross-entropy"))
    ranked = _ranked(fits, slopes, groups)
    return ranked[0] if ranked and ranked[0].error < FIT else None


def _labels_on_output(batches: Sequence[Batch], output: Fit) -> bool:
    """Whether a loss on logits, with labels as its targets, is fitted by the returned probability.

    Slopes rounded by mixed precision at small logits fit several families, but the others with targets that
    are no labels: a loss on the probability itself looks like one on logits with targets near 0.5 and 0.7.
    """
    raws = [batch.raw for batch in batches if batch.raw is not None and batch.sigmoid]
    return any(
        fit.family == "logistic"
        and fit.error <= output.error + _TIE
        and len(fit.targets) == 2
        and all(min(abs(target), abs(target - 1)) <= _LABEL for target in fit.targets)
        and abs(fit.targets[0] - fit.targets[1]) > 0.5
        for fit in fit_discriminator(raws)
    )


def clamp(batches: Sequence[Batch]) -> float | None:
    """The epsilon in log(p + epsilon), where the generator's slope at saturated probabilities shows one."""
    raws = [batch.raw for batch in batches if batch.raw is not None and len(batch.raw.generator_slope)]
    if not raws:
        return None
    chance = np.concatenate([raw.generator for raw in raws])
    slopes = np.abs(np.concatenate([raw.generator_slope for raw in raws]))
    low = (chance < 1e-3) & (slopes > 0)
    if low.sum() < 8:
        return None
    # slope = 1 / (p + epsilon): what is missing to 1 / p is the epsilon.
    epsilon = 1 / slopes[low] - chance[low]
    middle = float(np.median(epsilon))
    if middle <= 1e-14 or float(np.median(np.abs(epsilon - middle))) > 0.1 * middle:
        return None
    return middle


def objective_facts(batches: Sequence[Batch], orientation: int) -> dict[str, Any]:
    """The facts `objective.*` that the slopes support, and the fits' errors under `fit`."""
    discriminator, generator = fit_discriminator(batches), fit_generator(batches)
    best_discriminator = discriminator[0] if discriminator and discriminator[0].error < FIT else None
    best_generator = generator[0] if generator and generator[0].error < FIT else None
    errors = [fit.error for fit in (best_discriminator, best_generator) if fit is not None]
    facts: dict[str, Any] = {
        "objective.discriminator": best_discriminator.family if best_discriminator else None,
        "objective.generator": best_generator.family if best_generator else None,
        "objective.family": _family(best_discriminator, best_generator),
        "objective.double_sigmoid": any(
            fit is not None and fit.family == "double-sigmoid" for fit in (best_discriminator, best_generator)
        ),
        "objective.flipped": orientation < 0,
        "objective.target.real": None,
        "objective.target.fake": None,
        "objective.target.generator": None,
        "objective.clamped": clamp(batches),
        "objective.family.output": None,
        "fit": max(errors) if errors else float("nan"),
    }
    if best_discriminator and len(best_discriminator.targets) == 2:
        facts["objective.target.real"], facts["objective.target.fake"] = best_discriminator.targets
    if best_generator and len(best_generator.targets) == 1:
        facts["objective.target.generator"] = best_generator.targets[0]
    output = fit_output(batches)
    if output is not None:
        facts["objective.family.output"] = output.family
        facts["objective.double_sigmoid"] |= _labels_on_output(batches, output)
    elif best_discriminator is not None and not any(batch.sigmoid for batch in batches):
        facts["objective.family.output"] = best_discriminator.family
    return facts


def _family(discriminator: Fit | None, generator: Fit | None) -> str | None:
    if discriminator is None:
        if generator is None:
            return None
        return {"saturating": "minimax", "logistic": "non-saturating"}.get(generator.family, generator.family)
    if discriminator.family in ("logistic", "double-sigmoid"):
        return "minimax" if generator is not None and generator.family == "saturating" else "non-saturating"
    return discriminator.family


def reconstructed_losses(family: str | None, batch: Batch, targets: tuple[float, float]) -> dict[str, float]:
    """The adversarial losses that the family would give at these scores, in its usual scale."""

    def softplus(values: Array) -> Array:
        return np.logaddexp(0.0, values)

    real_target, fake_target = targets
    losses: dict[str, float] = {}
    real, fake, generated = batch.real, batch.fake, batch.generator
    if family in ("non-saturating", "minimax"):
        if len(real):
            losses["loss.discriminator.real"] = float(np.mean(softplus(real) - real_target * real))
        if len(fake):
            losses["loss.discriminator.fake"] = float(np.mean(softplus(fake) - fake_target * fake))
        if len(generated):
            losses["loss.generator"] = float(
                np.mean(softplus(-generated)) if family == "non-saturating" else np.mean(-softplus(generated))
            )
    elif family == "least-squares":
        if batch.sigmoid:
            real, fake, generated = sigmoid(real), sigmoid(fake), sigmoid(generated)
        if len(real):
            losses["loss.discriminator.real"] = float(np.mean((real - real_target) ** 2))
        if len(fake):
            losses["loss.discriminator.fake"] = float(np.mean((fake - fake_target) ** 2))
        if len(generated):
            losses["loss.generator"] = float(np.mean((generated - real_target) ** 2))
    elif family in ("hinge", "wasserstein"):
        margin = family == "hinge"
        if len(real):
            losses["loss.discriminator.real"] = float(np.mean(np.maximum(0, 1 - real) if margin else -real))
        if len(fake):
            losses["loss.discriminator.fake"] = float(np.mean(np.maximum(0, 1 + fake) if margin else fake))
        if len(generated):
            losses["loss.generator"] = float(np.mean(-generated))
    if "loss.discriminator.real" in losses and "loss.discriminator.fake" in losses:
        losses["loss.discriminator"] = losses["loss.discriminator.real"] + losses["loss.discriminator.fake"]
    return losses
