"""Equilibrium: the best discriminator of a perfect generator says one half; a loss of zero is a defeat."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, moments, random_numbers, seeded
from equipoise.lab.measures import fresh_discriminator, gradient_at_fakes, separation
from equipoise.lab.outcome import Arm, Expectation, Outcome
from equipoise.lab.panels import Bar, BarPanel, Curve, LinePanel, Reference
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator
from equipoise.penalties import build_penalty

LOG4 = 2 * math.log(2)
SHIFTS = (0.0, 1.0, 2.0, 4.0, 8.0)
# The places at which an optimal discriminator is drawn and compared with the closed form.
HALF_WAY = 2.0
HELD_OUT = 20_000
MODES = (2.5, 5.5)
DEVIATION = 0.5


@EXPERIMENTS.register("equilibrium")
class Equilibrium(Experiment):
    """What the discriminator's loss means: log 4 is where a perfect generator leads, zero is its defeat.

    What it shows
    A loss that falls is good news everywhere else in machine learning. In a GAN the discriminator's loss
    falls when the generator is *bad*. For a fixed generator the best discriminator answers D(x) = p_data(x)
    / (p_data(x) + p_G(x)), and its loss is log 4 - 2 JSD(p_data, p_G). A perfect generator has JSD = 0: D
    says one half everywhere and its loss is log 4 = 1.386. A generator whose samples can be told apart
    without error has JSD = log 2: the loss is 0 and the gradient of log(1 - D) has gone with it.

    The other direction is no proof. A discriminator that has learnt nothing also has a loss of log 4.

    Setting
    Data are N(0, 1) on a line, the generator is N(m, 1) and stands still, and a fresh discriminator (2 x 64
    LeakyReLU units, logistic loss, Adam) is trained against each of five m from 0 to 8. All numbers are of
    20,000 held-out samples a side. Then a game with a learning generator, on two Gaussians four units away,
    with a faint R1 penalty, shows where a training that succeeds goes. The last arm is a discriminator that
    is not trained.

    What to look at
    Top left: the loss of a trained discriminator falls as the generator gets *worse*, along the closed
    form. Top right: what D says at each x. It is flat at one half against the perfect generator and a cliff
    against the bad one. Bottom left: in the game that succeeds the discriminator's loss falls as long as it
    wins, and climbs to log 4 when the fakes arrive at the data. Bottom right: what the loss cannot tell.
    The untrained discriminator has the same loss as the one at the equilibrium; a fresh one tells them
    apart at once.

    Where the textbook says more than this shows
    The theorem is about the best of all discriminators and about densities. A network trained on samples
    only comes near it, and on images the supports do not overlap, so that the loss of a discriminator
    without a penalty goes to 0 even against a generator whose images look good. With a strong penalty the
    loss stays near log 4 from the first step on, for a bad generator too. So the loss alone is never a
    verdict: neither zero nor log 4.

    References
    Goodfellow et al. 2014, "Generative adversarial nets", proposition 1 and theorem 1. Arjovsky and Bottou
    2017, "Towards principled methods for training GANs", section 2 (what a perfect discriminator does).
    """

    name = "equilibrium"
    title = "Equilibrium: one half everywhere"
    claim = (
        "A perfect generator leaves the discriminator at one half and at a loss of log 4; a loss near zero "
        "means that the generator is defeated."
    )
    question = "My discriminator's loss goes to zero: is the training a success?"
    minutes = 0.4

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        arms = {
            0.0: Arm("perfect generator", "healthy", "fakes and reals are drawn from the same N(0, 1)"),
            HALF_WAY: Arm("on the way", "variant", f"the generator is N({HALF_WAY:g}, 1)"),
            8.0: Arm("defeated generator", "failure", "the generator is N(8, 1), far from the data"),
        }
        grid = np.linspace(-4, 12, 161)
        losses, gradients = [], []
        for place, shift in enumerate(SHIFTS):
            tell(f"a fresh discriminator against N({shift:g}, 1)", 0.5 * place / len(SHIFTS))
            found = against_shift(shift, scaled(900, budget), seed)
            losses.append(found.loss)
            gradients.append(found.gradient)
            if shift in arms:
                arm = arms[shift]
                keep(arm, found)
                arm.curve("D", grid.tolist(), found.probability(grid))
        theory = Arm("closed form", "control", "log 4 - 2 JSD(N(0, 1), N(m, 1)), by numerical integration")
        fine = np.linspace(0, 8, 81)
        theory.curve("loss", fine.tolist(), [LOG4 - 2 * divergence_of_shift(shift) for shift in fine])
        theory.curve("best D", grid[::6].tolist(), best_probability(grid[::6], HALF_WAY))
        theory.number("loss", LOG4, "nats")
        measured = arms[0.0]
        measured.curve("loss over shift", SHIFTS, losses)
        arms[0.0].state, arms[8.0].state = "healthy", "failing"

        trained = Arm("trained game", "healthy", "a generator learns two Gaussians, R1 with gamma 0.02")
        tell("a game with a generator that learns", 0.5)
        game = play_two_modes(trained, scaled(2000, budget), seed)
        tell("a fresh discriminator against the trained generator", 0.85)
        trained_found = judge_afresh(game.generator, scaled(900, budget), seed)
        trained.number("accuracy of a fresh discriminator", trained_found["accuracy"])
        trained.number("divergence seen by a fresh discriminator", trained_found["divergence"], "nats")

        blind = Arm("untrained discriminator", "mask", "the generator is N(8, 1); D's last layer is zero")
        tell("a discriminator that has learnt nothing", 0.97)
        keep(blind, of_untrained(8.0, seed))
        blind.number(
            "accuracy of a fresh discriminator",
            arms[8.0].value("accuracy of a fresh discriminator"),
        )
        blind.state = "masked"
        tell("done", 1.0)

        half = divergence_of_shift(HALF_WAY)
        error = 3 * 0.5 / math.sqrt(2 * HELD_OUT)
        at_optimum, defeated = arms[0.0].numbers, arms[8.0].numbers
        return Outcome(
            arms=[*arms.values(), trained, blind, theory],
            expectations=[
                Expectation(
                    "Against the perfect generator the discriminator is at one half, within 0.05 on average.",
                    at_optimum["distance of D from one half"].value,
                    "<=",
                    0.05,
                    "Goodfellow et al. 2014, proposition 1: exactly 1/2; a tenth of the possible distance",
                ),
                Expectation(
                    "It is right no more often than a coin.",
                    at_optimum["accuracy of a fresh discriminator"].value,
                    "<=",
                    0.5 + error,
                    "p_G = p_data gives 1/2 for any D; three standard errors of 40,000 held-out samples",
                ),
                Expectation(
                    "Its loss is log 4, within 2 per cent.",
                    abs(at_optimum["loss"].value / LOG4 - 1),
                    "<=",
                    0.02,
                    "Goodfellow et al. 2014, theorem 1: log 4",
                ),
                Expectation(
                    "On the way the measured divergence is that of the closed form, within 5 per cent.",
                    abs((LOG4 - arms[HALF_WAY].value("loss")) / 2 / half - 1),
                    "<=",
                    0.05,
                    "Goodfellow et al. 2014, equation 5: loss = log 4 - 2 JSD",
                ),
                Expectation(
                    "Against the generator that is furthest from the data the loss is near zero.",
                    defeated["loss"].value,
                    "<=",
                    0.01 * LOG4,
                    "equation 5 with JSD = log 2: 0; here a hundredth of log 4",
                ),
                Expectation(
                    "There the saturating gradient has fallen to a hundredth of that on the way or less.",
                    gradients[-1] / gradients[SHIFTS.index(HALF_WAY)],
                    "<=",
                    0.01,
                    "Arjovsky and Bottou 2017, theorem 2.4: it vanishes with the error of D",
                ),
                Expectation(
                    "The game that brings its generator to the data ends within a tenth of log 4.",
                    abs(trained.value("loss") / LOG4 - 1),
                    "<=",
                    0.1,
                    "Goodfellow et al. 2014, theorem 1",
                ),
                Expectation(
                    "There the distance of the samples to the data has fallen to a tenth or less.",
                    trained.value("Wasserstein distance")
                    / trained.value("Wasserstein distance at the start"),
                    "<=",
                    0.1,
                    "definition of success",
                ),
                Expectation(
                    "A discriminator that has learnt nothing has that loss too, against the worst generator.",
                    abs(blind.value("loss") / LOG4 - 1),
                    "<=",
                    0.001,
                    "a logit of 0 everywhere",
                ),
            ],
            doubts=[
                "The loss of log 4 is necessary for a perfect generator and not sufficient: the untrained "
                "discriminator has it against the worst generator.",
                "The data are one-dimensional and the densities overlap. On images they do not, and a "
                "discriminator without a penalty reaches a loss near 0 against generators of any quality.",
                "With a strong gradient penalty the loss stays near log 4 from the start of a training; "
                "here the penalty is faint on purpose.",
                "A fresh discriminator finds what is left of the error of the trained game: its accuracy "
                "is near one half and not at it.",
            ],
            panels=[
                LinePanel(
                    "The worse the generator, the lower the discriminator's loss.",
                    "distance m of the generator's mean from the data's",
                    "loss of a trained discriminator [nats]",
                    (
                        Curve("closed form", "loss", "closed form log 4 - 2 JSD"),
                        Curve(
                            "perfect generator", "loss over shift", "measured, fresh D for each m", "points"
                        ),
                    ),
                    references=(Reference(LOG4, "log 4: equilibrium"), Reference(0.0, "0: defeat")),
                    y_range=(-0.1, 1.6),
                ),
                LinePanel(
                    "Perfect generator: D is flat at 1/2. Bad one: a cliff.",
                    "x (the data are N(0, 1))",
                    "D(x), the probability of being real",
                    (
                        Curve("perfect generator", "D", "generator N(0, 1)"),
                        Curve("on the way", "D", f"generator N({HALF_WAY:g}, 1)"),
                        Curve("defeated generator", "D", "generator N(8, 1)"),
                        Curve("closed form", "best D", "best D against N(2, 1)", "points"),
                    ),
                    references=(Reference(0.5, "one half"),),
                    y_range=(-0.05, 1.05),
                ),
                LinePanel(
                    "A training that succeeds: D's loss falls while it wins, then climbs to log 4.",
                    "step",
                    "loss [nats]; distance in units of the data",
                    (
                        Curve("trained game", "loss", "D's loss [nats]"),
                        Curve(
                            "trained game", "Wasserstein distance", "distance of fakes from data", "points"
                        ),
                    ),
                    x_scale="log",
                    references=(Reference(LOG4, "log 4"),),
                ),
                BarPanel(
                    "An untrained D has that loss too; a fresh D knows.",
                    "loss [nats], or accuracy",
                    tuple(
                        Bar(f"{label}: {what}", arm.role, arm.value(name))
                        for label, arm in (
                            ("perfect G", arms[0.0]),
                            ("untrained D", blind),
                            ("defeated G", arms[8.0]),
                        )
                        for what, name in (
                            ("loss", "loss"),
                            ("fresh D right", "accuracy of a fresh discriminator"),
                        )
                    ),
                    references=(Reference(LOG4, "log 4"),),
                ),
            ],
            key="loss",
        )


class Shifted(nn.Module):
    """The generator z + m, exact by construction."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor([shift]))

    def forward(self, latent: Tensor) -> Tensor:
        return latent + self.shift


