"""Two segments that do not touch: the discriminator becomes perfect, and the generator is told nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, moments, random_numbers, seeded
from equipoise.lab.measures import (
    first_below,
    fresh_discriminator,
    generator_gradient,
    separation,
    watched,
)
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Curve, LinePanel, Points, Reference, ScatterPanel
from equipoise.lab.segments import GAP, SegmentGenerator, segment, transport_distance
from equipoise.lab.toys import ToyDiscriminator
from equipoise.objectives import build_objective
from equipoise.penalties import build_penalty

_PROBE_STEPS = 4000
_GAME_STEPS = 800
_WATCHED_STEPS = 1200
_BATCH = 64
_WIDTH = 64
_RATE = 1e-3
# Plain gradient descent for the generator: Adam would divide the size of the gradient out, which is the
# very thing that is measured.
_GENERATOR_RATE = 2e-3
_ROWS = 256
# "Starved": three orders below what it was before the discriminator learnt anything.
_STARVED = 1e-3


@dataclass(frozen=True)
class _Plan:
    name: str
    role: Role
    description: str
    objective: str = "minimax"
    options: tuple[tuple[str, float], ...] = ()
    penalties: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    rate: float = _RATE
    critic_steps: int = 1


_PLANS = (
    _Plan("plain", "failure", "logistic loss, nothing else"),
    _Plan("slower discriminator", "mask", "a quarter of the discriminator's learning rate", rate=_RATE / 4),
    _Plan("smoothed labels", "mask", "real targets 0.9, one-sided", options=(("smoothing", 0.1),)),
    _Plan("noisy labels", "mask", "5 % of the labels swapped at random", options=(("noisy_labels", 0.05),)),
    _Plan(
        "Wasserstein critic",
        "cure",
        "WGAN-GP (weight 10); in the game 5 critic steps each, as in its paper",
        "wasserstein",
        penalties=(("gradient-penalty", (("weight", 10.0),)),),
        critic_steps=5,
    ),
    _Plan(
        "R1 and R2",
        "cure",
        "logistic loss, slope penalised at reals and fakes (gamma 1)",
        penalties=(("r1", (("gamma", 1.0),)), ("r2", (("gamma", 1.0),))),
    ),
    _Plan(
        "R1 alone",
        "cure",
        "logistic loss, slope penalised at reals only (gamma 1)",
        penalties=(("r1", (("gamma", 1.0),)),),
    ),
)


@EXPERIMENTS.register("perfect-discriminator")
class PerfectDiscriminator(Experiment):
    """Real and generated samples lie on two parallel segments; the discriminator learns to part them
    perfectly.

    What it shows
    The first obstacle of GAN training. Samples of a generator lie on a manifold of few dimensions, and so
    does the data; two such sets hardly ever touch in a way that matters. A discriminator can then be
    perfect, and a perfect discriminator is constant on both sets: the generator's loss log(1 - D) has no
    slope left. That the loss "converges" here is the defeat of the generator.

    Remedies are told apart by the discriminator's *steps*, not by its accuracy: what slows it down meets
    the same end later, what bounds its slope never does, though its accuracy is 100 % all the same.

    Setting
    Reals: the segment x = 1, y uniform in [-1, 1]. The generator starts exactly on the segment x = -1 and
    can go anywhere. First it stands still, and a fresh discriminator (two hidden layers of 64) is trained
    against it for 4,000 steps of Adam, as in Arjovsky and Bottou's figure 2; on the way the gradient
    that the generator *would* get is measured, over all its parameters. Then the generator is let go, for
    800 steps of plain gradient descent against that same discriminator, which goes on learning one step for
    each of the generator's (five for the Wasserstein critic, as its paper has it).

    The last arm starts both players fresh, under `equipoise.watch`.

    What to look at
    In the gradient panel, follow the orange-red curve down and see which others go with it, only later. In
    the divergence panel, the plain discriminator's estimate stands at log 2, which is the largest value
    there is: it says "disjoint" and nothing about how far. The panel of -log D shows why that loss is no
    cure by itself: its gradient does not vanish but grows with the discriminator's steepness. In the last
    panels the distance that is left tells whether the gradient was good for anything.

    Where the textbook says more than this shows
    The theorems are about gradients. With Adam in the generator the plain game of this toy does arrive,
    because Adam divides by the gradient's size and its direction is still right in a plane where the
    supports face each other: see the arm "plain, Adam". In many dimensions, with noise in the gradient,
    that direction is what is lost first; this toy does not show it.

    Label noise is often named with smoothing among what only delays. Here it does not: swapped labels bound
    the discriminator's confidence for good, and its gradient stays. What theory says of it is different:
    the divergence that is then minimised is as constant on disjoint supports as before, so what the
    gradient is worth rests on how the network happens to interpolate between the sets.

    References
    Arjovsky and Bottou 2017, "Towards principled methods for training generative adversarial networks"
    (1701.04862): theorems 2.1 to 2.6, figures 1 to 3. Gulrajani et al. 2017, "Improved training of
    Wasserstein GANs" (1704.00028). Mescheder et al. 2018, "Which training methods for GANs do actually
    converge?" (1801.04406). Theorem numbers and figures are recalled, not checked against the text.
    """

    name = "perfect-discriminator"
    title = "The perfect discriminator starves the generator"
    claim = (
        "On disjoint supports a trained discriminator takes the gradient of the saturating generator loss "
        "away by orders of magnitude; a slower discriminator or smoothed labels only delay it, while a "
        "Wasserstein critic and penalised slopes (R1, R2) keep it."
    )
    question = "The discriminator is always right and the generator stands still; is that the cause?"
    minutes = 2.0

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        probe_steps, game_steps = scaled(_PROBE_STEPS, budget), scaled(_GAME_STEPS, budget)
        arms: list[Arm] = []
        ends: dict[str, Tensor] = {}
        for number, plan in enumerate(_PLANS):
            if progress is not None:
                progress(plan.name, number / (len(_PLANS) + 2))
            arm, ends[plan.name] = _probe_and_play(plan, probe_steps, game_steps, seed)
            arms.append(arm)
        if progress is not None:
            progress("plain, Adam", len(_PLANS) / (len(_PLANS) + 2))
        adam, ends["plain, Adam"] = _with_adam(probe_steps, game_steps, seed)
        if progress is not None:
            progress("watched", 1 - 1 / (len(_PLANS) + 2))
        arms += [adam, _watched(scaled(_WATCHED_STEPS, budget), seed)]
        _judge(arms)
        return Outcome(
            arms,
            _expectations({arm.name: arm for arm in arms}),
            _doubts({arm.name: arm for arm in arms}),
            _panels(arms, ends, seed),
            key="gradient kept",
        )


def _options(plan: _Plan, seed: int) -> dict[str, Any]:
    return {
        "objective": build_objective(plan.objective, **dict(plan.options)),
        "penalties": [build_penalty(name, **dict(options)) for name, options in plan.penalties],
        "batch": _BATCH,
        "discriminator_rate": plan.rate,
        "seed": seed,
    }


def _networks(seed: int) -> tuple[SegmentGenerator, ToyDiscriminator]:
    generator = seeded(seed, SegmentGenerator)
    return generator, seeded(seed + 1, lambda: ToyDiscriminator(2, width=_WIDTH))


def _probe_and_play(plan: _Plan, probe_steps: int, game_steps: int, seed: int) -> tuple[Arm, Tensor]:
    generator, discriminator = _networks(seed)
    arm = Arm(plan.name, plan.role, plan.description)
    latent = torch.randn(_ROWS, 1, generator=random_numbers(seed, "probe"))
    reals = segment(_ROWS, random_numbers(seed, "probe reals"))
    with torch.no_grad():
        fakes = generator(latent)
    steps: list[int] = []
    gradients: list[float] = []
    others: list[float] = []
    divergences: list[float] = []
    loss = "wasserstein" if plan.objective == "wasserstein" else "minimax"

    def measure(step: int, network: nn.Module) -> None:
        steps.append(step)
        gradients.append(generator_gradient(generator, network, latent, loss))
        others.append(generator_gradient(generator, network, latent, "non-saturating"))
        divergences.append(separation(network, reals, fakes)["divergence"])

    fresh_discriminator(
        generator,
        discriminator,
        segment,
        1,
        steps=probe_steps,
        measure=measure,
        at=moments(probe_steps, 60),
        **_options(plan, seed),
    )
    relative = [value / gradients[0] for value in gradients]
    arm.curve("gradient", steps, relative)
    arm.number("gradient kept", relative[-1], "x")
    arm.number("least", min(relative), "x")
    arm.number("starved from step", first_below([float(step) for step in steps], relative, _STARVED), "steps")
    if loss == "minimax":
        arm.curve("divergence", steps, divergences)
        arm.curve("-log D", steps, [value / others[0] for value in others])
        arm.number("divergence", divergences[-1], "nats")
    arm.number("accuracy", separation(discriminator, reals, fakes)["accuracy"])
    return arm, _play(arm, generator, discriminator, plan, game_steps, seed)


def _play(
    arm: Arm,
    generator: SegmentGenerator,
    discriminator: nn.Module,
    plan: _Plan,
    steps: int,
    seed: int,
    adam: bool = False,
) -> Tensor:
    """Let the generator go; the distance on the way goes into the arm, the last fakes are returned."""
    latent = torch.randn(_ROWS, 1, generator=random_numbers(seed, "probe"))
    reals = segment(_ROWS, random_numbers(seed, "probe reals"))
    own = set(generator.parameters())

    def optimizer(parameters: Any, rate: float) -> torch.optim.Optimizer:
        parameters = list(parameters)
        if parameters[0] in own and not adam:
            return torch.optim.SGD(parameters, lr=_GENERATOR_RATE)
        return torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.99))

    game = Game(
        generator,
        discriminator,
        segment,
        1,
        steps=steps,
        optimizer=optimizer,
        discriminator_steps=plan.critic_steps,
        **_options(plan, seed),
    )
    moments_seen: list[int] = []
    distances: list[float] = []

    def observe(step: int) -> None:
        with torch.no_grad():
            distances.append(transport_distance(generator(latent), reals))
        moments_seen.append(step)

    game.play(observe=observe, at=every(steps, 24))
    arm.curve("distance", moments_seen, distances)
    arm.number("distance left", distances[-1] / distances[0], "x")
    with torch.no_grad():
        fakes: Tensor = generator(latent)
    return fakes


def _with_adam(probe_steps: int, game_steps: int, seed: int) -> tuple[Arm, Tensor]:
    """The plain discriminator, then a generator with Adam in place of plain gradient descent."""
    plan = _PLANS[0]
    arm = Arm("plain, Adam", "variant", "as plain, but the generator learns with Adam")
    generator, discriminator = _networks(seed)
    fresh_discriminator(
        generator,
        discriminator,
        segment,
        1,
        steps=probe_steps,
        measure=lambda step, network: None,
        at=[],
        **_options(plan, seed),
    )
    return arm, _play(arm, generator, discriminator, plan, game_steps, seed, adam=True)


def _watched(steps: int, seed: int) -> Arm:
    """The plain game from the start, watched; what is found first, and when."""
    plan = _PLANS[0]
    arm = Arm("plain, watched", "failure", "both players fresh, one step each, under equipoise.watch")
    generator, discriminator = _networks(seed)
    own = set(generator.parameters())

    def optimizer(parameters: Any, rate: float) -> torch.optim.Optimizer:
        parameters = list(parameters)
        if parameters[0] in own:
            return torch.optim.SGD(parameters, lr=_GENERATOR_RATE)
        return torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.99))

    game = Game(
        generator, discriminator, segment, 1, steps=steps, optimizer=optimizer, **_options(plan, seed)
    )
    reals = segment(_ROWS, random_numbers(seed, "probe reals"))
    with watched(game, arm, at=[step for step in every(steps, 12) if step]) as look:
        game.play(observe=look)
    arm.number("distance left", transport_distance(game.samples(_ROWS, purpose="probe"), reals) / GAP, "x")
    return arm


def _judge(arms: list[Arm]) -> None:
    """What each arm was measured to be, by the same bounds as the expectations."""
    plain = arms[0].value("starved from step")
    for arm in arms:
        if "gradient kept" not in arm.numbers:
            arm.state = "failing" if arm.value("distance left") > 0.5 else ""
            continue
        kept, since = arm.value("gradient kept"), arm.value("starved from step")
        if kept >= 0.5:
            arm.state = "cured"
        elif kept < _STARVED:
            arm.state = "masked" if since > plain else "failing"


def _expectations(arms: dict[str, Arm]) -> list[Expectation]:
    plain = arms["plain"]
    kept = plain.value("gradient kept")
    since = plain.value("starved from step")
    protocol = "up to five orders in as many steps in figure 2 of 1701.04862, less two for a toy"
    half = "set beforehand: at least half of the gradient is left at the end"
    out = [
        Expectation(
            "The plain discriminator's divergence estimate reaches 99 % of log 2.",
            plain.value("divergence"),
            ">=",
            0.99 * math.log(2),
            "theorem 2.3 of 1701.04862: the Jensen-Shannon divergence of disjoint supports is log 2",
            "nats",
        ),
        Expectation(
            "The plain discriminator is never wrong.",
            plain.value("accuracy"),
            ">=",
            1.0,
            "theorem 2.1 of 1701.04862: there is a discriminator with accuracy 1",
        ),
        Expectation(
            "The plain saturating gradient falls by at least three orders of magnitude.",
            -math.log10(kept) if kept > 0 else math.inf,
            ">=",
            3.0,
            protocol,
            "orders",
        ),
        Expectation(
            "Let go, the plain generator covers less than a hundredth of its way.",
            1 - plain.value("distance left"),
            "<=",
            0.01,
            "by definition of not moving",
            "of the way",
        ),
    ]
    for name in ("Wasserstein critic", "R1 and R2"):
        kept = arms[name].value("gradient kept")
        out.append(Expectation(f"The gradient is kept: {name}.", kept, ">=", 0.5, half, "x"))
    for name in ("Wasserstein critic", "R1 and R2", "R1 alone"):
        out.append(
            Expectation(
                f"It is never starved on the way: {name}.",
                arms[name].value("least"),
                ">=",
                _STARVED,
                "by definition of starved: a thousandth of the start",
                "x",
            )
        )
        out.append(
            Expectation(
                f"Let go, the generator covers at least half of its way: {name}.",
                1 - arms[name].value("distance left"),
                ">=",
                0.5,
                "by definition of being of use",
                "of the way",
            )
        )
    for name in ("slower discriminator", "smoothed labels"):
        out.append(
            Expectation(
                f"The gradient is starved later than the plain one: {name}.",
                arms[name].value("starved from step") / since,
                ">",
                1.0,
                "by definition of a delay",
                "x the steps",
            )
        )
        out.append(
            Expectation(
                f"But it is starved in the end: {name}.",
                arms[name].value("gradient kept"),
                "<",
                _STARVED,
                "by definition of starved: a thousandth of the start",
                "x",
            )
        )
    return out


def _doubts(arms: dict[str, Arm]) -> list[str]:
    noisy, alone, adam = arms["noisy labels"], arms["R1 alone"], arms["plain, Adam"]
    smooth, plain, both = arms["smoothed labels"], arms["plain"], arms["R1 and R2"]
    found = arms["plain, watched"].findings
    names = (
        ", ".join(f"{entry['code']} {entry['name']} at step {entry['step']}" for entry in found) or "nothing"
    )
    return [
        f"Noisy labels, often called a delay, kept {noisy.value('gradient kept'):.2g} times the "
        f"gradient and left {noisy.value('distance left'):.0%} of the way: here they are no "
        "mask. They bound the discriminator's confidence, and the network interpolates well.",
        f"With Adam in the generator the plain game left {adam.value('distance left'):.0%} of "
        "the distance: the gradient is tiny but points the right way, and Adam undoes its size.",
        f"With R1 and R2 the gradient is not even: down to {both.value('least'):.2g} times its "
        "start on the way.",
        f"R1 alone goes up and down: down to {alone.value('least'):.2g} times its start, and "
        f"{alone.value('gradient kept'):.2g} times at the end. Nothing in R1 bounds the slope at the "
        "fakes, as R2 does; so R1 alone is held only to never being starved.",
        "Smoothed labels are a short delay only: starved from step "
        f"{smooth.value('starved from step'):.0f} against "
        f"{plain.value('starved from step'):.0f}.",
        f"`equipoise.watch` on the plain game from the start reported: {names}.",
        "One seed, two dimensions and one pair of small networks; the orders of magnitude depend on them.",
    ]


def _panels(arms: list[Arm], ends: dict[str, Tensor], seed: int) -> list[Any]:
    probed = [arm for arm in arms if "gradient" in arm.series]
    logistic = [arm for arm in probed if "divergence" in arm.series]
    played = [arm for arm in arms if "distance" in arm.series]
    latent = torch.randn(_ROWS, 1, generator=random_numbers(seed, "probe"))
    reals = segment(_ROWS, random_numbers(seed, "probe reals"))
    with torch.no_grad():
        start = _networks(seed)[0](latent)
    return [
        LinePanel(
            "The generator stands still, a fresh discriminator learns: without a bound on its slope "
            "(or noise in its labels) the saturating gradient is gone, sooner or later.",
            "steps of the discriminator",
            "gradient, relative to its start",
            tuple(Curve(arm.name, "gradient") for arm in probed),
            x_scale="symlog",
            y_scale="log",
            references=(Reference(_STARVED, "starved"),),
        ),
        LinePanel(
            "Told as a divergence: log 2 is the largest value and says nothing of the distance.",
            "steps of the discriminator",
            "Jensen-Shannon estimate [nats]",
            tuple(Curve(arm.name, "divergence") for arm in logistic),
            x_scale="symlog",
            references=(Reference(math.log(2), "log 2"),),
        ),
        LinePanel(
            "The loss -log D does not vanish: its gradient grows with the steepness that nothing bounds.",
            "steps of the discriminator",
            "gradient of -log D, relative to its start",
            tuple(Curve(arm.name, "-log D") for arm in logistic),
            x_scale="symlog",
            y_scale="log",
        ),
        ScatterPanel(
            "Let go, starved generators stay where they were and the others reach the data.",
            "x",
            "y",
            (
                Points("real data", "data", reals.numpy()),
                Points("all generators at first", "control", start.numpy() - [[0.06, 0.0]]),
                Points("plain", "failure", ends["plain"].numpy()),
                Points("Wasserstein critic", "cure", ends["Wasserstein critic"].numpy()),
                Points("R1 and R2", "cure", ends["R1 and R2"].numpy()),
            ),
        ),
        LinePanel(
            "The same as a distance: only a gradient that is left can be followed. Plain, slower and "
            "smoothed lie on one line, at the top. Generators use plain gradient descent; with Adam the toy "
            "forgives more.",
            "steps of the generator, after the discriminator's",
            "Wasserstein distance to the data",
            tuple(Curve(arm.name, "distance") for arm in played),
        ),
    ]
