"""WGAN and WGAN-GP: several critic steps for one of the generator, the steps in functions of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.parts import Parts


def set_requires_grad(net: nn.Module, value: bool) -> None:
    for p in net.parameters():
        p.requires_grad = value


def clip_(critic: nn.Module, bound: float) -> None:
    with torch.no_grad():
        for p in critic.parameters():
            p.clamp_(-bound, bound)


def critic_step(
    parts: Parts, generator: nn.Module, critic: nn.Module, optimizer: torch.optim.Optimizer, count: int
) -> Tensor:
    real, _ = next(parts.batches)
    with torch.no_grad():
        fake = generator(parts.latent(len(real)))
    if parts.zero_discriminator:
        optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.float16, enabled=parts.half_precision):
        loss = parts.loss.discriminator(critic(real), critic(fake))
    if parts.penalty is not None and count % parts.penalty_every == 0:
        loss = loss + parts.penalty_weight * parts.penalty(critic, real, fake)
    loss.backward()
    if parts.clip_gradients is not None:
        parts.clip_gradients(critic.parameters())
    if parts.clip_weights is not None and parts.clip_before_step:
        clip_(critic, parts.clip_weights)
    optimizer.step()
    if parts.clip_weights is not None and not parts.clip_before_step:
        clip_(critic, parts.clip_weights)
    return loss.detach()


def generator_step(
    parts: Parts, generator: nn.Module, critic: nn.Module, optimizer: torch.optim.Optimizer
) -> Tensor:
    set_requires_grad(critic, False)
    if parts.zero_generator:
        optimizer.zero_grad(set_to_none=True)
    fake = generator(parts.latent(parts.batch_size))
    if parts.detach_for_generator:
        fake = fake.detach()
    with torch.autocast("cpu", dtype=torch.float16, enabled=parts.half_precision):
        loss = parts.loss.generator(critic(fake))
    loss.backward()
    if parts.clip_gradients is not None:
        parts.clip_gradients(generator.parameters())
    optimizer.step()
    set_requires_grad(critic, True)
    return loss.detach()


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, critic = parts.generator, parts.discriminator
    if parts.optimizers_first:
        optim_g, optim_c = parts.optimizers(generator, critic)
    monitor = watch(generator, critic)  # noqa: F841
    if not parts.optimizers_first:
        optim_g, optim_c = parts.optimizers(generator, critic)
    sample_latent = parts.sample_latent or parts.latent
    count = 0
    for iteration in range(parts.steps):
        for _ in range(parts.critic_steps):
            # Counted from one, so that "every 10 ** 10 steps" means never, as in the
            # scripts that skip step zero.
            count += 1
            loss_c = critic_step(parts, generator, critic, optim_c, count)
        loss_g = generator_step(parts, generator, critic, optim_g)
        if parts.schedule is not None:
            parts.schedule(iteration, optim_g, optim_c)
        if iteration % parts.sample_every == 0:
            with torch.no_grad():
                generator(sample_latent(16))
        parts.log(iteration, float(loss_c), float(loss_g))

    def sample(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(sample_latent(count))

    return sample
