"""Real and fake in one `torch.cat`, the scores split again, one summed loss and one backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    g_opt, d_opt = parts.optimizers(generator, discriminator)
    monitor = watch(generator, discriminator)  # noqa: F841
    criterion = parts.loss
    random_z = parts.sample_latent or parts.latent

    def d_loss_of(scores: Tensor) -> Tensor:
        real_scores, fake_scores = scores.chunk(2)
        if parts.flat_targets and isinstance(criterion, LabelLoss):
            half = len(scores) // 2
            targets = torch.cat([torch.full((half,), 1.0), torch.full((half,), 0.0)])
            return criterion.criterion(scores, targets)
        return criterion.discriminator(real_scores, fake_scores)

    for iteration in range(parts.steps):
        for _ in range(parts.critic_steps):
            x_real, _ = next(parts.batches)
            x_fake = generator(parts.latent(len(x_real))).detach()
            if parts.zero_discriminator:
                d_opt.zero_grad(set_to_none=True)
            loss_d = d_loss_of(discriminator(torch.cat((x_real, x_fake))))
            if parts.penalty is not None and iteration % parts.penalty_every == 0:
                loss_d = loss_d + parts.penalty_weight * parts.penalty(discriminator, x_real, x_fake)
            loss_d.backward()
            if parts.clip_gradients is not None:
                parts.clip_gradients(discriminator.parameters())
            d_opt.step()
            if parts.zero_after_step:
                d_opt.zero_grad(set_to_none=True)

        if parts.zero_generator:
            g_opt.zero_grad(set_to_none=True)
        x_fake = generator(parts.latent(parts.batch_size))
        if parts.detach_for_generator:
            x_fake = x_fake.detach()
        if isinstance(criterion, LabelLoss) or hasattr(criterion, "generated"):
            loss_g = criterion.generator(discriminator(x_fake))
        else:  # relativistic: the reals are scored along
            x_real, _ = next(parts.batches)
            real_scores, fake_scores = discriminator(torch.cat((x_real, x_fake))).chunk(2)
            loss_g = criterion.generator(fake_scores, real_scores)
        loss_g.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(generator.parameters())
        g_opt.step()
        if parts.zero_after_step:
            g_opt.zero_grad(set_to_none=True)

        if parts.schedule is not None:
            parts.schedule(iteration, g_opt, d_opt)
        if iteration % parts.sample_every == 0:
            generator.eval()
            with torch.no_grad():
                generator(random_z(16))
            generator.train()
        parts.log(iteration, loss_d.item(), loss_g.item())

    def sample(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(random_z(count))

    return sample
