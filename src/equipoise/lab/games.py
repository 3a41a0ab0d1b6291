"""Small games for experiments: the trainer's own step on data from a function, in one call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from equipoise.objectives import Objective, build_objective
from equipoise.penalties import Penalty
from equipoise.training.inputs import Inputs
from equipoise.training.randomness import derived_seed
from equipoise.training.step import Scores, StepSettings, TrainingStep

# So many real samples, drawn from the given generator; with labels where the game has classes.
Sampler = Callable[[int, torch.Generator], "Tensor | tuple[Tensor, Tensor]"]
Observer = Callable[[int], None]
Made = TypeVar("Made")


class Game:
    """A generator against a discriminator, trained by the trainer's own step, without folders and files.

    Everything random comes from `seed`; the networks are given, so build them with `seeded`.

    Args:
        generator: called `generator(latent)`, or `generator(latent, labels)` with `classes`.
        discriminator: returns logits (N,), or (N / pack,); one with `owns_losses` brings its own losses.
        sampler: draws real samples.
        latent_dim: numbers in a latent, N(0, I).
        steps: the length of the training, for schedules; `play` runs to it unless told otherwise.
        objective: a name from the registry, or an objective with options.
        penalties: penalties, in the order in which they act.
        batch: samples a step; twice as many for a discriminator.
        generator_rate, discriminator_rate: learning rates of Adam.
        betas: of Adam.
        discriminator_steps: updates of the discriminator before each update of the generator.
        classes: how many, where the sampler gives labels; labels of fakes are then drawn uniformly.
        fixed_generator: only the discriminator learns.
        optimizer: how an optimizer is made from parameters and a rate, in place of Adam.
        seed: of latents, samples and penalties.

    Example:
        >>> game = Game(nn.Linear(1, 2), nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)),
        ...             lambda count, random: torch.randn(count, 2, generator=random), 1, steps=3, batch=4)
        >>> game.play()
        >>> game.step
        3
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        sampler: Sampler,
        latent_dim: int,
        *,
        steps: int,
        objective: str | Objective = "non-saturating",
        penalties: Sequence[Penalty] = (),
        batch: int = 128,
        generator_rate: float = 1e-3,
        discriminator_rate: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        discriminator_steps: int = 1,
        classes: int | None = None,
        fixed_generator: bool = False,
        optimizer: Callable[[Any, float], torch.optim.Optimizer] | None = None,
        seed: int = 0,
    ) -> None:
        def make(parameters: Any, rate: float) -> torch.optim.Optimizer:
            if optimizer is not None:
                return optimizer(parameters, rate)
            return torch.optim.Adam(parameters, lr=rate, betas=betas)

        self.generator = generator
        self.discriminator = discriminator
        self.sampler = sampler
        self.latent_dim = latent_dim
        self.steps = steps
        self.batch = batch
        self.classes = classes
        self.seed = seed
        self.objective = build_objective(objective) if isinstance(objective, str) else objective
        self.penalties = list(penalties)
        self.step = 0
        self.scores: Scores = {}
        for penalty in self.penalties:
            penalty.prepare(generator, discriminator)
        self.generator_optimizer = make(generator.parameters(), generator_rate)
        self.discriminator_optimizer = make(discriminator.parameters(), discriminator_rate)
        data = random_numbers(seed, "data")

        def next_real() -> tuple[Tensor, Tensor | None]:
            drawn = sampler(batch, data)
            return drawn if isinstance(drawn, tuple) else (drawn, None)

        kind = _DiscriminatorOnly if fixed_generator else _Step
        self._carry_out = kind(
            generator=generator,
            discriminator=discriminator,
            objective=self.objective,
            penalties=self.penalties,
            generator_optimizer=self.generator_optimizer,
            discriminator_optimizer=self.discriminator_optimizer,
            inputs=Inputs(
                next_real,
                latent_dim,
                None if classes is None else torch.arange(classes),
                batch,
                1,
                0,
                1,
                random_numbers(seed, "latents"),
                torch.device("cpu"),
            ),
            random=random_numbers(seed, "penalties"),
            settings=StepSettings(total_steps=steps, discriminator_steps=discriminator_steps),
        )

    def play(
        self,
        until: int | None = None,
        *,
        observe: Observer | None = None,
        at: Sequence[int] | None = None,
    ) -> None:
        """Train until so many steps are done.

        Args:
            until: steps done at the end, counted from the start of the game; `steps` by default.
            observe: called with the number of finished steps; a call may read everything and change nothing.
            at: at which numbers it is called, 0 included if listed; after each step by default.
        """
        moments = None if at is None else set(at)
        end = self.steps if until is None else until

        def look() -> None:
            if observe is not None and (moments is None or self.step in moments):
                observe(self.step)

        if self.step == 0:
            look()
        while self.step < end:
            self.scores = self._carry_out(self.step)
            self.step += 1
            look()

    def samples(self, count: int, *, purpose: str = "evaluation", labels: Tensor | None = None) -> Tensor:
        """Fakes from latents that depend on the seed and the purpose only; the network stays in its mode."""
        latent = torch.randn(count, self.latent_dim, generator=random_numbers(self.seed, purpose))
        with torch.no_grad():
            return self.generator(latent) if labels is None else self.generator(latent, labels)

    def reals(self, count: int, *, purpose: str = "evaluation reals") -> Tensor:
        """Reals from a stream that depends on the seed and the purpose only."""
        drawn = self.sampler(count, random_numbers(self.seed, purpose))
        return drawn[0] if isinstance(drawn, tuple) else drawn


class _Step(TrainingStep):
    """The trainer's step for any modules: without labels they are called with one argument."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.inputs.label_pool is None:
            self._call_generator = lambda latent, labels: self.generator(latent)
            if not getattr(self.discriminator, "owns_losses", False):
                self._call_discriminator = lambda samples, labels: self.discriminator(samples)


class _DiscriminatorOnly(_Step):
    """A step without the generator's half."""

    def __call__(self, step: int) -> Scores:
        self.objective.random = self.random
        scores: Scores = {}
        for _ in range(self.settings.discriminator_steps):
            parts = self.inputs.draw()
            self._update("discriminator", parts, lambda part: self._discriminator_loss(part, step, scores))
        return scores


def random_numbers(seed: int, purpose: str) -> torch.Generator:
    """A stream of random numbers of its own for each purpose."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose))


def seeded(seed: int, make: Callable[[], Made]) -> Made:
    """What `make` builds with torch's global random numbers at `seed`; they are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "networks"))
        return make()


def moments(steps: int, count: int = 40, first: int = 1) -> list[int]:
    """0, then about `count` whole numbers up to `steps`, evenly spaced on a logarithmic axis.

    Example:
        >>> moments(100, count=3)
        [0, 1, 10, 100]
    """
    if steps <= first:
        return sorted({0, steps})
    ratio = steps / first
    spaced = {round(first * ratio ** (place / (count - 1))) for place in range(count)}
    return [0, *sorted(spaced)]


def every(steps: int, count: int = 40) -> list[int]:
    """0, then about `count` whole numbers up to `steps`, evenly spaced.

    Example:
        >>> every(100, count=4)
        [0, 25, 50, 75, 100]
    """
    return sorted({0, *(round(steps * place / count) for place in range(1, count + 1))})


def twin(network: nn.Module) -> nn.Module:
    """A copy with the same weights, so that two arms start alike."""
    return copy.deepcopy(network)
