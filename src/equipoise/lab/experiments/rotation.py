"""Rotation: the smallest GAN there is turns around its equilibrium, and what makes it arrive."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.dirac import (
    RATE,
    START,
    Field,
    Method,
    decay,
    distance,
    methods,
    minimax,
    modulus,
    noise_modulus,
    non_saturating,
    penalised,
    play,
    predicted_growth,
    r1,
    wasserstein,
)
from equipoise.lab.games import Game
from equipoise.lab.outcome import Arm, Expectation, Outcome
from equipoise.lab.panels import Curve, LinePanel, Panel, Points, Reference, ScatterPanel
from equipoise.penalties import Penalty, build_penalty

STEPS = 500
# Far from arrived: a tenth of the start's distance from the equilibrium or more.
FAR = 0.1 * math.sqrt(2)


@EXPERIMENTS.register("rotation")
class Rotation(Experiment):
    """The Dirac-GAN: two numbers that chase each other, and which methods bring them to rest.

    What it shows
    Data are the single point 0, the generator is the single point theta, and the discriminator is the line
    D(x) = psi x. The only equilibrium is theta = psi = 0. The gradients there point neither towards it nor
    away from it but *around* it: the eigenvalues of the game are purely imaginary, +-i/2. A finite step
    leaves the circle on its tangent, so simultaneous gradient descent spirals out whatever the learning
    rate. No loss function changes that, and neither does a Wasserstein critic, clipped or with a penalty
    that aims at slope one. What changes it is a term that pulls psi itself to 0 when the generator has
    arrived: R1, R2 and instance noise shift the eigenvalues to -gamma/2 and beyond.

    Setting
    Learning rate 0.2, start (1, -1), 500 steps, plain gradient descent in float64 with the exact gradients;
    no chance is involved, so that the seed changes nothing. Clip 1 for the clipped critic; a penalty of
    0.35 (|psi| - 1)^2 for WGAN-GP; noise of deviation 0.7, averaged exactly by quadrature. Besides, the
    trainer's own step (float32, autograd, the registered objectives and penalties) plays five of the games.

    What to look at
    Top left: the path in the plane of the two players. Top right: methods that never arrive; their distance
    does not fall. Bottom left: methods that do; straight lines on a logarithmic axis, with the slope that
    the eigenvalues predict. Bottom right: gamma against what is left after 500 steps. Below gamma = h/4 the
    step is too long for the penalty; at gamma = 1 it is critically damped and fastest; beyond it is slow
    again.

    Where the textbook says more than this shows
    Two parameters are not two networks. What is exact here is local: it says what happens near an
    equilibrium and nothing on how to get there, and Adam's step is not the one analysed. "Alternating
    updates fix it" is half true: they stop the growth and leave an orbit. The alternating non-saturating
    game does come in, but more slowly than any geometric rate. And the penalty can be too weak for the
    learning rate, which "R1 converges" does not say.

    References
    Mescheder, Geiger and Nowozin 2018, "Which training methods for GANs do actually converge?" (the
    Dirac-GAN, lemmas on each method). Mescheder, Nowozin and Geiger 2017, "The numerics of GANs" (consensus
    optimisation). Daskalakis et al. 2018, "Training GANs with optimism". The law gamma > h/4 for discrete
    steps is derived here: the squared modulus of the eigenvalues is 1 - h gamma + h^2 / 4.
    """

    name = "rotation"
    title = "Rotation around the equilibrium"
    claim = (
        "Plain gradient steps circle around the equilibrium whatever the loss; R1, R2 and instance noise "
        "make them arrive, at the rate of the closed form."
    )
    question = "Why do my losses go round in circles, and what does R1 do about it?"
    minutes = 0.1

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        tell = progress or (lambda words, share: None)
        # Whatever the budget: all these games together take a second.
        steps = STEPS
        arms: dict[str, Arm] = {}
        paths: dict[str, np.ndarray] = {}
        chosen = methods()
        for place, method in enumerate(chosen):
            tell(method.name, 0.4 * place / len(chosen))
            path = play(method, steps)
            paths[method.name] = path
            arms[method.name] = describe(method, path)

        tell("gamma against the learning rate", 0.4)
        agreement = share_of_the_law()
        gammas = np.geomspace(0.003, 9, 49)
        left = [max(1e-25, float(distance(play(r1(gamma), steps))[-1])) for gamma in gammas]
        arms["R1, gamma 0.3"].curve("left over gamma", gammas.tolist(), left)

        tell("the same games with the trainer's own step", 0.6)
        deviations = trainer_deviations(scaled(200, budget))
        tell("done", 1.0)

        growth = np.diff(np.log(distance(paths["plain, simultaneous"])))
        foretold = [predicted_growth(theta, psi) for theta, psi in paths["plain, simultaneous"][:-1]]
        failures = [arm for arm in arms.values() if arm.role == "failure"]
        never = [arm.value("furthest in the last 100 steps") for arm in failures]
        r1_sim, noise = arms["R1, gamma 0.3"], arms["instance noise 0.7"]
        critical = arms["R1, gamma 1 (critical)"]
        slow = arms["non-saturating, alternating"]
        first, second = (decay(distance(paths[slow.name]), *part) for part in ((50, 150), (400, 500)))
        return Outcome(
            arms=list(arms.values()),
            expectations=[
                Expectation(
                    "Simultaneous descent moves away in each step by the factor that the closed form gives.",
                    float(np.abs(growth - foretold).max()),
                    "<=",
                    1e-9,
                    "the step is orthogonal to the position: the squared distance grows by 1 + h^2 sigmoid^2",
                ),
                Expectation(
                    "None of the methods called failures has arrived: each is at least a tenth away.",
                    min(never),
                    ">=",
                    FAR,
                    "Mescheder et al. 2018, section 3: not convergent; a tenth of the start's distance",
                ),
                Expectation(
                    "R1 with gamma 0.3 arrives at the predicted geometric rate, within 1 per cent.",
                    abs(decay(distance(paths[r1_sim.name]), 100, 500) / math.log(modulus(RATE, 0.3)) - 1),
                    "<=",
                    0.01,
                    "eigenvalues of the discrete step: modulus^2 = 1 - h gamma + h^2 / 4",
                ),
                Expectation(
                    "R2 follows the very path of R1, because the slope of a line is the same everywhere.",
                    float(np.abs(paths["R2, gamma 0.3"] - paths[r1_sim.name]).max()),
                    "<=",
                    1e-12,
                    "Mescheder et al. 2018, equations 9 and 10 with D(x) = psi x",
                ),
                Expectation(
                    "Instance noise arrives at the predicted geometric rate, within 5 per cent.",
                    abs(
                        decay(distance(paths[noise.name]), 200, 500) / math.log(noise_modulus(RATE, 0.7)) - 1
                    ),
                    "<=",
                    0.05,
                    "Mescheder et al. 2018, section 3.2: eigenvalues of the noisy game; discrete step",
                ),
                Expectation(
                    "Of four gammas the critical one, gamma = 1, is fastest.",
                    critical.value("distance at the end")
                    / min(
                        arms[name].value("distance at the end")
                        for name in ("R1, gamma 0.01 (too weak)", r1_sim.name, "R1, gamma 3 (over-damped)")
                    ),
                    "<",
                    1.0,
                    "the eigenvalues -gamma/2 +- sqrt(gamma^2/4 - 1/4) meet at gamma = 1",
                ),
                Expectation(
                    "Whether R1 arrives follows gamma > h/4 in all of 32 pairs of rate and gamma.",
                    agreement,
                    ">=",
                    1.0,
                    "modulus^2 = 1 - h gamma + h^2 / 4 is below 1 exactly for gamma > h / 4",
                ),
                Expectation(
                    "The alternating non-saturating game comes in ever more slowly: its late rate is at "
                    "most half its early one.",
                    second / first,
                    "<=",
                    0.5,
                    "a damping of third order: a distance falling as 1/sqrt(t) gives a quarter or less here",
                ),
                Expectation(
                    "The trainer's own step follows the exact path in all five games it plays.",
                    max(deviations.values()),
                    "<=",
                    1e-3,
                    "single precision, 200 steps of a map that stretches by at most sqrt(1 + h^2) a step",
                ),
            ],
            doubts=[
                "Two parameters, plain descent, exact gradients: the result is local; Adam's steps are not "
                "the ones analysed.",
                "Alternating updates do stop the growth; they leave an orbit. What noisy gradients do to "
                "it is not tested here.",
                "WGAN-GP and the clipped critic fail here because at a single point a slope of "
                "1 never lets the generator rest; this says little about data that fill a region.",
                "Consensus optimisation and the optimistic methods arrive here too, without a penalty on "
                "the slope; they change the optimizer, and on networks they have not displaced R1.",
            ],
            panels=panels(arms, paths),
            key="distance at the end",
        )


def share_of_the_law() -> float:
    """In how many of 32 pairs R1's fate from near the equilibrium is what gamma > h / 4 says."""
    right = 0
    pairs = [
        (rate, factor) for rate in (0.05, 0.1, 0.2, 0.4) for factor in (0.1, 0.3, 0.6, 0.9, 1.1, 2, 5, 15)
    ]
    for rate, factor in pairs:
        path = distance(play(r1(factor * rate / 4), 4000, rate, (1e-3, -1e-3)))
        # The mean over the turns of the first and the last twentieth.
        shrinks = path[-200:].mean() < path[:200].mean()
        right += shrinks == (factor > 1)
    return right / len(pairs)


