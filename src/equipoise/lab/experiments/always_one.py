"""Always one: a discriminator with a single answer, and a metric read the wrong way round."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, random_numbers, seeded
from equipoise.lab.measures import fresh_discriminator, generator_gradient, watched
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role, State
from equipoise.lab.panels import Bar, BarPanel, Curve, HistogramPanel, LinePanel, Reference, Values
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator

CENTRE = 2.0
DEVIATION = 0.5
DIMENSIONS = 4
CONSTANT = "constant-discriminator"
ABOUT_D = (CONSTANT, "uninformative-discriminator")


@dataclass
class Seen:
    """Scores of held-out samples at the end."""

    real: Tensor
    fake: Tensor


@EXPERIMENTS.register("always-one")
class AlwaysOne(Experiment):
    """ "My discriminator always says one": three things that look alike, and one number read wrongly.

    What it shows
    A discriminator that gives every sample the same answer "real" is right about all reals: its accuracy on
    reals is 100 %, the number that many loops print. It is wrong about all fakes, so that over both it is a
    coin, and its slope is zero: the generator is told nothing and stays where it is. Other things look like
    it. At an equilibrium the discriminator guesses too, because there is nothing to tell apart. A
    discriminator that ends in a sigmoid under a loss that applies another one never answers below zero. And
    the "accuracy" of the combined model in many tutorials is the share of fakes taken for real: when it is
    0 %, the discriminator is perfect, not broken.

    Setting
    Data are Gaussians in four dimensions, two units from where the generator starts. Each game is played
    for 450 steps and watched by `equipoise.watch`, which has to name what is wrong. A fresh discriminator,
    trained for 200 steps on what each generator ends with, says whether there was something to tell apart.

    What to look at
    Top left: the scores of held-out samples. Two spikes without width are the two constant discriminators.
    Top right: accuracy on reals, on fakes and over both. Bottom left: the healthy game; the combined
    model's "accuracy" is the mirror image of the discriminator's. Bottom right: what a fresh discriminator
    finds, which tells a constant discriminator from an equilibrium.

    Where the textbook says more than this shows
    "Always 1" is often said to be mode collapse or a learning rate. Here it is wiring and dead units,
    because those give exactly one answer; a discriminator that is merely weak gives nearly one answer, and
    where that begins is a threshold. The dead units are made by hand, with biases as after one huge step,
    and were not waited for.

    References
    Goodfellow et al. 2014, "Generative adversarial nets", proposition 1 (the equilibrium). Lu et al. 2019,
    "Dying ReLU and initialization: theory and numerical examples". The checks constant-discriminator,
    uninformative-discriminator and logit-loss-mismatch of this tool.
    """

    name = "always-one"
    title = "The discriminator that always says one"
    claim = (
        "A constant discriminator is right about all reals, wrong about all fakes and gives no gradient; a "
        "fresh one tells it from an equilibrium, and the watcher names it."
    )
    question = "My discriminator outputs 1 for everything: what is broken, it or my metric?"
    minutes = 0.3

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        steps = scaled(450, budget)
        plans: tuple[tuple[str, Role, str], ...] = (
            ("healthy", "healthy", "as it should be"),
            ("says one", "failure", "last layer 0, bias 8, its optimizer's rate is 0"),
            ("dead units", "failure", "ReLU units whose biases are -100; only the last bias learns"),
            ("sigmoid twice", "failure", "the discriminator ends in a sigmoid, the loss applies another"),
            ("equilibrium", "healthy", "the generator draws from the data's own distribution"),
        )
        arms: dict[str, Arm] = {}
        seen: dict[str, Seen] = {}
        for place, (name, role, description) in enumerate(plans):
            tell(name, place / len(plans))
            arm = arms[name] = Arm(name, role, description)
            seen[name] = play(arm, steps, scaled(200, budget), seed)
        tell("done", 1.0)

        for arm in arms.values():
            arm.state = state_of(arm)
        healthy, untrained, dead, twice, settled = arms.values()
        constant = (untrained, dead)
        mirror = max(
            abs(accuracy + other - 1)
            for accuracy, other in zip(
                healthy.series["accuracy on fakes"].y, healthy.series["combined"].y, strict=True
            )
        )

        return Outcome(
            arms=list(arms.values()),
            expectations=[
                Expectation(
                    "The discriminator that always says one is right about every real.",
                    untrained.value("accuracy on reals"),
                    ">=",
                    1.0,
                    "definition: one answer, and it is real",
                ),
                Expectation(
                    "It is right about no fake.",
                    untrained.value("accuracy on fakes"),
                    "<=",
                    0.0,
                    "definition",
                ),
                Expectation(
                    "Neither constant discriminator gives the generator any gradient.",
                    max(arm.value("generator's gradient") for arm in constant),
                    "<=",
                    0.0,
                    "a constant has slope zero",
                ),
                Expectation(
                    "Their generators have not moved.",
                    max(arm.value("way of the fakes' mean") for arm in constant),
                    "<=",
                    0.0,
                    "Adam's step on a gradient of zero is zero",
                ),
                Expectation(
                    "A fresh discriminator ranks reals above fakes there: that is no equilibrium.",
                    min(arm.value("rank by a fresh discriminator (AUC)") for arm in constant),
                    ">=",
                    0.95,
                    "equipoise's threshold for certain, taken from a survey of reported failures",
                ),
                Expectation(
                    "At the equilibrium a fresh one does no better than the check's limit for it.",
                    settled.value("rank by a fresh discriminator (AUC)"),
                    "<=",
                    0.65,
                    "equal distributions have an AUC of 1/2; equipoise's limit for an equilibrium",
                ),
                Expectation(
                    "The watcher names both constant discriminators.",
                    min(arm.value("named constant by the watcher") for arm in constant),
                    ">=",
                    1.0,
                    "the check constant-discriminator",
                ),
                Expectation(
                    "It calls neither the healthy game nor the equilibrium constant.",
                    max(arm.value("named constant by the watcher") for arm in (healthy, settled)),
                    "<=",
                    0.0,
                    "the check constant-discriminator",
                ),
                Expectation(
                    "It names the double sigmoid for what it is.",
                    float(any(finding["name"] == "logit-loss-mismatch" for finding in twice.findings)),
                    ">=",
                    1.0,
                    "the check logit-loss-mismatch",
                ),
                Expectation(
                    "The combined model's accuracy is one minus the discriminator's on fakes, at every step.",
                    mirror,
                    "<=",
                    1e-6,
                    "definition: the share of fakes called real",
                ),
            ],
            doubts=[
                "The constant discriminators are built, not waited for: how often training produces one is "
                "not measured here.",
                "The double sigmoid does not stop learning in this toy; its generator comes to the data. "
                "With some "
                "seeds the watcher calls it constant as well, because it calls every sample real.",
                "The equilibrium is exact, because the generator is the data's own distribution. Near an "
                "equilibrium a fresh discriminator finds more than nothing, and there is no sharp line.",
            ],
            panels=[
                HistogramPanel(
                    "Scores at the end: a constant D is a spike.",
                    "probability of being real, by the loss's own reading",
                    tuple(
                        Values(f"{name}: {side}", "data" if side == "reals" else arms[name].role, values)
                        for name in ("healthy", "says one", "dead units", "sigmoid twice")
                        for side, values in (
                            ("reals", torch.sigmoid(seen[name].real).numpy()),
                            ("fakes", torch.sigmoid(seen[name].fake).numpy()),
                        )
                        if side == "fakes" or name == "healthy"
                    ),
                    y_scale="log",
                ),
                BarPanel(
                    "All reals right may mean nothing.",
                    "accuracy",
                    tuple(
                        Bar(f"{arm.name}: {what}", arm.role, arm.value(f"accuracy {what}"))
                        for arm in (untrained, dead, twice, settled)
                        for what in ("on reals", "on fakes")
                    ),
                    references=(Reference(0.5, "a coin"),),
                ),
                LinePanel(
                    "Healthy game: two metrics, mirror images.",
                    "step",
                    "share",
                    (
                        Curve("healthy", "accuracy on fakes", "D's accuracy on fakes"),
                        Curve("healthy", "combined", '"accuracy" of the combined model', "points"),
                    ),
                    y_range=(-0.05, 1.05),
                    references=(Reference(0.5, "a coin"),),
                ),
                BarPanel(
                    "A fresh D finds what there was to tell apart.",
                    "AUC of a fresh discriminator",
                    tuple(
                        Bar(arm.name, arm.role, arm.value("rank by a fresh discriminator (AUC)"))
                        for arm in arms.values()
                    ),
                    references=(Reference(0.65, "equilibrium below"), Reference(0.95, "certain above")),
                ),
            ],
            key="rank by a fresh discriminator (AUC)",
        )


class DeadDiscriminator(nn.Module):
    """ReLU units that no sample can wake: all biases are -100."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(DIMENSIONS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.score = nn.Linear(64, 1)
        for module in self.body:
            if isinstance(module, nn.Linear):
                nn.init.constant_(module.bias, -100.0)

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.score(self.body(samples))
        return logits.squeeze(1)