class Found:
    """What a discriminator says of N(0, 1) and N(m, 1), on held-out samples."""

    def __init__(self, discriminator: nn.Module, shift: float, seed: int) -> None:
        random = random_numbers(seed, "held out")
        reals = torch.randn(HELD_OUT, 1, generator=random)
        fakes = torch.randn(HELD_OUT, 1, generator=random) + shift
        self.discriminator = discriminator
        seen = separation(discriminator, reals, fakes)
        self.accuracy = seen["accuracy"]
        self.loss = LOG4 - 2 * seen["divergence"]
        with torch.no_grad():
            both = torch.cat([discriminator(reals), discriminator(fakes)])
        self.distance_from_half = float((torch.sigmoid(both) - 0.5).abs().mean())
        # What log(1 - D) tells one fake, on average.
        self.gradient = float(gradient_at_fakes(discriminator, fakes, "minimax").norm(dim=1).mean())

    def probability(self, places: np.ndarray) -> list[float]:
        with torch.no_grad():
            logits = self.discriminator(torch.tensor(places, dtype=torch.float32)[:, None])
        return [float(value) for value in torch.sigmoid(logits)]


def draw_normal(count: int, random: torch.Generator) -> Tensor:
    return torch.randn(count, 1, generator=random)


def draw_two_modes(count: int, random: torch.Generator) -> Tensor:
    mode = torch.tensor(MODES)[torch.randint(2, (count, 1), generator=random)]
    return mode + DEVIATION * torch.randn(count, 1, generator=random)