def describe(method: Method, path: np.ndarray) -> Arm:
    arm = Arm(method.name, method.role, method.description)
    away = distance(path)
    for step in (100, 300, 500):
        arm.number("distance at the end" if step == STEPS else f"distance at step {step}", float(away[step]))
    furthest = float(away[-100:].max())
    arm.number("furthest in the last 100 steps", furthest)
    shown = list(range(0, len(path), 5))
    arm.curve("distance", shown, [max(1e-25, float(value)) for value in away[shown]])
    # Arriving: half the distance, or less, of 200 steps before.
    if furthest <= 0.5 * float(away[-300:-200].max()):
        arm.state = "cured"
    else:
        arm.state = "masked" if method.role == "mask" else "failing"
    return arm


class Point(nn.Module):
    """The generator: one point, whatever the latent."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([START[0]]))

    def forward(self, latent: Tensor) -> Tensor:
        return self.theta.expand(len(latent), 1)


class Line(nn.Module):
    """The discriminator psi x."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(START[1]))

    def forward(self, samples: Tensor) -> Tensor:
        return (self.psi * samples).squeeze(1)


def trainer_deviations(steps: int) -> dict[str, float]:
    """How far the trainer's own alternating step strays from the exact path, for five of the games."""

    def alternating(field: Field, clip: float = math.inf) -> Method:
        return Method("", "variant", "", field, "alternating", clip=clip)

    games: dict[str, tuple[str, list[Penalty], Method]] = {
        "plain": ("minimax", [], alternating(minimax)),
        "non-saturating": ("non-saturating", [], alternating(non_saturating)),
        "R1": ("minimax", [build_penalty("r1", gamma=0.3)], alternating(penalised(0.3))),
        "R2": ("minimax", [build_penalty("r2", gamma=0.3)], alternating(penalised(0.3))),
        "clip": (
            "wasserstein",
            [build_penalty("weight-clipping", bound=1.0)],
            alternating(wasserstein, 1.0),
        ),
    }
    deviations = {}
    for name, (objective, penalties, method) in games.items():
        point, line = Point(), Line()
        path = [START]
        game = Game(
            point,
            line,
            lambda count, random: torch.zeros(count, 1),
            1,
            steps=steps,
            objective=objective,
            penalties=penalties,
            batch=1,
            generator_rate=RATE,
            discriminator_rate=RATE,
            optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        )
        for _ in range(steps):
            game.play(until=game.step + 1)
            path.append((point.theta.item(), line.psi.item()))
        deviations[name] = float(np.abs(np.array(path) - play(method, steps)).max())
    return deviations


