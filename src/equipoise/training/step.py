"""One training step: the discriminator's updates, then one of the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.layers.gather import gather_with_gradient
from equipoise.objectives import Objective
from equipoise.penalties import Penalty, StepContext
from equipoise.penalties.base import Player
from equipoise.training.distribution import average_gradients
from equipoise.training.ema import ExponentialMovingAverage
from equipoise.training.inputs import Inputs, Part
from equipoise.training.optimizers import freeze, unfreeze
from equipoise.training.randomness import SharedDraws

Scores = dict[str, Tensor]


@dataclass
class StepSettings:
    """How a step is carried out.

    Attributes:
        total_steps: for schedules.
        discriminator_steps: updates of the discriminator before each update of the generator.
        compile: whether the ordinary passes go through torch.compile.
        autocast: gives the context of the mixed-precision passes; None for float32.
    """

    total_steps: int
    discriminator_steps: int = 1
    compile: bool = False
    autocast: Callable[[], AbstractContextManager[Any]] | None = None


class TrainingStep:
    """Carries out training steps; what it holds may be exchanged between two steps.

    * The discriminator's fakes are made without a graph, and the discriminator is frozen in the generator's
      step: neither player's step computes a gradient that nobody uses.
    * One backward pass per player, update and accumulated part; losses and penalties are added before.
    * Nothing here waits for the device: the scores are tensors.
    * Penalties see the networks themselves, never the compiled ones (torch 2.13 has no second derivative of
      a compiled function), and run in float32 under mixed precision.
    * With several processes the gradients are averaged before `before_update`, so that clipping sees what
      one process would have seen.

    Args:
        generator, discriminator: the networks, in training mode, on their device.
        objective: the adversarial losses.
        penalties: in the order in which they act.
        generator_optimizer, discriminator_optimizer: of the two networks' parameters.
        inputs: draws latents, labels and reals.
        random: a generator on the samples' device, for penalties and for an objective with noisy labels.
        settings: see `StepSettings`.
        average: the moving average to keep up to date, or None.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        penalties: Sequence[Penalty],
        generator_optimizer: torch.optim.Optimizer,
        discriminator_optimizer: torch.optim.Optimizer,
        inputs: Inputs,
        random: torch.Generator,
        settings: StepSettings,
        average: ExponentialMovingAverage | None = None,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.penalties = list(penalties)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.inputs = inputs
        self.random = random
        self.settings = settings
        self.average = average
        self._call_generator: Callable[..., Tensor] = generator
        self._call_discriminator: Callable[..., Tensor] = discriminator
        if settings.compile:
            self._call_generator = torch.compile(generator)
            self._call_discriminator = torch.compile(discriminator)

    def __call__(self, step: int) -> Scores:
        """Carry out step number `step`, counted from 0.

        Returns:
            Scalars without a graph, of the last update and part: `discriminator_loss` and `generator_loss`
            (the adversarial parts alone; the whole where a penalty replaces the adversarial loss),
            `real_score` and `fake_score` (mean logits in the discriminator's step, unless the discriminator
            owns its losses), `penalty/NAME` (as added to the loss).
        """
        self.objective.random = self.random
        scores: Scores = {}
        parts: list[Part] = []
        for _ in range(self.settings.discriminator_steps):
            parts = self.inputs.draw()
            self._update("discriminator", parts, lambda part: self._discriminator_loss(part, step, scores))
        frozen = freeze(self.discriminator)
        try:
            parts = self.inputs.draw(reals=parts)
            self._update("generator", parts, lambda part: self._generator_loss(part, step, scores))
        finally:
            unfreeze(frozen)
        if self.average is not None:
            self.average.update(self.generator, self.inputs.samples_per_step)
        return scores

    def _update(self, player: Player, parts: list[Part], loss_of: Callable[[Part], Tensor]) -> None:
        if player == "generator":
            network, optimizer = self.generator, self.generator_optimizer
        else:
            network, optimizer = self.discriminator, self.discriminator_optimizer
        optimizer.zero_grad(set_to_none=True)
        for part in parts:
            loss = loss_of(part)
            (loss / len(parts) if len(parts) > 1 else loss).backward()
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        average_gradients(parameters)
        for penalty in self.penalties:
            penalty.before_update(player, parameters)
        optimizer.step()
        for penalty in self.penalties:
            penalty.after_update(player, network)

    def _discriminator_loss(self, part: Part, step: int, scores: Scores) -> Tensor:
        with torch.no_grad(), self._autocast():
            fake = self._call_generator(part.latent, part.fake_labels)
        context = self._context(part, fake.float(), step)
        if self._owns_losses:
            with self._autocast():
                loss = self.discriminator.discriminator_loss(  # type: ignore[operator]
                    context.real, context.fake, part.labels, part.fake_labels, alpha=self._alpha(step)
                ).float()
            scores["discriminator_loss"] = loss.detach()
            return self._with_penalties("discriminator", loss, context, scores)
        with self._autocast():
            real_logits = self._call_discriminator(context.real, part.labels)
            fake_logits = self._call_discriminator(context.fake, part.fake_labels)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        context.real_logits, context.fake_logits = real_logits, fake_logits
        loss = self._adversarial("discriminator", real_logits, fake_logits)
        scores["discriminator_loss"] = loss.detach()
        scores["real_score"] = real_logits.detach().mean()
        scores["fake_score"] = fake_logits.detach().mean()
        return self._with_penalties("discriminator", loss, context, scores)

    def _generator_loss(self, part: Part, step: int, scores: Scores) -> Tensor:
        with self._autocast():
            fake = self._call_generator(part.latent, part.fake_labels)
        context = self._context(part, fake.float(), step)
        if any(penalty.replaces_adversarial for penalty in self.penalties):
            loss = self._with_penalties("generator", fake.new_zeros((), dtype=torch.float32), context, scores)
            scores["generator_loss"] = loss.detach()
            return loss
        if self._owns_losses:
            with self._autocast():
                loss = self.discriminator.generator_loss(  # type: ignore[operator]
                    context.fake, part.fake_labels, alpha=self._alpha(step)
                ).float()
            scores["generator_loss"] = loss.detach()
            return self._with_penalties("generator", loss, context, scores)
        real_logits = None
        with self._autocast():
            fake_logits = self._call_discriminator(context.fake, part.fake_labels).float()
            if self.objective.facts.relative:
                with torch.no_grad():
                    real_logits = self._call_discriminator(context.real, part.labels).float()
        context.real_logits, context.fake_logits = real_logits, fake_logits
        loss = self._adversarial("generator", real_logits, fake_logits)
        scores["generator_loss"] = loss.detach()
        return self._with_penalties("generator", loss, context, scores)

    @property
    def _owns_losses(self) -> bool:
        """Whether the discriminator brings its losses with it, as microbatchGAN's does."""
        return bool(getattr(self.discriminator, "owns_losses", False))

    def _alpha(self, step: int) -> float:
        return float(self.discriminator.alpha_at(step, self.settings.total_steps))  # type: ignore[operator]

    def _context(self, part: Part, fake: Tensor, step: int) -> StepContext:
        context = StepContext(
            step=step,
            total_steps=self.settings.total_steps,
            generator=self.generator,
            discriminator=self.discriminator,
            real=part.real,
            fake=fake,
            labels=part.labels,
            fake_labels=part.fake_labels,
            latent=part.latent,
            random=self.random,
            generated=fake,
        )
        with self._shared_draws():
            for penalty in self.penalties:
                context.real = penalty.transform(context.real, context)
                context.fake = penalty.transform(context.fake, context)
        return context

    def _adversarial(self, player: Player, real: Tensor | None, fake: Tensor) -> Tensor:
        if self.objective.facts.relative:
            # A relative loss compares each sample with the others, of all processes.
            fake = gather_with_gradient(fake)
            real = None if real is None else gather_with_gradient(real)
        with self._shared_draws():
            if player == "discriminator" and real is not None:
                return self.objective.discriminator_loss(real, fake)
            return self.objective.generator_loss(fake, real)

    def _with_penalties(self, player: Player, loss: Tensor, context: StepContext, scores: Scores) -> Tensor:
        guarded = self.settings.compile or self.settings.autocast is not None
        for penalty in self.penalties:
            if not penalty.active(context.step):
                continue
            seen = context
            if guarded and penalty.differentiates_twice:
                # Logits of a compiled or half-precision pass cannot be differentiated twice.
                seen = replace(context, real_logits=None, fake_logits=None)
            with self._shared_draws(), self._full_precision():
                if player == "discriminator":
                    term = penalty.discriminator_term(seen)
                else:
                    term = penalty.generator_term(seen)
            if term is not None:
                term = term * penalty.every if penalty.every > 1 else term
                scores[f"penalty/{penalty.name}"] = term.detach()
                loss = loss + term
        return loss

    def _shared_draws(self) -> AbstractContextManager[Any]:
        if self.inputs.processes == 1:
            return nullcontext()
        batch = self.inputs.batch_size
        pack = int(getattr(self.discriminator, "pack", 1))
        return SharedDraws(self.random, self.inputs.rank, self.inputs.processes, (batch, batch // pack))

    def _autocast(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.settings.autocast is None else self.settings.autocast()

    @contextmanager
    def _full_precision(self) -> Iterator[None]:
        if self.settings.autocast is None:
            yield
        else:
            with torch.autocast(self.random.device.type, enabled=False):
                yield
