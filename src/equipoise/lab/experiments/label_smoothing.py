"""Label smoothing: what a real target of 0.9 does to the discriminator, and what it leaves undone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import moments, random_numbers, seeded
from equipoise.lab.measures import fresh_discriminator, gradient_at_fakes
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Curve, LinePanel, Reference
from equipoise.lab.toys import ToyDiscriminator
from equipoise.objectives import Objective, build_objective

SMOOTHING = 0.1
SHIFT = 3.0
FAR = 10.0
HELD_OUT = 8000
CAP = math.log((1 - SMOOTHING) / SMOOTHING)


@dataclass(frozen=True)
class Targets:
    """What the discriminator is told: the mean target of reals and of fakes."""

    name: str
    role: Role
    description: str
    real: float
    fake: float

    def objective(self) -> Objective:
        if self.name == "two-sided":
            return _two_sided()
        if self.name == "noisy labels":
            return build_objective("non-saturating", noisy_labels=SMOOTHING)
        return build_objective("non-saturating", smoothing=1 - self.real)

    def best(self, places: np.ndarray, shift: float) -> np.ndarray:
        """The best D for N(0, 1) against N(shift, 1): (a p + b q) / (p + q) for targets a and b."""
        share = 1 / (1 + np.exp(np.clip(shift * places - shift**2 / 2, -700, 700)))
        best: np.ndarray = self.real * share + self.fake * (1 - share)
        return best


ALL = (
    Targets("hard labels", "failure", "reals 1, fakes 0", 1.0, 0.0),
    Targets("one-sided", "mask", "reals 0.9, fakes 0", 1 - SMOOTHING, 0.0),
    Targets("two-sided", "failure", "reals 0.9, fakes 0.1", 1 - SMOOTHING, SMOOTHING),
    Targets("noisy labels", "mask", "each label swapped with probability 0.1", 1 - SMOOTHING, SMOOTHING),
)


@EXPERIMENTS.register("label-smoothing")
class LabelSmoothing(Experiment):
    """One-sided smoothing caps how sure D is of the reals; the fakes it may still condemn without limit.

    What it shows
    With targets a for reals and b for fakes the best discriminator is (a p + b q) / (p + q). One-sided
    smoothing (a = 0.9, b = 0) therefore caps D at 0.9, a logit of log 9 = 2.2, where there are only reals.
    It caps nothing where there are only fakes: there D goes to 0 as before, and the saturating gradient
    with it. Two-sided smoothing (b = 0.1) does stop D at 0.1 on the fakes. Its fault is another: the best D
    is *flat* there, because (a p + b q) / (p + q) is b wherever p is negligible, whatever q, so that wrong
    samples have no reason to leave. Swapping labels at random with probability 0.1 has the same best
    discriminator.

    Setting
    Data are N(0, 1) on a line, the generator is N(m, 1) and stands still. Fresh discriminators (2 x 64
    LeakyReLU units, Adam) are trained with each kind of label: with m = 3, where the clouds overlap and the
    best D is known; with m = 10, where they do not overlap; and with m = 0, a perfect generator.

    What to look at
    Top left: D(x) for m = 3 on top of the closed forms. Top right: for m = 10 the mean logit of the *reals*
    stops at log 9. Bottom left: the mean logit of the *fakes* falls for hard and one-sided labels alike.
    Bottom right: the saturating gradient at the fakes: one-sided smoothing loses it as hard labels do.

    Where the textbook says more than this shows
    Smoothing is recommended against an over-confident discriminator. Against the failure that people mean
    by that, the starved generator, it does nothing here: the curves of hard and one-sided labels fall
    together. What it does is real and smaller: the logits of reals, and with them the largest gradients of
    D, stay bounded. It also moves the equilibrium: against a perfect generator D says 0.45 and not one
    half, so that monitors which expect log 4 have to be told. Two-sided smoothing is warned against, and
    here it keeps a gradient at the fakes that the others lose, because a network does not become as flat as
    the closed form: the warning is about the limit.

    References
    Salimans et al. 2016, "Improved techniques for training GANs", section 3.4. Goodfellow 2016, "NIPS 2016
    tutorial: generative adversarial networks", section 4.2. Chintala et al. 2016, "How to train a GAN?"
    (noisy labels).
    """

    name = "label-smoothing"
    title = "Label smoothing, one-sided and two-sided"
    claim = (
        "One-sided smoothing stops the discriminator at 0.9 on reals but not on fakes, so that the "
        "saturating gradient dies as with hard labels; only two-sided smoothing and noisy labels stop it "
        "on fakes too."
    )
    question = "Does label smoothing help against a discriminator that is too good?"
    minutes = 0.5

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        grid = np.linspace(-3, 6, 91)
        arms: dict[str, Arm] = {}
        for place, targets in enumerate(ALL):
            arm = arms[targets.name] = Arm(targets.name, targets.role, targets.description)
            tell(f"{targets.name}, overlapping clouds", place / len(ALL))
            network = train(targets, SHIFT, scaled(900, budget), seed, decay=True)
            arm.curve("D", grid.tolist(), probabilities(network, grid))
            arm.number("error of D, overlapping clouds", error_of_d(network, targets, SHIFT, seed))
            tell(f"{targets.name}, a perfect generator", (place + 0.4) / len(ALL))
            network = train(targets, 0.0, scaled(400, budget), seed, decay=True)
            reals = draw(HELD_OUT, random_numbers(seed, "held out"))
            with torch.no_grad():
                arm.number("D against a perfect generator", float(torch.sigmoid(network(reals)).mean()))
            tell(f"{targets.name}, clouds far apart", (place + 0.6) / len(ALL))
            follow(arm, targets, scaled(1800, budget), seed)
        for name, targets in (("best one-sided", ALL[1]), ("best two-sided", ALL[2])):
            best = Arm(name, "control", f"closed form, {targets.description}")
            best.curve("D", grid[::6].tolist(), targets.best(grid[::6], SHIFT).tolist())
            best.number("D against a perfect generator", (targets.real + targets.fake) / 2)
            arms[name] = best
        tell("done", 1.0)

        hard, one, two, noisy = (arms[targets.name] for targets in ALL)

        return Outcome(
            arms=list(arms.values()),
            expectations=[
                Expectation(
                    "All four discriminators are their closed form, within 0.03 on average, where clouds "
                    "overlap.",
                    max(arm.value("error of D, overlapping clouds") for arm in (hard, one, two, noisy)),
                    "<=",
                    0.03,
                    "Goodfellow 2016, section 4.2: D = (a p + b q) / (p + q); 3 % of the range",
                ),
                Expectation(
                    "One-sided smoothing keeps the mean logit of the reals at log 9, within a tenth.",
                    abs(one.value("mean logit of reals, far apart") / CAP - 1),
                    "<=",
                    0.1,
                    "the best D is 0.9 where there are only reals: a logit of log 9",
                ),
                Expectation(
                    "Hard labels let it pass twice that.",
                    hard.value("mean logit of reals, far apart"),
                    ">=",
                    2 * CAP,
                    "the best D is 1: its logit has no bound",
                ),
                Expectation(
                    "One-sided smoothing lets the fakes' logit fall to twice that cap below zero or further.",
                    one.value("mean logit of fakes, far apart"),
                    "<=",
                    -2 * CAP,
                    "the best D is 0 where there are only fakes: its logit has no bound",
                ),
                Expectation(
                    "With one-sided smoothing the saturating gradient falls by two orders from its highest.",
                    one.value("saturating gradient left"),
                    "<=",
                    0.01,
                    "Arjovsky and Bottou 2017, theorem 2.4: the bound concerns D at the fakes only",
                ),
                Expectation(
                    "Two-sided smoothing keeps D at 0.1 on the fakes, within 0.03.",
                    abs(two.value("mean D at fakes, far apart") - SMOOTHING),
                    "<=",
                    0.03,
                    "the best D is b = 0.1 where there are only fakes",
                ),
                Expectation(
                    "Noisy labels end at the same place as two-sided smoothing, within 0.03.",
                    abs(noisy.value("mean D at fakes, far apart") - SMOOTHING),
                    "<=",
                    0.03,
                    "the mean target is what counts: 0.9 * 0 + 0.1 * 1",
                ),
                Expectation(
                    "Against a perfect generator one-sided smoothing moves D to 0.45, within 0.01.",
                    abs(one.value("D against a perfect generator") - 0.45),
                    "<=",
                    0.01,
                    "0.9 p / (p + p) = 0.45",
                ),
            ],
            doubts=[
                "Against the starved generator one-sided smoothing shows no benefit here: the saturating "
                "gradient falls as with hard labels.",
                "Two-sided smoothing and noisy labels keep a gradient at the fakes here. The closed form "
                "says that D is flat there: that is the limit, which a network does not reach, so what is "
                "left is the slope of its error, and the share of fakes that it pulls to the data is given "
                "as a number.",
                "How fast the gradient falls is a matter of the discriminator: runs of 900 steps, with "
                "other seeds "
                "and this one, ended just above a hundredth, which is why this one has 1800.",
                "The generator stands still. In a game, smoothing may help in ways that a fixed generator "
                "cannot show, such as bounding the weights' growth.",
                "Equipoise refuses two-sided smoothing; this experiment builds the loss by hand.",
            ],
            panels=[
                LinePanel(
                    "Clouds that overlap: D is the closed form (points).",
                    f"x (data N(0, 1), fakes N({SHIFT:g}, 1))",
                    "D(x)",
                    (
                        *(Curve(targets.name, "D") for targets in ALL),
                        Curve("best one-sided", "D", "closed form, one-sided", "points"),
                        Curve("best two-sided", "D", "closed form, two-sided", "points"),
                    ),
                    references=(Reference(0.9, "0.9"), Reference(0.1, "0.1")),
                    y_range=(-0.05, 1.05),
                ),
                LinePanel(
                    "Clouds far apart: smoothing caps the reals' logit.",
                    "step of the discriminator",
                    "mean logit of the reals",
                    tuple(Curve(targets.name, "logit of reals") for targets in ALL),
                    x_scale="symlog",
                    references=(Reference(CAP, "log 9"),),
                ),
                LinePanel(
                    "The fakes' logit: one-sided falls like hard labels.",
                    "step of the discriminator",
                    "mean logit of the fakes",
                    tuple(Curve(targets.name, "logit of fakes") for targets in ALL),
                    x_scale="symlog",
                    references=(Reference(-CAP, "-log 9"),),
                ),
                LinePanel(
                    "What log(1 - D) tells a fake: one-sided dies like hard.",
                    "step of the discriminator",
                    "mean gradient at a fake",
                    tuple(Curve(targets.name, "saturating gradient") for targets in ALL),
                    x_scale="symlog",
                    y_scale="log",
                ),
            ],
            key="mean logit of fakes, far apart",
        )


def _two_sided() -> Objective:
    """The loss that the tool refuses to build: its fakes' target is above 0."""
    objective: Any = build_objective("non-saturating", smoothing=SMOOTHING)
    objective.targets = lambda logits, real: 1 - SMOOTHING if real else SMOOTHING
    made: Objective = objective
    return made


