"""Super-resolution by two: a mean absolute error and an adversarial term from a discriminator of two scales,
which sees the image alone and returns a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    model, critic = parts.generator, parts.discriminator
    monitor = watch(model, critic)  # noqa: F841
    model_optimizer, critic_optimizer = parts.optimizers(model, critic)

    def apply(small: Tensor) -> Tensor:
        return model(small, parts.latent(len(small))) if getattr(model, "latent", 0) else model(small)

    for step in range(parts.steps):
        sharp, _ = next(parts.batches)
        blurred = functional.avg_pool2d(sharp, 2)
        on = float(step >= parts.discriminator_start)

        # generator first, then the discriminator on the same output
        critic.requires_grad_(False)
        restored = apply(blurred)
        judged = critic(restored.detach() if parts.detach_for_generator else restored)
        adversarial = parts.loss.generator(judged)
        pixel = functional.l1_loss(restored, sharp)
        loss = parts.pixel_weight * pixel + on * parts.adversarial_weight * adversarial
        if parts.zero_generator:
            model_optimizer.zero_grad()
        loss.backward()
        model_optimizer.step()

        critic.requires_grad_(True)
        critic_loss = on * parts.loss.discriminator(critic(sharp), critic(restored.detach()))
        if parts.zero_discriminator:
            critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()

        if parts.schedule is not None:
            parts.schedule(step, model_optimizer, critic_optimizer)
        parts.log(step, critic_loss.item(), loss.item())

    def restore(small: Tensor) -> Tensor:
        model.eval()
        with torch.no_grad():
            return apply(small)

    return restore
