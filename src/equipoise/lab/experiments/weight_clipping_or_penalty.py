"""Weight clipping or a gradient penalty: two ways to bound a critic's slope, and what each makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, random_numbers, seeded
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Bar, BarPanel, Curve, LinePanel, Reference
from equipoise.lab.toys import ToyDiscriminator
from equipoise.penalties import Penalty, build_penalty

DEVIATION = 0.1
WIDTH = 64
DEEP = 12
PENALTY = 10.0
HELD_OUT = 20_000


@dataclass(frozen=True)
class Way:
    """One way to bound the critic."""

    name: str
    role: Role
    description: str
    penalty: str | None = None
    value: float = 0.0

    def build(self) -> list[Penalty]:
        if self.penalty == "weight-clipping":
            return [build_penalty(self.penalty, bound=self.value)]
        if self.penalty == "gradient-penalty":
            return [build_penalty(self.penalty, weight=self.value)]
        return [] if self.penalty is None else [build_penalty(self.penalty)]


WAYS = (
    Way("no constraint", "failure", "the Wasserstein loss alone"),
    Way("clip 0.01", "failure", "weights clipped to 0.01, as published", "weight-clipping", 0.01),
    Way("clip 0.1", "failure", "weights clipped to 0.1", "weight-clipping", 0.1),
    Way("gradient penalty", "cure", "10 E(|grad f| - 1)^2, as WGAN-GP", "gradient-penalty", PENALTY),
    Way("spectral normalisation", "variant", "each layer's norm kept at 1", "spectral-normalisation"),
)


@EXPERIMENTS.register("weight-clipping-or-penalty")
class WeightClippingOrPenalty(Experiment):
    """A Wasserstein critic needs a bounded slope: clipping its weights flattens it, a penalty does not.

    What it shows
    The Wasserstein loss measures a distance only if the critic's slope is at most 1; without a bound it
    grows for ever. Clipping every weight to [-c, c] does bound the slope, by something that depends on c,
    the width and, exponentially, the depth: at c = 0.01 the critic is almost flat, its "distance" is a
    hundredth of the true one or less, most weights sit at the bound, and through twelve layers nothing
    comes back. A penalty on the slope itself asks for what is meant. It gives the distance, up to a bias
    that can be computed.

    Setting
    Data lie at (-1, 0) and (1, 0), the generator stands still at (0, 0), all with deviation 0.1. Their
    Wasserstein distance is about 0.92, found by sorting the first axis, and the best critic is |x|. Each
    critic has 3 x 64 LeakyReLU units and is trained for 600 steps with the same Adam (1e-3). Then the same
    constraints on critics of twelve layers, for 150 steps.

    What to look at
    Top left: the estimate of the distance while the critics learn; only two come to rest near the true
    line. Top right: the critics themselves, scaled to their own range. Bottom left: the gradient at each
    layer of the deep critics, from the last to the first. Bottom right: the share of weights that sit at
    the bound.

    Where the textbook says more than this shows
    The critic is judged here, not the samples of a game: WGANs with clipped weights have been trained with
    success by choosing the bound and a small learning rate, and Adam rescues part of what a small slope
    loses. The penalty is not exact either: it allows a slope of 1 + W / (2 lambda). And it bounds the slope
    between the clouds only; away from them it promises nothing. The data are two-dimensional.

    References
    Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", algorithm 1 (the authors call clipping a terrible
    way). Gulrajani et al. 2017, "Improved training of Wasserstein GANs", section 3 and figure 1. Miyato et
    al. 2018, "Spectral normalization for generative adversarial networks".
    """

    name = "weight-clipping-or-penalty"
    title = "Weight clipping or a gradient penalty"
    claim = (
        "Clipped weights make the critic's slope vanish or explode with its depth, and its loss no "
        "distance; a gradient penalty keeps the slope near one and the loss near the distance."
    )
    question = "Why do people say that weight clipping is a bad way to train a WGAN?"
    minutes = 0.3

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        reals = draw_data(HELD_OUT, random_numbers(seed, "held-out reals"))
        fakes = draw_fakes(HELD_OUT, random_numbers(seed, "held-out fakes"))
        # Both spread alike along the second axis, so that only the first one has to be carried.
        true = float((reals[:, 0].sort().values - fakes[:, 0].sort().values).abs().mean())
        steps, deep_steps = scaled(600, budget), scaled(150, budget)
        grid = torch.zeros(105, 2)
        grid[:, 0] = torch.linspace(-1.3, 1.3, 105)
        arms: dict[str, Arm] = {}
        for place, way in enumerate(WAYS):
            tell(way.name, 0.6 * place / len(WAYS))
            arm = arms[way.name] = Arm(way.name, way.role, way.description)
            critic = seeded(seed, lambda: ToyDiscriminator(2, width=WIDTH, depth=3))
            train(arm, critic, way, steps, seed, reals, fakes)
            measure(arm, critic, way, true, reals, fakes)
            keep_shape(arm, critic, grid)
        for place, way in enumerate(WAYS[1:]):
            tell(f"{way.name}, twelve layers", 0.6 + 0.1 * place)
            deep = seeded(seed, lambda: ToyDiscriminator(2, width=WIDTH, depth=DEEP))
            train(None, deep, way, deep_steps, seed, reals, fakes)
            layers = gradient_by_layer(deep, reals[:512], fakes[:512])
            arms[way.name].curve("gradient by layer", list(range(1, DEEP + 1)), layers)
            arms[way.name].number("first layer's gradient over the last's", layers[0] / layers[-1])
        best = Arm("best critic", "control", "|x|, of slope 1 everywhere")
        best.curve("shape", grid[:, 0].tolist(), (grid[:, 0].abs() / 1.3).tolist())
        best.number("estimate of the distance", true)
        tell("done", 1.0)

        free, small, penalised = arms["no constraint"], arms["clip 0.01"], arms["gradient penalty"]
        biased = 1 + true / (2 * PENALTY)
        return Outcome(
            arms=[*arms.values(), best],
            expectations=[
                Expectation(
                    "Without a constraint the loss claims more than ten times the distance.",
                    free.value("estimate of the distance") / true,
                    ">=",
                    10.0,
                    "Kantorovich and Rubinstein: no critic of slope at most 1 claims more than once the "
                    "distance",
                ),
                Expectation(
                    "Clipping at 0.01 leaves a slope of less than a tenth.",
                    small.value("slope between the clouds"),
                    "<=",
                    0.1,
                    "the product of the layers' largest norms, 0.11 * 0.64^2 * 0.08 = 0.004",
                ),
                Expectation(
                    "Half of its weights or more sit at the bound.",
                    small.value("share of weights at the bound"),
                    ">=",
                    0.5,
                    "Gulrajani et al. 2017, section 3.1 and figure 1b: most weights at the extremes",
                ),
                Expectation(
                    "The penalised critic has slope 1 + W / (2 lambda), within a tenth.",
                    abs(penalised.value("slope between the clouds") - biased),
                    "<=",
                    0.1,
                    "the maximum of s W - lambda (s - 1)^2 over the slope s",
                ),
                Expectation(
                    "Its loss is the distance times that slope, within a tenth.",
                    abs(penalised.value("estimate of the distance") / (biased * true) - 1),
                    "<=",
                    0.1,
                    "Kantorovich and Rubinstein, with the slope above",
                ),
                Expectation(
                    "Its shape is that of |x|.",
                    penalised.value("correlation with |x|"),
                    ">=",
                    0.95,
                    "the best critic of these two distributions is |x|; definition of near",
                ),
                Expectation(
                    "Through twelve layers clipped at 0.01 the gradient falls by two orders or more.",
                    small.value("first layer's gradient over the last's"),
                    "<=",
                    (0.01 * WIDTH) ** (DEEP - 1),
                    "each layer's norm is at most 64 x 0.01: 0.64^11 = 0.007",
                ),
                Expectation(
                    "Through twelve layers clipped at 0.1 it grows by an order or more.",
                    arms["clip 0.1"].value("first layer's gradient over the last's"),
                    ">=",
                    10.0,
                    "Gulrajani et al. 2017, figure 1b: clipping vanishes or explodes, by the bound",
                ),
                Expectation(
                    "Through twelve layers with the penalty it stays within one order.",
                    abs(math.log10(penalised.value("first layer's gradient over the last's"))),
                    "<=",
                    1.0,
                    "Gulrajani et al. 2017, figure 1b: neither vanishing nor exploding",
                    "orders",
                ),
            ],
            doubts=[
                "The critic is judged, not a game's samples: with a well-chosen bound, clipped critics do "
                "train generators, because the generator's Adam undoes a slope that is merely small.",
                "Clipping at 0.1 instead of 0.01 gives a very different critic. The fault is that the "
                "bound means nothing by itself: the slope it allows depends on width and depth.",
                "In one dimension the penalty can hold a critic upside down, at a slope of 1 - W / (2 "
                "lambda) towards the fakes, because |slope| = 1 on both sides; it was seen while this was "
                "built, and is why the data here have a second axis.",
                f"The penalty's own bias is {biased - 1:.0%} here; it grows with the distance and shrinks "
                f"with "
                "lambda.",
                "Spectral normalisation is safe (its estimate is never above the distance) and cautious: "
                "three layers of norm 1 rarely multiply to a slope of 1.",
            ],
            panels=[
                LinePanel(
                    "Only the penalty comes to rest near the distance.",
                    "step of the critic",
                    "estimate of the Wasserstein distance",
                    tuple(Curve(arm.name, "estimate") for arm in arms.values()),
                    y_scale="log",
                    references=(Reference(true, f"true distance {true:.2f}"),),
                    y_range=(1e-5, 1e5),
                ),
                LinePanel(
                    "The critics' shapes: the best one is |x|.",
                    "first axis (data at -1 and 1, fakes at 0)",
                    "critic, scaled to its own range",
                    (
                        *(Curve(arm.name, "shape") for arm in arms.values() if arm.name != "no constraint"),
                        Curve("best critic", "shape", "best critic |x|"),
                    ),
                ),
                LinePanel(
                    "Twelve layers: clipping kills or blows up the gradient.",
                    "layer (1 is next to the data)",
                    "gradient of the loss at the layer",
                    tuple(Curve(arm.name, "gradient by layer") for arm in arms.values() if arm is not free),
                    y_scale="log",
                ),
                BarPanel(
                    "Clipped weights pile up at the bound.",
                    "share of weights within 1 % of the largest",
                    tuple(
                        Bar(arm.name, arm.role, arm.value("share of weights at the bound"))
                        for arm in arms.values()
                    ),
                ),
            ],
            key="estimate of the distance",
        )


def draw_data(count: int, random: torch.Generator) -> Tensor:
    samples = DEVIATION * torch.randn(count, 2, generator=random)
    samples[:, 0] += 2.0 * torch.randint(2, (count,), generator=random) - 1.0
    return samples


def draw_fakes(count: int, random: torch.Generator) -> Tensor:
    return DEVIATION * torch.randn(count, 2, generator=random)


class Still(nn.Module):
    """The generator that stands still; the parameter only keeps the optimizer content."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(2))

    def forward(self, latent: Tensor) -> Tensor:
        return self.centre + DEVIATION * latent


