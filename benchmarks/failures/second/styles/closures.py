"""A functional script: one closure for each player's loss, one function that does an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    gen, dis = parts.generator, parts.discriminator
    look = parts.augment or (lambda x: x)
    optimizers = dict(zip(("gen", "dis"), parts.optimizers(gen, dis), strict=True))
    watch(gen, dis)
    draw = parts.sample_latent or parts.latent
    stored: list[Tensor] = []

    def fakes(count: int) -> Tensor:
        if parts.replayed and len(stored) >= parts.replayed:
            return stored[int(torch.randint(0, len(stored), ()))]
        made = gen(parts.latent(count))
        if parts.replayed:
            stored.append(made.detach())
        return made.detach() if parts.detach_for_discriminator else made

    def discriminator_loss() -> Tensor:
        real, _ = next(parts.batches)
        fake = fakes(len(real))
        if parts.fakes_as_reals:
            real = fake
        loss = parts.loss.discriminator(dis(look(real)), dis(look(fake)))
        if parts.penalty is not None:
            loss = loss + parts.penalty_weight * parts.penalty(dis, real, fake.detach())
        return loss

    def generator_loss() -> Tensor:
        made = gen(parts.latent(parts.batch_size))
        if parts.detach_for_generator:
            made = made.detach()
        return parts.loss.generator(dis(look(made)))

    def closure(which: str, compute: Callable[[], Tensor]) -> Callable[[], Tensor]:
        zero = parts.zero_generator if which == "gen" else parts.zero_discriminator

        def evaluate() -> Tensor:
            if zero:
                optimizers[which].zero_grad()
            loss = compute()
            loss.backward()
            return loss

        return evaluate

    def update(which: str, network: nn.Module, evaluate: Callable[[], Tensor]) -> float:
        if "stepped" in parts.case.network:  # the optimizer calls the closure itself
            return float(optimizers[which].step(evaluate).detach())
        loss = evaluate()
        if parts.zero_before_step:
            optimizers[which].zero_grad()
        if parts.clip_gradients is not None:
            parts.clip_gradients(network.parameters())
        optimizers[which].step()
        return float(loss.detach())

    train_dis = closure("dis", discriminator_loss)
    train_gen = closure("gen", generator_loss)
    for step in range(parts.steps):
        d = [update("dis", dis, train_dis) for _ in range(parts.critic_steps)]
        g = [update("gen", gen, train_gen) for _ in range(parts.generator_steps)]
        if parts.schedule is not None:
            parts.schedule(step, optimizers["gen"], optimizers["dis"])
        if step % parts.sample_every == 0:
            with torch.no_grad():
                gen(draw(16))
        parts.log(step, d[-1], g[-1])

    def sample(count: int) -> Tensor:
        gen.eval()
        with torch.no_grad():
            return gen(draw(count))

    return sample
