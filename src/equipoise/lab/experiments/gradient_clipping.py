"""Gradient clipping by value at 0.1: a guard against one bad batch, and against nothing else."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, moments, random_numbers, seeded
from equipoise.lab.measures import fresh_discriminator, gradient_at_fakes
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Bar, BarPanel, Curve, LinePanel, Reference
from equipoise.lab.toys import ToyDiscriminator
from equipoise.penalties import Penalty, build_penalty

BOUND = 0.1
PLAIN_RATE = 0.05
ADAM_RATE = 1e-3
SPIKE = 1000.0
NEAR, FAR = 2.0, 10.0
TINY = 1e-30


@EXPERIMENTS.register("gradient-clipping")
class GradientClipping(Experiment):
    """Clipping every gradient entry to +-0.1 survives one bad batch; it starves and unbounds as before.

    What it shows
    Clipping by value promises one thing: no entry of the gradient beyond 0.1, hence with plain descent no
    weight that moves by more than 0.1 times the learning rate in a step. That is worth having when a batch
    is broken. It is often hoped to do more. It does not bound the slope of a critic: the weights walk as
    far as they like, in small steps. It does not bring back a gradient that has vanished: small entries
    pass untouched. With Adam, which divides by the gradient's own size, a step is bounded already. It also
    turns the gradient: clipping by norm keeps its direction, clipping by value does not.

    Setting
    Points on a line (in the plane for the critic), discriminators of 3 x 64 LeakyReLU units, a generator
    that stands still. *A bad batch*: a logistic discriminator sees, at one step, reals that are a thousand
    times too large, as from a forgotten normalisation; 60 steps follow. *No constraint*: a Wasserstein
    critic with nothing else, 700 steps (with the penalty 450). *A perfect discriminator*: clouds ten units
    apart, logistic loss, 500 steps. Plain descent has rate 0.05, Adam 1e-3.

    What to look at
    Top left: the accuracy around the bad batch; zero means scores that are no numbers any more. Top right:
    the slope of the unconstrained critic; only the gradient penalty stops at one. Bottom left: the
    saturating gradient at the fakes falls alike with and without clipping. Bottom right: how far the bad
    batch threw the farthest weight, in the step itself.

    Where the textbook says more than this shows
    In recurrent networks clipping is the cure of exploding gradients. Here it is sold as a stabiliser of
    GANs. What is left of that is the guard against rare large gradients, and Adam already has half of it:
    its step is bounded too, although its first moment goes on in the direction of the bad batch for ten
    steps and more.

    References
    Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks", section 3.2
    (clipping by norm). Kingma and Ba 2015, "Adam", section 2.1. Gulrajani et al. 2017, "Improved training
    of Wasserstein GANs" (what bounds a slope). Arjovsky and Bottou 2017, theorem 2.4 (the vanishing
    gradient).
    """

    name = "gradient-clipping"
    title = "Gradient clipping by value"
    claim = (
        "Clipping gradients to +-0.1 bounds the step that one bad batch can cause; it bounds no slope and "
        "revives no vanished gradient."
    )
    question = "Should I clip the gradients of my GAN, and what will it do?"
    minutes = 0.3

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        plans: tuple[tuple[str, Role, str, bool, str | None], ...] = (
            ("plain descent", "failure", "no clipping, plain gradient descent", False, None),
            ("plain descent, by value", "mask", "each entry cut to 0.1", False, "gradient-clipping-by-value"),
            ("plain descent, by norm", "mask", "whole norm cut to 0.1", False, "gradient-clipping-by-norm"),
            ("Adam", "control", "no clipping, Adam", True, None),
            ("Adam, by value", "mask", "Adam, each entry cut to 0.1", True, "gradient-clipping-by-value"),
        )
        arms: dict[str, Arm] = {}
        for place, (name, role, description, adam, clipping) in enumerate(plans):
            arm = arms[name] = Arm(name, role, description)
            tell(f"{name}: a bad batch", place / 6)
            bad_batch(arm, adam, clipping, scaled(200, budget), scaled(60, budget), seed)
            tell(f"{name}: no constraint", (place + 0.3) / 6)
            unconstrained(arm, adam, penalties(clipping), scaled(700, budget), seed)
            tell(f"{name}: a perfect discriminator", (place + 0.6) / 6)
            if adam:
                vanishing(arm, clipping, scaled(500, budget), seed)
        penalised = arms["gradient penalty"] = Arm("gradient penalty", "cure", "10 E(|grad f| - 1)^2, Adam")
        tell("gradient penalty: a bounded slope", 5 / 6)
        unconstrained(
            penalised, True, [build_penalty("gradient-penalty", weight=10.0)], scaled(450, budget), seed
        )
        penalised.state = "cured"
        tell("done", 1.0)

        free, by_value, norm = (
            arms[name] for name in ("plain descent", "plain descent, by value", "plain descent, by norm")
        )
        with_adam, adam_value = arms["Adam"], arms["Adam, by value"]
        slopes = [arm.value("slope without a constraint") for arm in (by_value, norm, adam_value)]
        left = [arm.value("saturating gradient left") for arm in (with_adam, adam_value)]
        true_slope = 1 + NEAR / 20

        def moved(arm: Arm) -> float:
            return arm.value("farthest weight moved by the bad batch")

        return Outcome(
            arms=list(arms.values()),
            expectations=[
                Expectation(
                    "Clipped by value, the bad batch moves no weight further than the rate times 0.1.",
                    moved(by_value),
                    "<=",
                    PLAIN_RATE * BOUND * (1 + 1e-3),
                    "definition of clipping by value; a thousandth for rounding",
                ),
                Expectation(
                    "Without clipping it moves one a hundred times further.",
                    moved(free) / (PLAIN_RATE * BOUND),
                    ">=",
                    100.0,
                    "the gradient grows with the size of the samples, which are 1000 times too large",
                ),
                Expectation(
                    "After the bad batch the clipped discriminator is right as often as before, within 0.05.",
                    by_value.value("accuracy before") - by_value.value("accuracy just after"),
                    "<=",
                    0.05,
                    "definition of surviving",
                ),
                Expectation(
                    "Clipping by value turns the gradient of the bad batch by ten degrees or more.",
                    by_value.value("angle between the gradient and the clipped one"),
                    ">=",
                    10.0,
                    "where all entries are beyond the bound only signs are left: 37 degrees if Gaussian",
                    "degrees",
                ),
                Expectation(
                    "Clipping by norm does not turn it.",
                    norm.value("angle between the gradient and the clipped one"),
                    "<=",
                    0.01,
                    "definition of clipping by norm; rounding",
                    "degrees",
                ),
                Expectation(
                    "No way of clipping bounds the slope of a critic: all pass ten times the slope wanted.",
                    min(slopes),
                    ">=",
                    10.0,
                    "Kantorovich and Rubinstein: slope 1; ten times that is not bounded",
                ),
                Expectation(
                    "The gradient penalty does, within 0.15.",
                    abs(penalised.value("slope without a constraint") - true_slope),
                    "<=",
                    0.15,
                    "the maximum of s W - lambda (s - 1)^2: 1 + W / (2 lambda)",
                ),
                Expectation(
                    "Clipped or not, the saturating gradient falls by two orders.",
                    max(left),
                    "<=",
                    0.01,
                    "Arjovsky and Bottou 2017, theorem 2.4",
                ),
                Expectation(
                    "With Adam too, clipping spares the discriminator a part of what the bad batch costs.",
                    with_adam.value("accuracy just after") - adam_value.value("accuracy just after"),
                    "<",
                    0.0,
                    "its first moment follows the bad batch for ten steps and more, unless it is clipped",
                ),
            ],
            doubts=[
                "The bound of 0.1 has no meaning of its own: it acts on whatever exceeds it, which depends "
                "on the batch, the loss's scale and the width. At another scale it would never act, or "
                "always.",
                "Clipping by norm protects in the same way and keeps the direction; nothing here speaks "
                "for clipping by value against it.",
                "One huge gradient stays in Adam's memory of squares for a thousand steps and was "
                "expected to make "
                "its steps small. A hundred steps later no difference was found while this was built, so "
                "that "
                "nothing is claimed.",
                "Plain descent without clipping may survive some bad batches too: what one does is a "
                "matter of the samples in it.",
            ],
            panels=[
                LinePanel(
                    "One bad batch (at 0): clipping survives it.",
                    "steps after the bad batch",
                    "accuracy of the discriminator",
                    tuple(
                        Curve(arm.name, "accuracy") for arm in (free, by_value, norm, with_adam, adam_value)
                    ),
                    references=(Reference(0.5, "a coin"), Reference(0.0, "bad batch", "x")),
                    y_range=(-0.05, 1.05),
                ),
                LinePanel(
                    "Slope of a critic without constraint: not bounded.",
                    "step of the critic",
                    "mean slope between the clouds",
                    tuple(Curve(arm.name, "slope") for arm in arms.values()),
                    y_scale="log",
                    references=(Reference(1.0, "the slope wanted"),),
                    y_range=(1e-2, 1e6),
                ),
                LinePanel(
                    "The vanishing gradient vanishes all the same.",
                    "step of the discriminator",
                    "mean saturating gradient at a fake",
                    tuple(Curve(arm.name, "saturating gradient") for arm in (with_adam, adam_value)),
                    x_scale="symlog",
                    y_scale="log",
                ),
                BarPanel(
                    "How far the bad batch threw the farthest weight.",
                    "largest change of a weight in that step",
                    tuple(
                        Bar(arm.name, arm.role, max(moved(arm), TINY))
                        for arm in (free, by_value, norm, with_adam, adam_value)
                    ),
                    scale="log",
                    references=(Reference(PLAIN_RATE * BOUND, "rate x 0.1"),),
                ),
            ],
            key="farthest weight moved by the bad batch",
        )


class Still(nn.Module):
    """The generator N(m, deviation^2), standing still; m lies on the first axis."""

    def __init__(self, centre: float, deviation: float, dimension: int = 1) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.tensor([centre, *[0.0] * (dimension - 1)]))
        self.deviation = deviation

    def forward(self, latent: Tensor) -> Tensor:
        return self.centre + self.deviation * latent


def draw(count: int, random: torch.Generator) -> Tensor:
    return torch.randn(count, 1, generator=random)


def draw_narrow(count: int, random: torch.Generator) -> Tensor:
    return 0.1 * torch.randn(count, 2, generator=random)


def penalties(clipping: str | None) -> list[Penalty]:
    return [] if clipping is None else [build_penalty(clipping, bound=BOUND)]


def make_optimizer(parameters: Any, rate: float, adam: bool) -> torch.optim.Optimizer:
    if adam:
        return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.999))
    return torch.optim.SGD(parameters, lr=rate)


def network(seed: int, dimension: int = 1) -> ToyDiscriminator:
    return seeded(seed, lambda: ToyDiscriminator(dimension, width=64, depth=3))


class _Angle(Penalty):
    """Takes notes before and after the clipping penalty that stands between the two."""

    name = "notes"

    def __init__(self) -> None:
        super().__init__()
        self.seen: Tensor | None = None

    def before_update(self, player: Any, parameters: Any) -> None:
        self.seen = torch.cat([p.grad.detach().double().ravel().clone() for p in parameters])


def bad_batch(arm: Arm, adam: bool, clipping: str | None, before: int, after: int, seed: int) -> None:
    """Train, give one batch of reals that are 1000 times too large, train on."""
    discriminator = network(seed)
    reals = draw(1500, random_numbers(seed, "held out"))
    fakes = draw(1500, random_numbers(seed, "held-out fakes")) + NEAR
    calls = [0]

    def sampler(count: int, random: torch.Generator) -> Tensor:
        calls[0] += 1
        samples = draw(count, random)
        return SPIKE * samples if calls[0] == before + 1 else samples

    first, last = _Angle(), _Angle()
    rate = ADAM_RATE if adam else PLAIN_RATE
    game = Game(
        Still(NEAR, 1.0),
        discriminator,
        sampler,
        1,
        steps=before + 1 + after,
        penalties=[first, *penalties(clipping), last],
        fixed_generator=True,
        discriminator_rate=rate,
        optimizer=lambda parameters, rate: make_optimizer(parameters, rate, adam),
        seed=seed,
    )
    at, accuracies = [], []
    previous = weights(discriminator)

    def look(step: int) -> None:
        nonlocal previous
        now = weights(discriminator)
        if step == before + 1:
            arm.number("farthest weight moved by the bad batch", float((now - previous).abs().max()))
        previous = now
        at.append(step - before - 1)
        accuracies.append(accuracy(discriminator, reals, fakes))

    start = before - scaled(40, min(1.0, before / 200))
    game.play(observe=look, at=list(range(max(1, start), before + 1 + after + 1)))
    here = at.index(0)
    arm.curve("accuracy", at, accuracies)
    arm.number("accuracy before", accuracies[here - 1] if here else accuracies[here])
    # The ten steps that follow.
    following = slice(here + 1, here + 11)
    arm.number("accuracy just after", sum(accuracies[following]) / max(1, len(accuracies[following])))
    arm.number("accuracy at the end", accuracies[-1])
    arm.number(
        "angle between the gradient and the clipped one", angle_of_bad_batch(clipping, seed), "degrees"
    )


def angle_of_bad_batch(clipping: str | None, seed: int) -> float:
    """By how much clipping turns the gradient of a bad batch, at the network's start."""
    discriminator, first, last = network(seed), _Angle(), _Angle()
    game = Game(
        Still(NEAR, 1.0),
        discriminator,
        lambda count, random: SPIKE * draw(count, random),
        1,
        steps=1,
        penalties=[first, *penalties(clipping), last],
        fixed_generator=True,
        discriminator_rate=PLAIN_RATE,
        optimizer=lambda parameters, rate: make_optimizer(parameters, rate, False),
        seed=seed,
    )
    game.play()
    if first.seen is None or last.seen is None:
        return math.nan
    cosine = torch.nn.functional.cosine_similarity(first.seen, last.seen, dim=0)
    return math.degrees(math.acos(min(1.0, float(cosine))))