def against_shift(shift: float, steps: int, seed: int) -> Found:
    """A fresh discriminator, trained against N(m, 1); its rate falls twice, to be near its optimum."""
    discriminator = seeded(seed, lambda: ToyDiscriminator(1, width=64))
    for rate, share in ((3e-3, 0.5), (5e-4, 0.3), (1e-4, 0.2)):
        part = max(1, round(steps * share))
        fresh_discriminator(
            Shifted(shift),
            discriminator,
            draw_normal,
            1,
            steps=part,
            measure=lambda step, network: None,
            at=[part],
            batch=256,
            discriminator_rate=rate,
            betas=(0.9, 0.999),
            seed=seed + round(1000 * rate * 10),
        )
    return Found(discriminator, shift, seed)


def of_untrained(shift: float, seed: int) -> Found:
    """A discriminator whose last layer is zero: it answers one half to everything."""
    discriminator = seeded(seed, lambda: ToyDiscriminator(1, width=64))
    nn.init.zeros_(discriminator.score.weight)
    nn.init.zeros_(discriminator.score.bias)
    return Found(discriminator, shift, seed)


def keep(arm: Arm, found: Found) -> None:
    """The numbers of an arm with a generator that stands still."""
    arm.number("loss", found.loss, "nats")
    arm.number("distance of D from one half", found.distance_from_half)
    arm.number("accuracy of a fresh discriminator", found.accuracy)
    arm.number("saturating gradient at a fake", found.gradient)


