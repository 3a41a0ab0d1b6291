"""The data's range against the generator's: a giveaway in one number, and who makes use of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.digits import Digits, digit_classifier, digits, draws_of
from equipoise.lab.games import Game, every, seeded
from equipoise.lab.measures import separation, watched
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role, State
from equipoise.lab.panels import (
    Bar,
    BarPanel,
    Curve,
    HistogramPanel,
    ImagePanel,
    ImageRow,
    LinePanel,
    Panel,
    Reference,
    Values,
)
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator, as_images
from equipoise.metrics.frechet import frechet_distance

if TYPE_CHECKING:
    from equipoise.metrics.classifier import Classifier

STEPS = 2000
LATENT = 32
MARGIN = 0.02  # of the range's width; rounding and the ends of tanh stay within it
SAMPLES = 360
PERFECT = 0.99


@dataclass(frozen=True)
class Way:
    """How the data are scaled and how the generator ends."""

    name: str
    role: Role
    description: str
    low: float
    high: float
    activation: Callable[[], nn.Module]

    def scaled(self, images: Tensor) -> Tensor:
        """Images in [-1, 1], in this way's range."""
        return self.low + (images + 1) / 2 * (self.high - self.low)

    def back(self, samples: Tensor) -> Tensor:
        """The other way round, cut to [-1, 1] as a viewer would."""
        return ((samples - self.low) / (self.high - self.low) * 2 - 1).clamp(-1, 1)


WAYS = (
    Way("[0, 255], tanh", "failure", "bytes as they come, a generator that ends in tanh", 0, 255, nn.Tanh),
    Way("[0, 1], tanh", "failure", "bytes / 255, a generator that ends in tanh", 0, 1, nn.Tanh),
    Way("[0, 255], no activation", "mask", "bytes as they come, a generator that can reach them", 0, 255,
        nn.Identity),
    Way("[0, 1], sigmoid", "cure", "bytes / 255, a generator that ends in a sigmoid", 0, 1, nn.Sigmoid),
    Way("[-1, 1], tanh", "cure", "bytes / 127.5 - 1, a generator that ends in tanh", -1, 1, nn.Tanh),
)  # fmt: skip


def range_rule(reals: Tensor, fakes: Tensor, low: float, high: float) -> float:
    """Balanced accuracy of a rule that looks at the range only, on samples (N, ...).

    A sample is called fake if its smallest value lies below `low`, or its largest above `high`, by more than
    2 % of the width, or if its largest value lies in the lower half. 0.5 is what guessing gives.

    Example:
        >>> import torch
        >>> bright = torch.tensor([[0.0, 1.0]])
        >>> range_rule(bright, bright, 0, 1), range_rule(bright, torch.tensor([[-0.5, 0.9]]), 0, 1)
        (0.5, 1.0)
    """
    width = high - low

    def called_fake(samples: Tensor) -> Tensor:
        smallest, largest = samples.flatten(1).aminmax(dim=1)
        outside = (smallest < low - MARGIN * width) | (largest > high + MARGIN * width)
        return outside | (largest < low + width / 2)

    return float((called_fake(fakes).double().mean() + 1 - called_fake(reals).double().mean()) / 2)