def draw(count: int, random: torch.Generator) -> Tensor:
    return torch.randn(count, 1, generator=random)


class Shifted(nn.Module):
    """The generator z + m, exact by construction."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor([shift]))

    def forward(self, latent: Tensor) -> Tensor:
        return latent + self.shift


def train(
    targets: Targets,
    shift: float,
    steps: int,
    seed: int,
    *,
    decay: bool = False,
    look: Any = None,
    at: list[int] | None = None,
) -> nn.Module:
    """A fresh discriminator against N(shift, 1); with `decay` the rate falls twice, to reach its optimum."""
    network = seeded(seed, lambda: ToyDiscriminator(1, width=64))
    plan = ((3e-3, 0.5), (5e-4, 0.3), (1e-4, 0.2)) if decay else ((1e-3, 1.0),)
    for number, (rate, share) in enumerate(plan):
        part = max(1, round(steps * share))
        fresh_discriminator(
            Shifted(shift),
            network,
            draw,
            1,
            steps=part,
            measure=look or (lambda step, network: None),
            at=at or [part],
            objective=targets.objective(),
            batch=256,
            discriminator_rate=rate,
            betas=(0.9, 0.999),
            seed=seed + 100 * number,
        )
    return network


def probabilities(network: nn.Module, places: np.ndarray) -> list[float]:
    with torch.no_grad():
        logits = network(torch.tensor(places, dtype=torch.float32)[:, None])
    return [float(value) for value in torch.sigmoid(logits)]


def error_of_d(network: nn.Module, targets: Targets, shift: float, seed: int) -> float:
    """Mean |D - best D| over held-out samples of both sides."""
    reals = draw(HELD_OUT, random_numbers(seed, "held out"))
    places = torch.cat([reals, draw(HELD_OUT, random_numbers(seed, "held-out fakes")) + shift])
    found = np.array(probabilities(network, places[:, 0].numpy()))
    return float(np.abs(found - targets.best(places[:, 0].double().numpy(), shift)).mean())


def follow(arm: Arm, targets: Targets, steps: int, seed: int) -> None:
    """Clouds that do not overlap: logits and the saturating gradient while D learns."""
    reals = draw(2000, random_numbers(seed, "held out"))
    fakes = draw(2000, random_numbers(seed, "held-out fakes")) + FAR
    at: list[int] = []
    seen: dict[str, list[float]] = {"logit of reals": [], "logit of fakes": [], "saturating gradient": []}

    def look(step: int, network: nn.Module) -> None:
        at.append(step)
        with torch.no_grad():
            seen["logit of reals"].append(float(network(reals).mean()))
            seen["logit of fakes"].append(float(network(fakes).mean()))
        gradient = gradient_at_fakes(network, fakes, "minimax").norm(dim=1).mean()
        seen["saturating gradient"].append(float(gradient))

    network = train(targets, FAR, steps, seed, look=look, at=moments(steps, 30))
    for name, values in seen.items():
        arm.curve(name, at, values)
    arm.number("mean logit of reals, far apart", seen["logit of reals"][-1])
    arm.number("mean logit of fakes, far apart", seen["logit of fakes"][-1])
    with torch.no_grad():
        arm.number("mean D at fakes, far apart", float(torch.sigmoid(network(fakes)).mean()))
    # The data lie at 0, the fakes above: descent leads there where the gradient is positive.
    direction = gradient_at_fakes(network, fakes, "minimax")[:, 0]
    arm.number("share of fakes pulled to the data", float((direction > 0).double().mean()))
    gradients = seen["saturating gradient"]
    left = arm.number("saturating gradient left", gradients[-1] / max(gradients))
    arm.state = "failing" if left <= 0.01 else "masked"