def play_two_modes(arm: Arm, steps: int, seed: int) -> Game:
    """The game that succeeds: loss and distance to the data on the way."""
    generator = seeded(seed, lambda: ToyGenerator(2, (1,), width=64))
    discriminator = seeded(seed + 1, lambda: ToyDiscriminator(1, width=64))
    game = Game(
        generator,
        discriminator,
        draw_two_modes,
        2,
        steps=steps,
        penalties=[build_penalty("r1", gamma=0.02)],
        batch=256,
        generator_rate=5e-4,
        discriminator_rate=1e-3,
        seed=seed,
    )
    reals = game.reals(HELD_OUT // 4).sort(dim=0).values
    at, losses, distances = [], [], []

    def look(step: int) -> None:
        fakes = game.samples(HELD_OUT // 4).sort(dim=0).values
        at.append(step)
        distances.append(float((fakes - reals).abs().mean()))
        losses.append(LOG4 - 2 * separation(discriminator, reals, fakes)["divergence"])

    game.play(observe=look, at=moments(steps, 40))
    arm.curve("loss", at, losses)
    arm.curve("Wasserstein distance", at, distances)
    # The mean over the last fifth of the steps, because a game keeps moving.
    last = [place for place, step in enumerate(at) if step >= 0.8 * steps]
    arm.number("lowest loss", min(losses), "nats")
    arm.number("loss", float(np.mean([losses[place] for place in last])), "nats")
    arm.number("Wasserstein distance at the start", distances[0])
    arm.number("Wasserstein distance", float(np.mean([distances[place] for place in last])))
    arm.state = "healthy" if arm.value("Wasserstein distance") < 0.1 * distances[0] else "failing"
    return game


def judge_afresh(generator: nn.Module, steps: int, seed: int) -> dict[str, float]:
    """What a new discriminator sees of the trained generator, on held-out samples."""
    discriminator = seeded(seed + 2, lambda: ToyDiscriminator(1, width=64))
    game = fresh_discriminator(
        generator,
        discriminator,
        draw_two_modes,
        2,
        steps=steps,
        measure=lambda step, network: None,
        at=[steps],
        batch=256,
        betas=(0.9, 0.999),
        seed=seed,
    )
    return separation(discriminator, game.reals(HELD_OUT), game.samples(HELD_OUT))


def divergence_of_shift(shift: float) -> float:
    """JSD(N(0, 1), N(m, 1)) in nats, by the trapezoidal rule on a fine grid."""
    x = np.linspace(-10, 10 + shift, 20_001)
    real = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    fake = np.exp(-((x - shift) ** 2) / 2) / math.sqrt(2 * math.pi)
    # log(p / ((p + q) / 2)) without underflow: log 2 - softplus(log q - log p).
    log_ratio = shift * x - shift**2 / 2
    terms = real * (math.log(2) - np.logaddexp(0, log_ratio)) + fake * (
        math.log(2) - np.logaddexp(0, -log_ratio)
    )
    return float(0.5 * np.trapezoid(terms, x))


def best_probability(places: np.ndarray, shift: float) -> list[float]:
    """D(x) = p / (p + q) of N(0, 1) against N(m, 1)."""
    return [float(value) for value in 1 / (1 + np.exp(shift * places - shift**2 / 2))]