class TwiceSquashed(nn.Module):
    """A discriminator that ends in a sigmoid, to be given to a loss that applies one."""

    def __init__(self) -> None:
        super().__init__()
        self.body = ToyDiscriminator(DIMENSIONS, width=64)

    def forward(self, samples: Tensor) -> Tensor:
        return torch.sigmoid(self.body(samples))


class Exact(nn.Module):
    """A generator that draws from the data's own distribution and hardly moves."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.full((DIMENSIONS,), CENTRE / DIMENSIONS**0.5))

    def forward(self, latent: Tensor) -> Tensor:
        return self.centre + DEVIATION * latent


def draw(count: int, random: torch.Generator) -> Tensor:
    centre = CENTRE / DIMENSIONS**0.5
    return centre + DEVIATION * torch.randn(count, DIMENSIONS, generator=random)


def players(name: str, seed: int) -> tuple[nn.Module, nn.Module, float, float]:
    """Generator, discriminator and their learning rates in the arm of that name."""
    generator: nn.Module = seeded(seed, lambda: ToyGenerator(DIMENSIONS, (DIMENSIONS,), width=64))
    rates = (2e-4, 1e-3)
    if name == "dead units":
        return generator, seeded(seed, DeadDiscriminator), *rates
    if name == "sigmoid twice":
        return generator, seeded(seed, TwiceSquashed), *rates
    discriminator = seeded(seed, lambda: ToyDiscriminator(DIMENSIONS, width=64))
    if name == "says one":
        nn.init.zeros_(discriminator.score.weight)
        nn.init.constant_(discriminator.score.bias, 8.0)
        return generator, discriminator, rates[0], 0.0
    if name == "equilibrium":
        return Exact(), discriminator, 1e-6, rates[1]
    return generator, discriminator, *rates


def game_of(name: str, steps: int, seed: int) -> Game:
    """The game of the arm of that name, from its start."""
    generator, discriminator, generator_rate, discriminator_rate = players(name, seed)
    return Game(
        generator,
        discriminator,
        draw,
        DIMENSIONS,
        steps=steps,
        generator_rate=generator_rate,
        discriminator_rate=discriminator_rate,
        seed=seed,
    )


def play(arm: Arm, steps: int, fresh_steps: int, seed: int) -> Seen:
    """Play and watch one arm's game; keep its numbers."""
    game = game_of(arm.name, steps, seed)
    reals = game.reals(2000)
    start = game.samples(2000).mean(0)
    with watched(game, arm, at=[steps]) as look:
        game.play(observe=look, at=[steps])
    probe = torch.randn(256, DIMENSIONS, generator=random_numbers(seed, "probe"))
    gradient = generator_gradient(game.generator, game.discriminator, probe, "non-saturating")
    arm.number("generator's gradient", gradient)
    fakes = game.samples(2000)
    arm.number("way of the fakes' mean", float((fakes.mean(0) - start).norm()))
    with torch.no_grad():
        seen = Seen(game.discriminator(reals), game.discriminator(fakes))
    on_reals = arm.number("accuracy on reals", share_above(seen.real))
    on_fakes = arm.number("accuracy on fakes", 1 - share_above(seen.fake))
    arm.number("accuracy", (on_reals + on_fakes) / 2)
    arm.number("named constant by the watcher", float(any(f["name"] == CONSTANT for f in arm.findings)))
    arm.number("rank by a fresh discriminator (AUC)", rank_afresh(game.generator, fresh_steps, seed))
    if arm.name == "healthy":
        follow(arm, steps, seed)
    return seen


