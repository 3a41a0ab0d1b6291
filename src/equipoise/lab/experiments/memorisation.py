"""Copies of the training images: when a GAN makes them, and which numbers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.digits import Digits, digit_classifier, digit_game, digits
from equipoise.lab.games import Game, every, random_numbers
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
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
from equipoise.lab.toys import as_images
from equipoise.metrics.frechet import frechet_distance
from equipoise.metrics.memorisation import authenticity, data_copying
from equipoise.metrics.neighbours import nearest

if TYPE_CHECKING:
    from equipoise.metrics.classifier import Classifier

STEPS = 1000
LATENT = 32
COUNT = 360
NOISE = 0.1
SHOWN = 18
COPYING = -3.0
SIZES: tuple[tuple[str, Role, int | None], ...] = (
    ("20 images", "failure", 20),
    ("100 images", "variant", 100),
    ("all images", "healthy", None),
)
COPIER = "copies of 20 images"


@EXPERIMENTS.register("memorisation")
class Memorisation(Experiment):
    """With few training images a GAN gives them back; measures with held-out images see it, others praise it.

    What it shows
        Trained on 20 digits, the generator learns to give back these 20. The usual distance to the training
        data gets better and better meanwhile. Two numbers see what happens: AuthPct, the share of samples
        that are farther from their nearest training image than that image is from its nearest neighbour, and
        C_T, which asks whether samples lie nearer to the training images than unseen digits do. The same
        networks trained on all digits do not copy.

    Setting
        8x8 digits, 360 held out; 20, 100 or all 1,437 others to train on. Two hidden layers of 128 in both
        networks, latents of 32, the non-saturating loss with R1 (gamma 1), Adam at 0.001 with betas
        (0, 0.99), batches of 128, 1,000 steps. AuthPct and C_T (one cell, so that 20 images suffice) on
        pixels with 360 samples; Frechet distance in features of a classifier. The control is no GAN: its
        samples are the 20 images with noise of standard deviation 0.1.

    What to look at
        The rows of pictures: each sample of the arm with 20 images above its nearest training image. The
        distances to the 20 images: those of samples lie far below those of unseen digits. C_T: far below 0
        with 20 images, not with all.

    Where the textbook says more than this shows
        It is often said that GANs do not memorise, and also that they do. Here both are true: it depends on
        how many images there are for a network of a given size, and on the steps. With 100 images hardly
        anything is copied within these steps; the fall of C_T in that arm says that it would go on.
        AuthPct has no natural zero: unseen digits themselves score about a half or less, and poor
        samples score higher than good ones; read it together with C_T and a distance to held-out digits.

    References
        Alaa et al. 2022 (2102.08921): authenticity. Meehan et al. 2020 (2004.05675): C_T. Webster et al. 2019
        (1901.03396): latent recovery finds no memorisation in GANs trained on large sets.
    """

    name = "memorisation"
    title = "Copies of the training images"
    claim = (
        "A GAN trained on 20 images gives them back, which AuthPct and C_T with held-out images show and the "
        "distance to the training data hides; trained on all digits it does not copy."
    )
    question = "Are my samples new, or copies of what I trained on?"
    minutes = 0.7

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        from equipoise.penalties import build_penalty

        steps = scaled(STEPS, budget)
        classifier = digit_classifier(budget)
        arms, rows = [], []
        distances: list[Values] = []
        for place, (name, role, count) in enumerate(SIZES):
            if progress is not None:
                progress(name, place / len(SIZES))
            data = digits(seed, train=count)
            arm = Arm(name, role, f"the same game with {len(data.train)} training images")
            penalties = [build_penalty("r1", gamma=1.0)]
            game = digit_game(data.train, LATENT, steps, seed, penalties)
            _play(game, arm, data, classifier)
            arms.append(arm)
            fakes = game.samples(COUNT)
            if count == 20:
                distances = [
                    Values("unseen digits", "data", _to_nearest(data.held_out, data.train)),
                    Values("samples", role, _to_nearest(fakes, data.train)),
                ]
            if name != "100 images":
                rows += _pairs(fakes[:SHOWN], data.train, name, role)
        few = digits(seed, train=20)
        arms.append(_copier(few, classifier, seed))
        unseen = authenticity(data.held_out.flatten(1), data.train.flatten(1))
        return Outcome(
            arms, _expectations(arms, unseen), _doubts(arms, unseen), _panels(arms, rows, distances), "C_T"
        )


def _play(game: Game, arm: Arm, data: Digits, classifier: Classifier) -> None:
    seen: dict[str, list[float]] = {}
    moments: list[float] = []

    def observe(step: int) -> None:
        moments.append(step)
        for name, value in _measures(game.samples(COUNT), data, classifier).items():
            seen.setdefault(name, []).append(value)

    game.play(observe=observe, at=every(game.steps, 10)[1:])
    for name, values in seen.items():
        arm.number(name, values[-1])
        arm.curve(name, moments, values)
    near = arm.value("C_T") < COPYING
    if near and arm.value("AuthPct") <= 0.5 * arm.value("AuthPct of unseen digits"):
        arm.state = "failing"
    elif arm.role == "healthy" and not near:
        arm.state = "healthy"


def _measures(samples: Tensor, data: Digits, classifier: Classifier) -> dict[str, float]:
    flat, known, unseen = samples.flatten(1), data.train.flatten(1), data.held_out.flatten(1)
    features = classifier.features(samples)
    return {
        "AuthPct": authenticity(flat, known),
        "AuthPct of unseen digits": authenticity(unseen, known),
        "C_T": data_copying(flat, known, unseen, cells=1)[0],
        "distance to training images": frechet_distance(features, classifier.features(data.train)),
        "distance to unseen digits": frechet_distance(features, classifier.features(data.held_out)),
    }


def _copier(data: Digits, classifier: Classifier, seed: int) -> Arm:
    arm = Arm(COPIER, "control", f"no GAN: the 20 images with noise of standard deviation {NOISE}")
    random = random_numbers(seed, "copies")
    copies = data.train[torch.randint(len(data.train), (COUNT,), generator=random)]
    noisy = copies + NOISE * torch.randn(copies.shape, generator=random)
    for name, value in _measures(noisy.clamp(-1, 1), data, classifier).items():
        arm.number(name, value)
    arm.state = "failing" if arm.value("C_T") < COPYING else ""
    return arm


def _to_nearest(samples: Tensor, train: Tensor) -> np.ndarray:
    return nearest(samples.flatten(1), train.flatten(1))[0].numpy()


def _pairs(samples: Tensor, train: Tensor, name: str, role: Role) -> list[ImageRow]:
    owner = nearest(samples.flatten(1), train.flatten(1))[1]
    return [
        ImageRow(f"samples, {name}", role, as_images(samples)),
        ImageRow(f"the nearest of the training images, {name}", "data", as_images(train[owner])),
    ]


def _expectations(arms: list[Arm], unseen: float) -> list[Expectation]:
    few, _, all_images, copier = (
        {name: number.value for name, number in arm.numbers.items()} for arm in arms
    )
    copying = "about three standard errors of the statistic (2004.05675)"
    return [
        Expectation(
            "With 20 images samples lie nearer to the training images than unseen digits: C_T.",
            few["C_T"], "<", COPYING, copying,
        ),
        Expectation(
            "With 20 images samples are authentic at most half as often as unseen digits are: ratio.",
            few["AuthPct"] / max(few["AuthPct of unseen digits"], 1e-9), "<=", 0.5,
            "half; copies score 0 and samples of the true distribution 1 (2102.08921)",
        ),
        Expectation(
            "Noisy copies that no GAN made score the same: C_T.",
            copier["C_T"], "<", COPYING, copying,
        ),
        Expectation(
            "The distance to the training images praises the copies: it is a quarter below the distance to "
            "unseen digits, or more. Ratio.",
            few["distance to training images"] / few["distance to unseen digits"], "<=", 0.75,
            "a quarter; for samples of the true distribution the two agree",
        ),
        Expectation(
            "With all images C_T is not below what chance explains.",
            all_images["C_T"], ">=", COPYING, copying,
        ),
        Expectation(
            "With all images the share of authentic samples is that of unseen digits or more: difference.",
            all_images["AuthPct"] - unseen, ">=", -0.1, "two shares of 360 samples, three standard errors",
        ),
    ]  # fmt: skip


def _doubts(arms: list[Arm], unseen: float) -> list[str]:
    _, hundred, all_images, _ = arms
    return [
        "With 100 images it is neither one thing nor the other: C_T is "
        f"{hundred.value('C_T'):.3g} and {hundred.value('AuthPct'):.0%} of the samples are "
        "authentic. More steps would move it, and where it ends was not tried.",
        f"With all images C_T is {all_images.value('C_T'):.3g}. Far above 0 means that the samples "
        "are farther from the training images than unseen digits are: not copies, but not perfect digits "
        "either. A better generator would come nearer to 0, so this arm does not prove that longer training "
        "is safe.",
        "The copies are not exact, they are blurred; a search for identical images would find none.",
        f"Unseen digits score an AuthPct of {unseen:.2f} themselves; on pixels it is a coarse measure.",
    ]


def _panels(arms: list[Arm], rows: list[ImageRow], distances: list[Values]) -> list[Panel]:
    trained = tuple(arm.name for arm in arms if arm.name != COPIER)
    few = arms[0].name
    return [
        LinePanel(
            "C_T: with 20 images the samples soon lie nearer to them than unseen digits do.",
            "step",
            "C_T (0: as near as unseen digits)",
            tuple(Curve(name, "C_T") for name in trained),
            y_scale="symlog",
            references=(Reference(COPYING, "below: copying"),),
        ),
        LinePanel(
            "The distance to the training images praises what the distance to unseen digits does not.",
            "step",
            "Frechet distance (classifier)",
            (
                Curve(few, "distance to unseen digits", f"{few}, to unseen digits"),
                Curve(few, "distance to training images", f"{few}, to training images", "points"),
                Curve("all images", "distance to unseen digits", "all images, to unseen digits"),
            ),
            y_scale="log",
        ),
        HistogramPanel(
            "20 images: samples lie nearer to them than unseen digits.",
            "distance to the nearest of the 20 images (pixels)",
            tuple(distances),
        ),
        BarPanel(
            "AuthPct: the share of samples that are no copies.",
            "AuthPct at the end",
            tuple(Bar(arm.name, arm.role, arm.value("AuthPct")) for arm in arms),
        ),
        ImagePanel("Each sample above the training image nearest to it.", tuple(rows)),
    ]