@EXPERIMENTS.register("unnormalised-data")
class UnnormalisedData(Experiment):
    """Data in one range, a generator in another: a rule of one line tells real from fake for ever.

    What it shows
        A generator that ends in tanh gives values from -1 to 1. Digits left as bytes, 0 to 255, are out of
        its reach: the discriminator is perfect as soon as it has found the scale, and nothing that the
        generator does can change that. Divided by 255 the data lie inside its reach but on one side of it:
        "is a pixel negative?" still tells all fakes from all reals to the end. Data mapped to [-1, 1], or a
        generator that ends in a sigmoid, take both away.

    Setting
        8x8 digits; generator and discriminator of two hidden layers of 128, latents of 32, the
        non-saturating loss without any penalty, Adam at 0.001 with betas (0.5, 0.999), batches of 128, 2,000
        steps. All arms start from the same weights. The accuracy of the discriminator is taken on 360
        digits that it never saw and 360 fresh fakes. The Frechet distance is taken in features of a
        classifier of digits, after fakes were mapped back to pictures. The rule of one line calls a sample
        fake if a value leaves the data's range by more than 2 % of its width, or if the brightest value is
        darker than its middle. `equipoise.watch` watches each arm.

    What to look at
        The discriminator's accuracy: at 1 with bytes. The distance: it does not move with bytes and a tanh.
        The rule of one line: at 1 for both mismatches, at one half where the ranges agree. The verdict of
        the watcher, `range-mismatch`, comes in both.

    Where the textbook says more than this shows
        It is said that the discriminator wins at once when data in [0, 1] meet a tanh, because one pixel
        gives a fake away. The giveaway is there, and perfect; but this discriminator, two layers trained by
        gradient descent, does not find it, and the generator learns almost as well as in the healthy arm.
        What is left are fakes with a grey veil of small negative values. With bytes the textbook is right.
        A generator without a last activation can reach bytes in principle, but it has to grow its weights
        by two orders of magnitude first: it moves, and it is far behind at the end.

    References
        Radford et al. 2016 (1511.06434), section 4: images are scaled to the range of tanh, [-1, 1]. Arjovsky
        and Bottou 2017 (1701.04862), theorem 2.1: with disjoint supports there is a perfect discriminator.
        Reported cases: the page of the check `range-mismatch` (EQ401).
    """

    name = "unnormalised-data"
    title = "Data that were not normalised"
    claim = (
        "Data in [0, 255] make the discriminator perfect against a tanh for good; data in [0, 1] leave a "
        "giveaway that a rule of one line uses at once but a trained discriminator may miss; matching ranges "
        "remove both."
    )
    question = "Must I scale my images to [-1, 1], and what happens if I forget?"
    minutes = 1.0

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        steps = scaled(STEPS, budget)
        data = digits(seed)
        classifier = digit_classifier(budget)
        goal = classifier.features(data.held_out)
        floor = frechet_distance(classifier.features(data.train[: len(data.held_out)]), goal)
        arms, rows, pixels = [], [], []
        for place, way in enumerate(WAYS):
            if progress is not None:
                progress(way.name, place / len(WAYS))
            arm = Arm(way.name, way.role, way.description)
            game = _game(way, data.train, steps, seed)
            seen = _play(way, game, arm, data, classifier)
            for name in ("accuracy", "distance", "rule"):
                arm.curve(name, seen["step"], seen[name])
            half = len(seen["step"]) // 2
            arm.number("accuracy", float(np.mean(seen["accuracy"][half:])))
            arm.number("distance", seen["distance"][-1])
            arm.number("distance left", seen["distance"][-1] / seen["distance"][0])
            arm.number("rule of one line", seen["rule"][-1])
            arm.number("named", float(any(finding["code"] == "EQ401" for finding in arm.findings)))
            arm.state = _state(arm)
            arms.append(arm)
            fakes = game.samples(SAMPLES)
            rows.append(ImageRow(way.name, way.role, as_images(way.back(fakes[:14]))))
            pixels.append(Values(way.name, way.role, fakes.flatten().numpy()[:6000]))
        outcome = Outcome(arms, _expectations(arms), _doubts(arms), [], "rule of one line")
        outcome.panels += _panels(outcome, floor, rows, pixels, as_images(data.held_out[:14]), data.held_out)
        return outcome


def _play(way: Way, game: Game, arm: Arm, data: Digits, classifier: Classifier) -> dict[str, list[float]]:
    """Train to the end, measure on the way, and ask the watcher for its verdict at the end."""
    reals, goal = way.scaled(data.held_out), classifier.features(data.held_out)
    seen: dict[str, list[float]] = {"step": [], "accuracy": [], "distance": [], "rule": []}
    looks = set(every(game.steps, 20))
    with watched(game, arm, at=[game.steps]) as verdict:

        def observe(step: int) -> None:
            if step in looks:
                fakes = game.samples(SAMPLES)
                seen["step"].append(step)
                seen["accuracy"].append(separation(game.discriminator, reals, fakes)["accuracy"])
                seen["rule"].append(range_rule(reals, fakes, way.low, way.high))
                seen["distance"].append(frechet_distance(classifier.features(way.back(fakes)), goal))
            verdict(step)

        game.play(observe=observe)
    return seen


def _game(way: Way, train: Tensor, steps: int, seed: int) -> Game:
    def networks() -> tuple[ToyGenerator, ToyDiscriminator]:
        return ToyGenerator(LATENT, (1, 8, 8), bounded=True), ToyDiscriminator(64)

    generator, discriminator = seeded(seed, networks)
    generator.body[-1] = way.activation()
    return Game(
        generator,
        discriminator,
        draws_of(way.scaled(train)),
        LATENT,
        steps=steps,
        betas=(0.5, 0.999),
        seed=seed,
    )


def _state(arm: Arm) -> State:
    if arm.value("accuracy") >= PERFECT or arm.value("rule of one line") >= 0.95:
        return "failing"
    return "cured" if arm.role == "cure" else ""