def panels(arms: dict[str, Arm], paths: dict[str, np.ndarray]) -> list[Panel]:
    return [
        ScatterPanel(
            "Plain steps spiral out or orbit; with R1 they arrive.",
            "theta: where the generator is (the data are at 0)",
            "psi: the slope of D",
            tuple(
                Points(label, arms[name].role, paths[name][:200], path=True)
                for name, label in (
                    ("plain, simultaneous", "plain, both at once"),
                    ("plain, alternating", "plain, alternating"),
                    ("R1, gamma 0.3", "R1, gamma 0.3"),
                    ("R1, gamma 1 (critical)", "R1, gamma 1"),
                )
            ),
        ),
        LinePanel(
            "No loss and no unit-slope penalty makes it arrive.",
            "step",
            "distance from the equilibrium",
            tuple(
                Curve(name, "distance")
                for name in (
                    "plain, simultaneous",
                    "plain, alternating",
                    "non-saturating, simultaneous",
                    "Wasserstein, clip 1",
                    "WGAN-GP",
                    "non-saturating, alternating",
                )
            ),
            y_range=(0.0, 5.2),
        ),
        LinePanel(
            "Straight lines on a log axis: these arrive.",
            "step",
            "distance from the equilibrium",
            tuple(
                Curve(name, "distance")
                for name in (
                    "R1, gamma 0.3",
                    "R1, gamma 1 (critical)",
                    "R1, gamma 3 (over-damped)",
                    "instance noise 0.7",
                    "extragradient",
                )
            ),
            y_scale="log",
            y_range=(1e-13, 10.0),
        ),
        LinePanel(
            "R1 must be stronger than a quarter of the learning rate.",
            "gamma of R1",
            "distance left after 500 steps",
            (Curve("R1, gamma 0.3", "left over gamma", "learning rate h = 0.2"),),
            x_scale="log",
            y_scale="log",
            references=(
                Reference(RATE / 4, "h/4: below, it diverges", "x"),
                Reference(1.0, "1: critical damping", "x"),
                Reference(math.sqrt(2), "where it started"),
            ),
        ),
    ]
