"""The birthday-paradox estimate of how many different samples a generator can make."""

from __future__ import annotations

import math
from dataclasses import dataclass

from equipoise.metrics.base import METRICS, Metric, Score, as_features
from equipoise.metrics.neighbours import nearest_others, pairs_within
from equipoise.validation import Interval, validated


@dataclass(frozen=True)
class SupportEstimate:
    """How many different samples there seem to be.

    Attributes:
        support: the estimate; infinite without a collision.
        low, high: the confidence interval; `low` is finite and above 0 even without a collision.
        collisions: pairs of duplicates found.
        samples: how many samples were looked at.
    """

    support: float
    low: float
    high: float
    collisions: int
    samples: int


@validated(
    samples=Interval(int, 2, None),
    collisions=Interval(int, 0, None),
    confidence=Interval(float, 0, 1, low_open=True, high_open=True),
)
def support_from_collisions(samples: int, collisions: int, confidence: float = 0.95) -> SupportEstimate:
    """The size of a uniform support, from the number of equal pairs among its samples.

    Two samples of a uniform support of m are equal with probability 1/m, so n samples have n (n - 1) / (2 m)
    equal pairs on average, and m = n (n - 1) / (2 C). For a distribution that is not uniform this estimates
    1 / sum p^2, which is at most its support. The interval takes the count of pairs as Poisson, which it is
    nearly as long as the samples are fewer than the support, and uses the exact limits of its mean.

    Source: Arora & Zhang 2017 (1706.08224), which asks for which batch a duplicate is as likely as not; the
    estimate from the number of pairs and its interval are elementary and our own.

    Example:
        >>> found = support_from_collisions(100, 5)
        >>> found.support, round(found.low), round(found.high)
        (990.0, 424, 3049)
    """
    from scipy.stats import chi2

    pairs = samples * (samples - 1) / 2
    tail = (1 - confidence) / 2
    fewest = float(chi2.ppf(tail, 2 * collisions)) / 2 if collisions else 0.0
    # Without a collision all of the doubt lies on one side.
    most = float(chi2.ppf(1 - tail if collisions else confidence, 2 * collisions + 2)) / 2
    return SupportEstimate(
        support=pairs / collisions if collisions else math.inf,
        low=pairs / most,
        high=pairs / fewest if fewest else math.inf,
        collisions=collisions,
        samples=samples,
    )


@validated(distance=Interval(float, 0, None))
def birthday_paradox(fake: object, *, distance: float, confidence: float = 0.95) -> SupportEstimate:
    """The support estimate of samples that count as duplicates when at most `distance` apart.

    Args:
        fake: features (N, d), N at least 2. distance: Euclidean, in the features' units; 0 for exact
            duplicates.

    Example:
        >>> birthday_paradox([[0.0], [0.0], [1.0]], distance=0.0).support
        3.0
    """
    features = as_features("fake", fake, minimum=2)
    return support_from_collisions(len(features), pairs_within(features, distance), confidence)


@METRICS.register("birthday-paradox")
class BirthdayParadox(Metric):
    """An estimate of how many different samples a generator can make, from the duplicates among N of them.

    Higher is better. N samples can show a support of up to about N^2 / 6; beyond that there is no collision
    and only the lower limit, given as a score of its own, means something. Two samples are duplicates when
    they are nearer than a stated distance: by default a tenth of the median distance between a real sample
        and the
    real nearest to it, as found among as many reals as there are samples.

    Source: Arora & Zhang 2017 (1706.08224), where a person looks at the nearest pairs; the criterion by
    distance is our own.

    Example:
        >>> metric = BirthdayParadox()
        >>> metric.update(fake=[[0.0]] * 10, real=[[float(i)] for i in range(10)])
        >>> metric.compute()[0].value
        1.0
    """

    name = "birthday-paradox"
    streams = ("fake", "real")
    row_state = ("fake", "real")

    def __init__(self, distance: float | None = None, confidence: float = 0.95) -> None:
        super().__init__()
        self.distance, self.confidence = distance, confidence

    def compute(self) -> tuple[Score, ...]:
        fakes = self._all_rows("fake")
        distance = self.distance
        if distance is None:
            reals = as_features("real", self._all_rows("real"), minimum=3)
            distance = float(nearest_others(reals[: max(len(fakes), 3)])[0].median()) / 10
        found = birthday_paradox(fakes, distance=distance, confidence=self.confidence)
        note = (
            f"{found.collisions} pairs within {distance:.3g} among {found.samples} samples; "
            f"{100 * self.confidence:.0f} % interval {found.low:.3g} to {found.high:.3g}"
        )
        return (
            Score("support", found.support, "higher", note=note),
            Score(
                "support-lower-limit", found.low, "higher", note=f"{100 * self.confidence:.0f} % confidence"
            ),
        )
