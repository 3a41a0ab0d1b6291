"""EQ404: latents for sampling, or for the discriminator's fakes, follow another law than the generator's."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

STD = 0.1
MEAN = 0.2
KURTOSIS = 0.6  # half of what separates a normal (3) from a uniform law (1.8)
NARROW = 0.35  # published truncation keeps more than a third of the spread
STD_SOURCE = "ours: 0.1; a normal and a uniform law on [-1, 1] differ by 0.42 (arithmetic)"
MEAN_SOURCE = "ours: 0.2; uniform on [0, 1] and on [-1, 1] differ by 0.5 (arithmetic)"
KURTOSIS_SOURCE = "half the difference of a normal (3) and a uniform law (1.8)"


@CHECKS.register("latent-mismatch")
class LatentMismatch(Check):
    """Samples, or the discriminator's fakes, come from another latent law than the generator's own steps.

    What it does
        Compares mean, standard deviation and kurtosis of the latents in the generator's steps with those of
        the generator calls whose output no discriminator was given, such as the picture grids of the loop
        or samples of a moving average of the generator, and with those of the calls that made the fakes of
        the discriminator's steps.

    Why it is bad
        The generator has only learned what to do with the law of training. From another one its samples are
        bad or all alike, and the training is blamed. A discriminator that is shown fakes of another law
        teaches nothing about those that the generator is judged by.

    Evidence and threshold
        The medians over the run: means more than 0.2 apart, standard deviations more than 0.1 apart, or
        kurtoses more than 0.6 apart: warning. Info if only the standard deviation differs and is the smaller
        one, but more than 0.35 of the other, which truncation does on purpose; the latents of the
        discriminator's step have no such excuse.

    What else it could be
        - Truncation: only makes the spread smaller, rarely to less than a third, and is reported as info.
        - Pictures of interpolations: linear ones make the spread smaller too; likewise.
        - One batch of fakes for both players: then the laws are equal.
        - Few latents in the grid: medians over several records, of values and not of rows.

    Remedies
        Draw latents for both from one function.

    References
        - https://github.com/buriburisuri/sugartensor/issues/37 (uniform in training, normal in sampling)
        - https://github.com/val-iisc/deligan/issues/8
        - https://github.com/carpedm20/DCGAN-tensorflow/pull/231
    """

    code = "EQ404"
    name = "latent-mismatch"
    kinds = ("passive",)
    signals = (
        "latent.mean",
        "latent.std",
        "latent.kurtosis",
        "latent.sampling.mean",
        "latent.sampling.std",
        "latent.sampling.kurtosis",
        "latent.sampling.count",
        "latent.average.mean",
        "latent.average.std",
        "latent.average.kurtosis",
        "latent.average.count",
        "latent.discriminator.mean",
        "latent.discriminator.std",
        "latent.discriminator.kurtosis",
        "latent.discriminator.count",
    )
    facts = ()
    stage = "data"
    explains = ()
    remedies = (
        Remedy(
            "one-latent-sampler",
            "Draw the latents of training and of sampling from one and the same function.",
            "root",
            "safe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        found = [self._compared(observations, where) for where in ("discriminator", "average", "sampling")]
        return min(filter(None, found), key=lambda finding: finding.severity != "warning", default=None)

    def _compared(self, observations: Observations, where: str) -> Finding | None:
        numbers = {
            what: (
                observations.series(f"latent.{what}").median(),
                observations.series(f"latent.{where}.{what}").median(),
            )
            for what in ("mean", "std", "kurtosis")
        }
        limits = {
            "mean": (MEAN, MEAN_SOURCE),
            "std": (STD, STD_SOURCE),
            "kurtosis": (KURTOSIS, KURTOSIS_SOURCE),
        }
        # A few values scatter: no limit is below three standard errors of a normal law.
        count = observations.series(f"latent.{where}.count").median()
        scatter = {"mean": 1.0, "std": math.sqrt(0.5), "kurtosis": math.sqrt(24.0)}
        noise = 3 / math.sqrt(count) if count > 0 else 0.0
        apart = [
            what
            for what, (a, b) in numbers.items()
            if abs(a - b) > max(limits[what][0], noise * scatter[what] * _skew(what, b - a))
        ]
        if not apart or not all(map(math.isfinite, numbers["std"])):
            return None
        own, sampling = numbers["std"]
        playing = where == "discriminator"
        smaller = not playing and apart == ["std"] and NARROW * own <= sampling < own
        excess = max(abs(numbers[what][0] - numbers[what][1]) / limits[what][0] for what in apart) - 1
        named = " and ".join(
            f"{ {'mean': 'mean', 'std': 'standard deviation', 'kurtosis': 'kurtosis'}[what] } "
            f"{numbers[what][1]:.2f} instead of {numbers[what][0]:.2f}"
            for what in apart
        )
        return self.finding(
            "info" if smaller else "warning",
            0.6 if smaller else confidence(0.7, 0.95, excess),
            f"Latents for the discriminator's fakes follow another law than those of the generator's steps: "
            f"{named}."
            if playing
            else f"Latents for sampling follow another law than those of training: {named}.",
            evidence=tuple(
                Measurement(
                    f"latent.{where}.{what}",
                    numbers[what][1],
                    numbers[what][0],
                    f"more than {limits[what][0]:g} from",
                    limits[what][1],
                    f"{what} {'in the discriminator step' if playing else 'when sampling'}; the "
                    "threshold is the one in the generator's steps",
                )
                for what in apart
            ),
            because=(
                Alternative("fewer values than show a law", "ruled out", f"{count:.0f} values a record"),
            )
            if playing
            else (
                Alternative(
                    "truncation or interpolation on purpose",
                    "open" if smaller else "ruled out",
                    "only the spread is smaller; if that is meant, all is well"
                    if smaller
                    else f"they only make the spread smaller; here the {' and the '.join(apart)} differs"
                    if apart != ["std"] or sampling > own
                    else f"they rarely keep less than {NARROW:.0%} of it",
                ),
            ),
        )


def _skew(what: str, change: float) -> float:
    """How much wider the scatter is on this side: a sample's kurtosis is far skewer than normal.

    Of 400 normal values one sample in 2,000 exceeds 3 by 4.7 standard errors, and as few fall short of it by
    2.5 (counted in 40,000 samples).
    """
    if what != "kurtosis":
        return 1.0
    return 2.0 if change > 0 else 0.85