def follow(arm: Arm, steps: int, seed: int) -> None:
    """The same game once more, unwatched: both metrics on the way."""
    game = game_of(arm.name, steps, seed)
    at, right, combined = [], [], []

    def look(step: int) -> None:
        with torch.no_grad():
            scores = game.discriminator(game.samples(1000))
        at.append(step)
        right.append(float((scores <= 0).double().mean()))
        # What a combined model reports when its fakes carry the target "real".
        combined.append(float(((scores > 0) == torch.ones(len(scores), dtype=torch.bool)).double().mean()))

    game.play(observe=look, at=every(steps, 40))
    arm.curve("accuracy on fakes", at, right)
    arm.curve("combined", at, combined)


def share_above(scores: Tensor) -> float:
    """The share of samples that the loss's own boundary, a score of 0, calls real."""
    return float((scores > 0).double().mean())


def rank_afresh(generator: nn.Module, steps: int, seed: int) -> float:
    """AUC of a new discriminator against this generator, on held-out samples."""
    discriminator = seeded(seed + 3, lambda: ToyDiscriminator(DIMENSIONS, width=64))
    game = fresh_discriminator(
        generator,
        discriminator,
        draw,
        DIMENSIONS,
        steps=steps,
        measure=lambda step, network: None,
        at=[steps],
        discriminator_rate=1e-3,
        seed=seed + 3,
    )
    with torch.no_grad():
        real = discriminator(game.reals(1000, purpose="rank"))
        fake = discriminator(game.samples(1000, purpose="rank"))
    above = (real[:, None] > fake[None]).double().mean()
    ties = (real[:, None] == fake[None]).double().mean()
    return float(above + 0.5 * ties)


def state_of(arm: Arm) -> State:
    """Failing if the watcher says that this discriminator is not doing its work."""
    faults = (*ABOUT_D, "logit-loss-mismatch")
    failing = any(finding["name"] in faults for finding in arm.findings)
    return "failing" if failing else "healthy"