def weights(discriminator: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().ravel().clone() for parameter in discriminator.parameters()])


@torch.no_grad()
def accuracy(discriminator: nn.Module, reals: Tensor, fakes: Tensor) -> float:
    right = (discriminator(reals) > 0).float().mean() + (discriminator(fakes) < 0).float().mean()
    return float(right) / 2


def unconstrained(arm: Arm, adam: bool, regularizers: list[Penalty], steps: int, seed: int) -> None:
    """A Wasserstein critic of two narrow clouds, and its slope between them."""
    critic = network(seed, 2)
    share = torch.rand(500, 1, generator=random_numbers(seed, "lines"))
    game = Game(
        Still(NEAR, 0.1, 2),
        critic,
        draw_narrow,
        2,
        steps=steps,
        objective="wasserstein",
        penalties=regularizers,
        fixed_generator=True,
        discriminator_rate=ADAM_RATE if adam else PLAIN_RATE,
        optimizer=lambda parameters, rate: make_optimizer(parameters, rate, adam),
        seed=seed,
    )
    at, slopes = [], []

    def look(step: int) -> None:
        points = torch.cat([NEAR * share, torch.zeros_like(share)], dim=1).requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(points).sum(), points)
        at.append(step)
        slopes.append(float(gradient.norm(dim=1).mean()))

    game.play(observe=look, at=every(steps, 40))
    arm.curve("slope", at, slopes)
    # Over the last quarter, because a penalised critic hovers about its slope.
    late = slopes[-max(1, len(slopes) // 4) :]
    arm.number("slope without a constraint", sum(late) / len(late))
    if not arm.state:
        arm.state = "failing" if arm.role == "failure" else "masked" if arm.role == "mask" else ""


def vanishing(arm: Arm, clipping: str | None, steps: int, seed: int) -> None:
    """Clouds far apart: what log(1 - D) tells a fake, while D learns."""
    discriminator = network(seed)
    fakes = draw(1000, random_numbers(seed, "held-out fakes")) + FAR
    at: list[int] = []
    gradients: list[float] = []

    def look(step: int, judge: nn.Module) -> None:
        at.append(step)
        gradients.append(float(gradient_at_fakes(judge, fakes, "minimax").norm(dim=1).mean()))

    fresh_discriminator(
        Still(FAR, 1.0),
        discriminator,
        draw,
        1,
        steps=steps,
        measure=look,
        at=moments(steps, 30),
        penalties=penalties(clipping),
        discriminator_rate=ADAM_RATE,
        betas=(0.9, 0.999),
        seed=seed,
    )
    arm.curve("saturating gradient", at, gradients)
    arm.number("saturating gradient left", gradients[-1] / max(gradients))