def _expectations(arms: list[Arm]) -> list[Expectation]:
    bytes_tanh, unit_tanh, _, unit_sigmoid, healthy = arms

    definition = "the definition of a perfect discriminator (1701.04862, theorem 2.1), with 1 % of slack"
    half = "half of the way; a run that learns goes most of it"
    rule = "the bound of the check range-mismatch (EQ401) for one trivial number"
    chance = "chance is one half; a twentieth of slack for samples at the edge"
    return [
        Expectation(
            "With bytes and a tanh the discriminator is perfect through the second half of the run.",
            bytes_tanh.value("accuracy"), ">=", PERFECT, definition,
        ),
        Expectation(
            "With bytes and a tanh the distance to the data at the end is what it was at the start.",
            bytes_tanh.value("distance left"), ">=", 0.9, "nothing learned, with a tenth for noise",
        ),
        Expectation(
            "With data in [-1, 1] and a tanh more than half of that distance is gone.",
            healthy.value("distance left"), "<=", 0.5, half,
        ),
        Expectation(
            "With data in [0, 1] and a tanh the rule of one line still tells fakes from reals at the end.",
            unit_tanh.value("rule of one line"), ">=", 0.95, rule,
        ),
        Expectation(
            "Yet the trained discriminator does not use it: it is not perfect through the second half.",
            unit_tanh.value("accuracy"), "<", 0.95, rule,
        ),
        Expectation(
            "And the generator learns: more than half of the distance is gone.",
            unit_tanh.value("distance left"), "<=", 0.5, half,
        ),
        Expectation(
            "Where the ranges agree the rule of one line is hardly better than guessing.",
            max(unit_sigmoid.value("rule of one line"), healthy.value("rule of one line")),
            "<=", 0.55, chance,
        ),
        Expectation(
            "equipoise.watch names the mismatch in both arms with a tanh against the wrong range.",
            bytes_tanh.value("named") + unit_tanh.value("named"), ">=", 2.0, "both", "arms",
        ),
        Expectation(
            "equipoise.watch does not name it where the ranges agree.",
            unit_sigmoid.value("named") + healthy.value("named"), "<=", 0.0, "no false alarm", "arms",
        ),
    ]  # fmt: skip


def _doubts(arms: list[Arm]) -> list[str]:
    _, unit_tanh, unbounded, _, healthy = arms
    return [
        "The textbook's sentence on data in [0, 1], that one negative pixel makes the discriminator perfect "
        f"at once, is not what is seen: its mean accuracy is {unit_tanh.value('accuracy'):.2f} in "
        "the second half. The giveaway is there for any rule that looks for it; whether a discriminator "
        "finds it depends on its form, and only one form was tried here.",
        "The distance with data in [0, 1] and a tanh ends at "
        f"{unit_tanh.value('distance'):.3g} against {healthy.value('distance'):.3g} in the "
        "healthy arm; fakes are cut to the data's range before it is taken, which forgives exactly the "
        "negative values.",
        "A generator without a last activation on bytes is not a cure: "
        f"{unbounded.value('distance left'):.0%} of its first distance is left. With many more steps "
        "it would get further; how far was not tried.",
    ]


def _panels(
    outcome: Outcome,
    floor: float,
    rows: list[ImageRow],
    pixels: list[Values],
    reals: np.ndarray,
    held_out: Tensor,
) -> list[Panel]:
    names = [arm.name for arm in outcome.arms]
    near = [group for group, way in zip(pixels, WAYS, strict=True) if way.high == 1 and way.low == 0]
    unit = WAYS[1].scaled(held_out).flatten().numpy()
    return [
        LinePanel(
            "With bytes the discriminator is perfect within a hundred steps and stays so.",
            "step",
            "accuracy of the discriminator on unseen samples",
            tuple(Curve(name, "accuracy") for name in names),
            references=(Reference(0.5, "cannot tell"),),
            y_range=(0.0, 1.05),
        ),
        LinePanel(
            "With bytes and a tanh the fakes never come nearer.",
            "step",
            "Frechet distance to held-out digits (classifier)",
            tuple(Curve(name, "distance") for name in names),
            y_scale="log",
            references=(Reference(floor, "training digits"),),
        ),
        BarPanel(
            "A rule of one line on the range stays perfect to the end wherever the ranges do not match.",
            "accuracy of the rule at the end (0.5 is guessing)",
            tuple(Bar(arm.name, arm.role, arm.value("rule of one line")) for arm in outcome.arms),
            references=(Reference(0.5, ""),),
        ),
        HistogramPanel(
            "Data in [0, 1] have no negative values; a tanh keeps giving some, a sigmoid cannot.",
            "value of a pixel at the end",
            (Values("digits", "data", unit), *near),
            y_scale="log",
        ),
        ImagePanel(
            "At the end, cut to the data's range: bytes against a tanh are black and stay black.",
            (ImageRow("held-out digits", "data", reals), *rows),
        ),
    ]
