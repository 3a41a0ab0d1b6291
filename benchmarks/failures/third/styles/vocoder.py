"""HiFi-GAN's loop: several discriminators that return scores and features, least squares, feature matching
and the distance of the frames; exponential schedules for each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.third.parts import ThirdParts
from benchmarks.failures.third.signals import mel

Features = list[list[Tensor]]


def feature_loss(real: Features, made: Features) -> Tensor:
    loss = torch.zeros(())
    for dr, dg in zip(real, made, strict=True):
        for rl, gl in zip(dr, dg, strict=True):
            loss = loss + functional.l1_loss(gl, rl.detach())
    return loss


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, msd = parts.generator, parts.discriminator
    optim_g, optim_d = parts.optimizers(generator, msd)
    watch(generator, msd)
    scheduler = [torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.98) for o in (optim_g, optim_d)]
    epoch = max(1, len(parts.source.samples) // parts.batch_size)

    def losses_of_generator(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        """The adversarial terms, and the distance of the frames, each with its weight."""
        with torch.no_grad():
            fmap_real = msd(y)[1]
        scores, fmap_made = msd(y_hat.detach() if parts.detach_for_generator else y_hat)
        loss_gen = sum((parts.loss.generator(s) for s in scores), torch.zeros(()))
        loss_mel = functional.l1_loss(mel(y_hat), mel(y))
        adversarial = parts.adversarial_weight * (loss_gen + 2.0 * feature_loss(fmap_real, fmap_made))
        return adversarial, parts.pixel_weight * loss_mel

    def terms() -> tuple[Tensor, Tensor]:
        y, _ = next(parts.batches)
        return losses_of_generator(y, generator(mel(y)))

    parts.terms = terms
    for steps in range(parts.steps):
        y, _ = next(parts.batches)
        y_g_hat = generator(mel(y))

        if parts.zero_discriminator:
            optim_d.zero_grad()
        y_dr, _ = msd(y)
        y_dg, _ = msd(y_g_hat.detach())
        loss_disc = torch.zeros(())
        for dr, dg in zip(y_dr, y_dg, strict=True):
            loss_disc = loss_disc + parts.joined(parts.loss.real(dr), parts.loss.fake(dg))
        loss_disc.backward()
        optim_d.step()

        if parts.zero_generator:
            optim_g.zero_grad()
        adversarial, distance = losses_of_generator(y, y_g_hat)
        loss_gen_all = adversarial + distance
        loss_gen_all.backward()
        optim_g.step()

        if steps % epoch == epoch - 1:
            for one in scheduler:
                one.step()
        if parts.schedule is not None:
            parts.schedule(steps, optim_g, optim_d)
        parts.log(steps, loss_disc.item(), loss_gen_all.item())

    def sample(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(mel(parts.source.held_out[:count]))

    return sample
