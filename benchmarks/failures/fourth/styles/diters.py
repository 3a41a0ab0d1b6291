"""The script of the WGAN paper's repository: an iterator over the loader, `Diters` critic steps taken from
it for each of the generator, backward with `one` and `mone`, noise in a tensor that is filled anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.third.parts import epochs


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    optimizerG, optimizerD = parts.optimizers(netG, netD)
    watch(netG, netD)
    one = torch.ones(())
    data_iter = epochs(parts)
    draw = parts.sample_latent or parts.latent
    look = parts.augment or (lambda x: x)
    gen_iterations = 0
    errD_real = errD_fake = torch.zeros(())
    while gen_iterations < parts.steps:
        for p in netD.parameters():
            p.requires_grad = True
        j = 0
        while j < parts.critic_steps:
            j += 1
            if parts.clip_before_step:
                parts.clamp(netD)
            real_cpu, labels = next(data_iter)
            if parts.zero_discriminator and parts.zero_due(gen_iterations):
                netD.zero_grad()
            if parts.kept_term != "fake":
                scores = netD(look(real_cpu))
                errD_real = parts.loss.real(scores)
                if parts.extra_term is not None:
                    errD_real = errD_real + parts.extra_term(scores, labels)
                errD_real.backward(one)
            with torch.no_grad():
                fake = netG((parts.discriminator_latent or parts.latent)(len(real_cpu)))
            if parts.kept_term != "real":
                errD_fake = parts.loss.fake(netD(look(fake)))
                errD_fake.backward(one)
            if parts.penalty is not None:
                penalty = parts.penalty_weight * parts.penalty(netD, real_cpu, fake)
                if penalty.requires_grad:
                    penalty.backward()
            parts.clip(netD, early=False)
            if parts.discriminator_due(gen_iterations, float((errD_real + errD_fake).detach())):
                optimizerD.step()
            if not parts.clip_before_step:
                parts.clamp(netD)

        for p in netD.parameters():
            p.requires_grad = False
        if parts.zero_generator:
            netG.zero_grad()
        made = netG(parts.latent(parts.batch_size))
        shown = real_cpu if parts.generator_judges_reals else made
        errG = parts.loss.generator(netD(look(shown.detach() if parts.detach_for_generator else shown)))
        if errG.requires_grad:
            errG.backward(one)
        parts.clip(netG, early=False)
        optimizerG.step()
        parts.after(gen_iterations, optimizerG, optimizerD)
        if gen_iterations % parts.sample_every == 0:
            with torch.no_grad():
                netG(draw(25))
        parts.log(gen_iterations, float((errD_real + errD_fake).detach()), float(errG.detach()))
        gen_iterations += 1
    for p in netD.parameters():
        p.requires_grad = True

    def sample(count: int) -> Tensor:
        netG.eval()
        with torch.no_grad():
            return netG(draw(count))

    return sample
