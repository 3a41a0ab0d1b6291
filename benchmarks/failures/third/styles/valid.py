"""PyTorch-GAN's scripts: tensors `valid` and `fake`, the generator first, then the discriminator on the same
images with half the sum of two losses; the last batch of an epoch is smaller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.third.parts import ThirdParts, epochs


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    optimizer_G, optimizer_D = parts.optimizers(generator, discriminator)
    watch(generator, discriminator)
    look = parts.augment or (lambda x: x)
    noise = parts.sample_latent or parts.latent
    labelled = isinstance(parts.loss, LabelLoss)
    g_loss = torch.zeros(())

    for i, (imgs, _) in enumerate(epochs(parts)):
        if i == parts.steps:
            break
        if labelled:
            valid = torch.full((imgs.size(0), 1), parts.loss.real_label)
            fake = torch.full((imgs.size(0), 1), parts.loss.fake_label)
            wanted = torch.full((imgs.size(0), 1), parts.loss.generator_target)
            if parts.flat_targets:
                valid, fake, wanted = (targets.squeeze(1) for targets in (valid, fake, wanted))

        gen_imgs = generator(parts.latent(imgs.size(0)))

        # ---- train generator
        if i % parts.critic_steps == 0:
            if parts.zero_generator and parts.zero_due(i):
                optimizer_G.zero_grad()
            shown = imgs if parts.generator_judges_reals else gen_imgs
            validity = discriminator(look(shown.detach() if parts.detach_for_generator else shown))
            g_loss = parts.loss.criterion(validity, wanted) if labelled else parts.loss.generator(validity)
            parts.clip(generator, early=True)
            if parts.step_before_backward:
                optimizer_G.step()
            if g_loss.requires_grad:
                g_loss.backward()
            parts.clip(generator, early=False)
            if not parts.step_before_backward:
                optimizer_G.step()

        # ---- train discriminator
        if parts.zero_discriminator and parts.zero_due(i):
            optimizer_D.zero_grad()
        if parts.discriminator_latent is not None:
            gen_imgs = generator(parts.discriminator_latent(imgs.size(0)))
        real_validity = discriminator(look(imgs))
        fake_validity = discriminator(look(gen_imgs.detach()))
        if labelled:
            real_loss = parts.loss.criterion(real_validity, valid)
            fake_loss = parts.loss.criterion(fake_validity, fake)
        else:
            real_loss, fake_loss = parts.loss.real(real_validity), parts.loss.fake(fake_validity)
        d_loss = parts.joined(real_loss, fake_loss) / 2
        if parts.penalty is not None and i % parts.penalty_every == 0:
            d_loss = d_loss + parts.penalty_weight * parts.penalty(discriminator, imgs, gen_imgs.detach())
        parts.clip(discriminator, early=True)
        if parts.step_before_backward:
            optimizer_D.step()
        d_loss.backward()
        parts.clip(discriminator, early=False)
        if not parts.step_before_backward:
            optimizer_D.step()
        if parts.clip_weights is not None:
            clipped = generator if parts.generator_clipped else discriminator
            for p in clipped.parameters():
                p.data.clamp_(-parts.clip_weights, parts.clip_weights)

        if parts.schedule is not None:
            parts.schedule(i, optimizer_G, optimizer_D)
        if i % parts.sample_every == 0:
            with torch.no_grad():
                generator(noise(25))
        parts.log(i, d_loss.item(), g_loss.item())

    def sample(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(noise(count))

    return sample
