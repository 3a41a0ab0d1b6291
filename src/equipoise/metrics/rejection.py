"""Discriminator rejection sampling: throw away what the discriminator can tell from real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.validation import Interval, Optional, validated

Batch = Tensor | tuple[Tensor, ...]


@validated(epsilon=Interval(float, 0, None, low_open=True))
def acceptance_probabilities(
    logits: Tensor, maximum: float, *, shift: float = 0.0, epsilon: float = 1e-8
) -> Tensor:
    """The probability with which each sample is kept.

        sigmoid(F), F = t - M - log(1 - exp(t - M - epsilon)) - shift

    With an optimal discriminator, exp(t) is the density ratio of real to generated, exp(t - M) the acceptance
    of plain rejection sampling, and sigmoid(F) equals it at a shift of 0. A positive shift accepts less, a
    negative one more.

    Args:
        logits: t, any shape. maximum: M, the largest logit; logits above it count as M.
        epsilon: keeps F finite at t = M.

    Returns:
        float64 of the logits' shape, in [0, 1].

    Source: Azadi et al. 2018 (1810.06758), section 3.2.

    Example:
        >>> acceptance_probabilities(torch.tensor([-1.0, 0.0]), 0.0).tolist()
        [0.367879..., 0.99999...]
    """
    # t - M - epsilon stays below 0, so expm1 keeps the digits that 1 - exp would lose near the maximum.
    below = (logits.double() - maximum).clamp_max(0)
    return torch.sigmoid(below - torch.log(-torch.expm1(below - epsilon)) - shift)


@validated(percentile=Interval(float, 0, 100), epsilon=Interval(float, 0, None, low_open=True))
def percentile_shift(logits: Tensor, maximum: float, percentile: float, *, epsilon: float = 1e-8) -> float:
    """The shift that makes the given percentile of F zero, so that such a sample is kept with probability one
    half.

    In many dimensions nearly every sample is far below the maximum, and without a shift almost none is kept.

    Source: Azadi et al. 2018 (1810.06758), section 3.2.

    Example:
        >>> logits = torch.linspace(-5, 0, 101)
        >>> shift = percentile_shift(logits, 0.0, 50)
        >>> round(float(acceptance_probabilities(logits[50], 0.0, shift=shift)), 9)
        0.5
    """
    probability = acceptance_probabilities(logits.flatten(), maximum, epsilon=epsilon)
    return float(torch.quantile(torch.logit(probability), percentile / 100))


@dataclass(frozen=True)
class RejectionResult:
    """What rejection sampling gave.

    Attributes:
        samples: the kept samples, in the form in which they were drawn, `count` of them.
        acceptance_rate: kept over drawn, the burn-in not counted.
        drawn: how many were drawn for it.
        maximum: the largest logit met. shift: the shift used.
    """

    samples: Batch
    acceptance_rate: float
    drawn: int
    maximum: float
    shift: float


@validated(
    count=Interval(int, 1, None),
    batch_size=Interval(int, 1, None),
    burn_in=Interval(int, 1, None),
    percentile=Optional(Interval(float, 0, 100)),
    most_draws_per_sample=Interval(int, 1, None),
    seed=Interval(int, 0, None),
)
def rejection_sample(
    draw: Callable[[int], Batch],
    score: Callable[..., Tensor],
    count: int,
    *,
    batch_size: int = 256,
    burn_in: int = 10_000,
    percentile: float | None = 50.0,
    most_draws_per_sample: int = 1000,
    seed: int = 0,
) -> RejectionResult:
    """Samples of a generator, kept or rejected by its discriminator.

    A burn-in gives the first maximum and the shift; a larger logit met later raises the maximum. Corrects the
    shares of what the generator makes and adds nothing that it does not make. It needs a discriminator whose
    logit estimates the log density ratio (the logistic losses), trained to near its optimum for this
    generator.

    Args:
        draw: from a count to a batch of samples, or to a tuple (samples, labels) of equal length.
        score: from what `draw` gave, unpacked, to logits (N,) where higher is more real.
        count: how many samples to return.
        percentile: of the burn-in's F that is kept half the time: higher is stricter. None means no shift,
            the exact rejection rule.
        most_draws_per_sample: give up when it takes more.

    Raises:
        EquipoiseError: logits of a wrong shape or not finite, or hardly any sample accepted.

    Source: Azadi et al. 2018 (1810.06758), algorithm 1. That the median is the default percentile is our own.

    Example:
        >>> noise = torch.Generator().manual_seed(0)
        >>> draw = lambda n: torch.rand(n, 1, generator=noise)
        >>> result = rejection_sample(draw, lambda x: x[:, 0].log(), 500, burn_in=1000, percentile=None)
        >>> round(float(result.samples.mean()), 1), round(result.acceptance_rate, 1)
        (0.7, 0.5)
    """
    random = torch.Generator().manual_seed(seed)
    logits = torch.cat(
        [_drawn(draw, score, min(batch_size, burn_in - start))[1] for start in range(0, burn_in, batch_size)]
    )
    maximum = float(logits.max())
    shift = 0.0 if percentile is None else percentile_shift(logits, maximum, percentile)
    kept: list[tuple[Tensor, ...]] = []
    drawn = accepted = 0
    single = True
    while accepted < count:
        if drawn >= most_draws_per_sample * count:
            raise EquipoiseError(
                f"`percentile` must leave samples to keep, but of {drawn} drawn only {accepted} were kept; "
                "lower it or train the discriminator to follow the generator."
            )
        batch, logits = _drawn(draw, score, batch_size)
        single = isinstance(batch, Tensor)
        maximum = max(maximum, float(logits.max()))
        chance = acceptance_probabilities(logits, maximum, shift=shift)
        keep = torch.rand(len(chance), generator=random, dtype=torch.float64).to(chance.device) < chance
        parts = (batch,) if isinstance(batch, Tensor) else tuple(batch)
        kept.append(tuple(part[keep.to(part.device)] for part in parts))
        drawn += len(chance)
        accepted += int(keep.sum())
    columns = tuple(torch.cat(column)[:count] for column in zip(*kept))
    samples: Batch = columns[0] if single else columns
    return RejectionResult(samples, accepted / drawn, drawn, maximum, shift)


@torch.no_grad()
def _drawn(draw: Callable[[int], Batch], score: Callable[..., Tensor], count: int) -> tuple[Batch, Tensor]:
    batch = draw(count)
    logits = score(batch) if isinstance(batch, Tensor) else score(*batch)
    size = len(batch) if isinstance(batch, Tensor) else len(batch[0])
    if logits.shape != (size,):
        raise parameter_error("score", f"a function to logits of shape {(size,)}", tuple(logits.shape))
    if not bool(torch.isfinite(logits).all()):
        raise parameter_error(
            "score", "a function to finite logits", "one that gives infinite or undefined ones"
        )
    return batch, logits.detach()
