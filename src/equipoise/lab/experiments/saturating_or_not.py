"""Saturating or not: two losses with one fixed point, and what is left of their gradients when D wins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, moments, random_numbers, seeded, twin
from equipoise.lab.measures import fresh_discriminator, generator_gradient, gradient_at_fakes
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Curve, LinePanel, Points, Reference, ScatterPanel
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator

CENTRE = (4.0, 0.0)
DEVIATION = 0.5
GENERATOR_RATE = 0.02
ADAM_RATE = 2e-4
DISCRIMINATOR_RATE = 1e-3
BATCH = 128


@EXPERIMENTS.register("saturating-or-not")
class SaturatingOrNot(Experiment):
    """The original loss of the generator dies when the discriminator wins; -log D lives, and Adam blurs it.

    What it shows
    The original game tells the generator to minimise log(1 - D(G(z))). At a fake with logit l the slope of
    that loss is sigmoid(l): the surer the discriminator is of the fake, the less the fake learns. The
    non-saturating loss -log D(G(z)) has slope sigmoid(-l), which tends to 1 there. Both push every fake in
    the same direction; they differ by the factor D / (1 - D) = exp(l) and nothing else. With plain gradient
    descent that factor decides whether the generator moves at all. Adam divides each gradient by its own
    size, so with Adam the saturating generator moves too: the optimizer hides the failure.

    Setting
    Data are a round Gaussian (deviation 0.5) four units from where the generator (2 x 64 units) starts. The
    discriminator (2 x 64 units, Adam 1e-3) has a head start of 1000 steps against the generator that stands
    still. Then four games begin from the same two networks: each loss, with plain gradient descent (rate
    0.02) or Adam (rate 2e-4) for the generator. The discriminator is the same everywhere, without a
    penalty.

    What to look at
    Top left: the slope each fake is given against its logit; the curves are closed forms, the points are
    measured. Top right: the generator's whole gradient while the discriminator takes its head start: one
    falls by orders, the other does not. Bottom left: the games. With plain descent only the non-saturating
    generator leaves; with Adam both do. Bottom right: where the fakes are at the end.

    Where the textbook says more than this shows
    The textbook says that the saturating loss does not train. With plain gradient descent that is what
    happens here. With Adam, which nearly everybody uses, it trains in this toy: the size of the gradient is
    lost, its direction is not. And the non-saturating loss is no cure of the perfect discriminator: its
    gradient stays large because a steep discriminator makes it so, and its direction is then that of an
    arbitrary cliff; see perfect-discriminator.

    References
    Goodfellow et al. 2014, "Generative adversarial nets", section 3. Arjovsky and Bottou 2017, "Towards
    principled methods for training GANs", theorems 2.4 and 2.6. Kingma and Ba 2015, "Adam", section 2.1
    (the step does not depend on the gradient's scale).
    """

    name = "saturating-or-not"
    title = "The saturating loss and the other one"
    claim = (
        "When the discriminator wins, log(1 - D) gives the generator a gradient that is smaller than that "
        "of -log D by D / (1 - D): plain descent then stands still, and Adam hides it."
    )
    question = "Why does everybody train the generator with -log D instead of the minimax loss?"
    minutes = 0.2

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        generator = seeded(seed, lambda: ToyGenerator(2, (2,), width=64))
        discriminator = seeded(seed + 1, lambda: ToyDiscriminator(2, width=64))
        latent = torch.randn(512, 2, generator=random_numbers(seed, "probe"))

        tell("a head start for the discriminator", 0.0)
        head_start = scaled(1000, budget)
        at: list[int] = []
        gradients: dict[str, list[float]] = {"minimax": [], "non-saturating": []}

        def measure(step: int, network: nn.Module) -> None:
            at.append(step)
            for objective, values in gradients.items():
                values.append(generator_gradient(generator, network, latent, objective))

        fresh_discriminator(
            generator,
            discriminator,
            draw,
            2,
            steps=head_start,
            measure=measure,
            at=moments(head_start, 24),
            batch=BATCH,
            discriminator_rate=DISCRIMINATOR_RATE,
            seed=seed,
        )
        with torch.no_grad():
            fakes = generator(latent)
            logits = discriminator(fakes)
        found = ratio_of_gradients(discriminator, fakes)
        error = float((found / torch.sigmoid(logits) * torch.sigmoid(-logits) - 1).abs().max())
        drop = {name: values[-1] / values[0] for name, values in gradients.items()}

        steps = scaled(600, budget)
        arms: list[Arm] = []
        clouds: list[Points] = [Points("data", "data", draw(400, random_numbers(seed, "shown")).numpy())]
        plans: tuple[tuple[str, Role, str, bool], ...] = (
            ("saturating, plain descent", "failure", "minimax", False),
            ("non-saturating, plain descent", "cure", "non-saturating", False),
            ("saturating, Adam", "mask", "minimax", True),
            ("non-saturating, Adam", "healthy", "non-saturating", True),
        )
        for place, (name, role, objective, adam) in enumerate(plans):
            tell(name, 0.2 + 0.2 * place)
            arm = Arm(name, role, f"log(1 - D) for G, {'Adam' if adam else 'plain gradient descent'}")
            if objective != "minimax":
                arm.description = arm.description.replace("log(1 - D)", "-log D")
            game = Game(
                twin(generator),
                twin(discriminator),
                draw,
                2,
                steps=steps,
                objective=objective,
                batch=BATCH,
                generator_rate=ADAM_RATE if adam else GENERATOR_RATE,
                discriminator_rate=DISCRIMINATOR_RATE,
                optimizer=None if adam else plain_for_the_generator,
                seed=seed,
            )
            follow(arm, game, steps)
            arm.number("gradient after the head start", gradients[objective][-1])
            clouds.append(Points(name, role, game.samples(200).numpy()))
            arms.append(arm)
        saturating, other, masked, _ = arms
        saturating.curve("gradient", at, gradients["minimax"])
        other.curve("gradient", at, gradients["non-saturating"])
        keep_slopes(saturating, other, discriminator, generator, latent)
        tell("done", 1.0)

        def half_way(arm: Arm) -> float:
            return arm.value("steps to half the way")

        return Outcome(
            arms=arms,
            expectations=[
                Expectation(
                    "At every fake the two gradients differ by the factor D / (1 - D) alone.",
                    error,
                    "<=",
                    1e-3,
                    "d/dl log(1 - s(l)) = -s(l), d/dl -log s(l) = -s(-l); single precision",
                ),
                Expectation(
                    "During the head start the saturating gradient falls to a hundredth or less.",
                    drop["minimax"],
                    "<=",
                    0.01,
                    "Arjovsky and Bottou 2017, theorem 2.4 (it vanishes) and figure 2 (by orders)",
                ),
                Expectation(
                    "The non-saturating gradient does not fall.",
                    drop["non-saturating"],
                    ">=",
                    1.0,
                    "its slope at the logit rises from 1/2 to 1 while D becomes steeper",
                ),
                Expectation(
                    "With plain descent the saturating generator goes less than a tenth of the way.",
                    saturating.value("part of the way at most"),
                    "<=",
                    0.1,
                    "definition of standing still",
                ),
                Expectation(
                    "With plain descent the non-saturating generator goes half the way.",
                    half_way(other),
                    "<=",
                    float(steps),
                    "definition of moving: within the steps of the game",
                    "steps",
                ),
                Expectation(
                    "With Adam the saturating generator goes half the way as well.",
                    half_way(masked),
                    "<=",
                    float(steps),
                    "Kingma and Ba 2015, section 2.1: the step does not depend on the gradient's scale",
                    "steps",
                ),
            ],
            doubts=[
                "The textbook's failure shows with plain descent only. With Adam the saturating loss "
                "trains in this toy, because only the size of the gradient is lost.",
                "Adam's help ends where the gradient comes near its epsilon of 1e-8, or where rounding "
                "leaves zeros; that is not reached here.",
                "The learning rate of plain descent was chosen for the non-saturating loss. A larger one "
                "would move the saturating generator, and be far too large once the fakes arrive.",
                "The non-saturating loss is no gentle cure: with plain descent the steep discriminator "
                "throws the fakes past the data, several times the distance, before they come back.",
            ],
            panels=[
                LinePanel(
                    "What a fake is told, by how sure D is of it.",
                    "logit of the fake (left: D is sure that it is fake)",
                    "slope of the loss at the logit",
                    (
                        Curve("saturating, plain descent", "slope", "log(1 - D): sigmoid(l)"),
                        Curve("non-saturating, plain descent", "slope", "-log D: sigmoid(-l)"),
                        Curve("saturating, plain descent", "measured slope", "measured", "points"),
                        Curve("non-saturating, plain descent", "measured slope", "measured", "points"),
                    ),
                    y_scale="log",
                    y_range=(1e-6, 3.0),
                ),
                LinePanel(
                    "While D takes its head start one gradient dies.",
                    "steps of the discriminator's head start",
                    "norm of the generator's gradient",
                    (
                        Curve("saturating, plain descent", "gradient", "log(1 - D)"),
                        Curve("non-saturating, plain descent", "gradient", "-log D"),
                    ),
                    x_scale="symlog",
                    y_scale="log",
                ),
                LinePanel(
                    "Plain descent: only -log D moves. Adam: both do.",
                    "step of the game",
                    "distance of the fakes' mean from the data's",
                    tuple(Curve(arm.name, "distance") for arm in arms),
                    y_scale="log",
                    references=(Reference(math.hypot(*CENTRE) / 2, "half the way"),),
                ),
                ScatterPanel("Where the fakes are at the end.", "x", "y", tuple(clouds)),
            ],
            key="part of the way at most",
        )


def draw(count: int, random: torch.Generator) -> Tensor:
    return torch.tensor(CENTRE) + DEVIATION * torch.randn(count, 2, generator=random)


def plain_for_the_generator(parameters: Any, rate: float) -> torch.optim.Optimizer:
    """Plain gradient descent for the generator; the discriminator keeps the Adam of the other games."""
    if rate == GENERATOR_RATE:
        return torch.optim.SGD(parameters, lr=rate)
    return torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.99))


def ratio_of_gradients(discriminator: nn.Module, fakes: Tensor) -> Tensor:
    """At each fake, the norm of the saturating gradient over that of the other one."""
    saturating = gradient_at_fakes(discriminator, fakes, "minimax").norm(dim=1)
    return saturating / gradient_at_fakes(discriminator, fakes, "non-saturating").norm(dim=1)


def follow(arm: Arm, game: Game, steps: int) -> None:
    """Play, and keep how far the fakes' mean is from the data's."""
    at, distances = [], []

    def look(step: int) -> None:
        at.append(step)
        distances.append(float((game.samples(512).mean(0) - torch.tensor(CENTRE)).norm()))

    game.play(observe=look, at=every(steps, 30))
    arm.curve("distance", at, distances)
    part = [1 - distance / distances[0] for distance in distances]
    arm.number("part of the way at most", max(part))
    reached = [step for step, done in zip(at, part, strict=True) if done >= 0.5]
    arm.number("steps to half the way", reached[0] if reached else math.inf, "steps")
    arm.state = "failing" if not reached else "masked" if arm.role == "mask" else "cured"


def keep_slopes(
    saturating: Arm, other: Arm, discriminator: nn.Module, generator: nn.Module, latent: Tensor
) -> None:
    """The slope at the logit: closed form, and by autograd at fakes pushed from their place to the data."""
    logits = np.linspace(-14, 6, 81)
    saturating.curve("slope", logits.tolist(), (1 / (1 + np.exp(-logits))).tolist())
    other.curve("slope", logits.tolist(), (1 / (1 + np.exp(logits))).tolist())
    with torch.no_grad():
        fakes = generator(latent[:12])
        way = torch.linspace(0, 1, 12)[:, None] * (torch.tensor(CENTRE) - fakes)
        answers = discriminator(fakes + way)
    for arm, objective in ((saturating, "minimax"), (other, "non-saturating")):
        points = (fakes + way).requires_grad_(True)
        slope_of_d = torch.autograd.grad(discriminator(points).sum(), points)[0].norm(dim=1)
        told = gradient_at_fakes(discriminator, points, objective).norm(dim=1)
        shown = (answers > logits[0]) & (answers < logits[-1])
        arm.curve("measured slope", answers[shown].tolist(), (told / slope_of_d)[shown].tolist())