def train(
    arm: Arm | None, critic: nn.Module, way: Way, steps: int, seed: int, reals: Tensor, fakes: Tensor
) -> None:
    """Train the critic under its constraint; with an arm, keep the estimate on held-out samples."""
    game = Game(
        Still(),
        critic,
        draw_data,
        2,
        steps=steps,
        objective="wasserstein",
        penalties=way.build(),
        batch=128,
        discriminator_rate=1e-3,
        betas=(0.0, 0.9),
        fixed_generator=True,
        seed=seed,
    )
    at, estimates = [], []

    def look(step: int) -> None:
        at.append(step)
        estimates.append(estimate(critic, reals[:2000], fakes[:2000]))

    game.play(observe=look, at=[] if arm is None else every(steps, 40)[1:])
    if arm is not None:
        arm.curve("estimate", at, estimates)


@torch.no_grad()
def estimate(critic: nn.Module, reals: Tensor, fakes: Tensor) -> float:
    """E f(real) - E f(fake): the distance, if the slope is at most 1."""
    return float(critic(reals).mean() - critic(fakes).mean())


def measure(arm: Arm, critic: nn.Module, way: Way, true: float, reals: Tensor, fakes: Tensor) -> None:
    value = arm.number("estimate of the distance", estimate(critic, reals, fakes))
    # Where the penalty looks: on the lines between a fake and a real.
    share = torch.rand(len(reals), 1, generator=random_numbers(0, "lines"))
    points = (share * reals + (1 - share) * fakes).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(points).sum(), points)
    arm.number("slope between the clouds", float(slope.norm(dim=1).mean()))
    weights = [parameter.detach().abs() for parameter in critic.parameters() if parameter.dim() == 2]
    bound = way.value if way.penalty == "weight-clipping" else None
    at_bound = [(weight >= 0.99 * (bound or float(weight.max()))).float() for weight in weights]
    arm.number("share of weights at the bound", float(torch.cat([part.ravel() for part in at_bound]).mean()))
    arm.state = "cured" if 0.5 * true <= value <= 1.5 * true else "failing"


def keep_shape(arm: Arm, critic: nn.Module, grid: Tensor) -> None:
    with torch.no_grad():
        values = critic(grid).double().numpy()
    spread = values.max() - values.min()
    scaled_values = (values - values.min()) / (spread if spread > 0 else 1.0)
    arm.curve("shape", grid[:, 0].tolist(), scaled_values.tolist())
    correlation = np.corrcoef(values, grid[:, 0].abs().numpy())[0, 1] if spread > 0 else 0.0
    arm.number("correlation with |x|", float(correlation))


def gradient_by_layer(critic: ToyDiscriminator, reals: Tensor, fakes: Tensor) -> list[float]:
    """The norm of the loss's gradient at each layer's activations, from the first to the last, in float64."""
    critic.double()
    activations: list[Tensor] = []
    values = torch.cat([reals, fakes]).double()
    for module in critic.body:
        values = module(values)
        if isinstance(module, nn.LeakyReLU):
            activations.append(values)
    scores = critic.score(critic.across(values)).squeeze(1)
    loss = scores[len(reals) :].mean() - scores[: len(reals)].mean()
    return [float(gradient.norm()) for gradient in torch.autograd.grad(loss, activations)]
