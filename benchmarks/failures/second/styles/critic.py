"""A critic in one long loop over batches: every step trains the critic, every n-th one the generator too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netC = parts.generator, parts.discriminator
    watch(netG, netC)
    optG, optC = parts.optimizers(netG, netC)
    z_for_samples = parts.sample_latent or parts.latent
    batches_done = generator_done = 0

    while generator_done < parts.steps:
        real_imgs, _ = next(parts.batches)
        batches_done += 1

        if parts.zero_discriminator:
            optC.zero_grad()
        fake_imgs = netG(parts.latent(real_imgs.size(0)))
        c_loss = parts.loss.discriminator(netC(real_imgs), netC(fake_imgs.detach()))
        if parts.penalty is not None and batches_done % parts.penalty_every == 0:
            gp = parts.penalty(netC, real_imgs.data, fake_imgs.data)
            c_loss = c_loss + parts.penalty_weight * gp
        c_loss.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(netC.parameters())
        optC.step()
        if parts.clip_weights is not None:
            for p in netC.parameters():
                p.data.clamp_(-parts.clip_weights, parts.clip_weights)

        if batches_done % parts.critic_steps:
            continue
        if parts.zero_generator:
            optG.zero_grad()
        fake_imgs = netG(parts.latent(real_imgs.size(0)))
        g_loss = parts.loss.generator(netC(fake_imgs.detach() if parts.detach_for_generator else fake_imgs))
        g_loss.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(netG.parameters())
        optG.step()
        if parts.schedule is not None:
            parts.schedule(generator_done, optG, optC)
        if generator_done % parts.sample_every == 0:
            with torch.no_grad():
                netG(z_for_samples(16))
        parts.log(generator_done, c_loss.item(), g_loss.item())
        generator_done += 1

    def sample(count: int) -> Tensor:
        netG.eval()
        with torch.no_grad():
            return netG(z_for_samples(count))

    return sample
