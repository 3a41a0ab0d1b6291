"""A waveform GAN without a condition: discriminators of periods and of a scale, least squares, and the batch
means of their features matched; AdamW, an exponential schedule for each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fourth.parts import FourthParts

Features = list[list[Tensor]]


def feature_loss(fmap_r: Features, fmap_g: Features) -> Tensor:
    """Distance of the mean features; nothing pairs one generated waveform with one real one."""
    losses = [
        (real.detach().mean(dim=0) - made.mean(dim=0)).abs().mean()
        for one_r, one_g in zip(fmap_r, fmap_g, strict=True)
        for real, made in zip(one_r, one_g, strict=True)
    ]
    return torch.stack(losses).sum()


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, discriminators = parts.generator, parts.discriminator
    optim_g, optim_d = parts.optimizers(generator, discriminators)
    watch(generator, discriminators)
    epoch = max(1, len(parts.source.samples) // parts.batch_size)
    schedulers = [torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.97) for o in (optim_g, optim_d)]

    def losses_of_generator(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fmap_r = discriminators(y)[1]
        scores, fmap_g = discriminators(y_hat.detach() if parts.detach_for_generator else y_hat)
        adversarial = torch.stack([parts.loss.generator(s) for s in scores]).sum()
        return parts.adversarial_weight * adversarial, parts.feature_weight * feature_loss(fmap_r, fmap_g)

    def terms() -> tuple[Tensor, Tensor]:
        y, _ = next(parts.batches)
        return losses_of_generator(y, generator(parts.latent(len(y))))

    parts.terms = terms
    for steps in range(parts.steps):
        y, _ = next(parts.batches)
        y_g_hat = generator(parts.latent(len(y)))
        if parts.zero_discriminator and parts.zero_due(steps):
            optim_d.zero_grad()
        y_df_r, _ = discriminators(y)
        y_df_g, _ = discriminators(y_g_hat.detach())
        pairs = zip(y_df_r, y_df_g, strict=True)
        loss_disc_all = torch.stack(
            [parts.joined(parts.loss.real(r), parts.loss.fake(g)) for r, g in pairs]
        ).sum()
        loss_disc_all.backward()
        parts.clip(discriminators, early=False)
        optim_d.step()

        if parts.zero_generator and parts.zero_due(steps):
            optim_g.zero_grad()
        adversarial, matched = losses_of_generator(y, y_g_hat)
        loss_gen_all = adversarial + matched
        if loss_gen_all.requires_grad:
            loss_gen_all.backward()
        parts.clip(generator, early=False)
        optim_g.step()
        if steps % epoch == epoch - 1:
            for scheduler in schedulers:
                scheduler.step()
        parts.after(steps, optim_g, optim_d)
        if steps % parts.sample_every == 0:
            with torch.no_grad():
                generator((parts.sample_latent or parts.latent)(8))
        parts.log(steps, loss_disc_all.item(), loss_gen_all.item())

    def sample(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator((parts.sample_latent or parts.latent)(count))

    return sample
