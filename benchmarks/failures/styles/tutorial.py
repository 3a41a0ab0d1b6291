"""The tutorial: separate passes over real and fake, two backward calls, one label tensor filled anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.parts import Parts


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    if parts.optimizers_first:
        optimizerG, optimizerD = parts.optimizers(netG, netD)
    monitor = watch(netG, netD)  # noqa: F841
    if not parts.optimizers_first:
        optimizerG, optimizerD = parts.optimizers(netG, netD)

    sample_latent = parts.sample_latent or parts.latent
    fixed_noise = sample_latent(32)
    loss = parts.loss

    for i in range(parts.steps):
        # (1) discriminator: maximise log D(x) + log(1 - D(G(z)))
        if parts.zero_discriminator:
            netD.zero_grad()
        real, _ = next(parts.batches)
        b_size = real.size(0)
        output = netD(real)
        if isinstance(loss, LabelLoss):
            label = torch.full(output.shape, loss.real_label)
            errD_real = loss.criterion(output, label)
        else:
            errD_real = loss.real(output)
        errD_real.backward()

        fake = netG(parts.latent(b_size))
        output = netD(fake.detach() if parts.detach_for_discriminator else fake)
        if isinstance(loss, LabelLoss):
            label.fill_(loss.fake_label)
            errD_fake = loss.criterion(output, label)
        else:
            errD_fake = loss.fake(output)
        errD_fake.backward(retain_graph=not parts.detach_for_discriminator)
        errD = errD_real + errD_fake
        if parts.clip_gradients is not None:
            parts.clip_gradients(netD.parameters())
        optimizerD.step()
        if parts.zero_after_step:
            netD.zero_grad()

        # (2) generator: maximise log D(G(z))
        if parts.zero_generator:
            netG.zero_grad()
        if not parts.detach_for_discriminator:
            fake = netG(parts.latent(b_size))
        output = netD(fake.detach() if parts.detach_for_generator else fake)
        if isinstance(loss, LabelLoss):
            label.fill_(loss.generator_target)
            errG = loss.criterion(output, label)
        else:
            errG = loss.generator(output)
        errG.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(netG.parameters())
        optimizerG.step()
        if parts.zero_after_step:
            netG.zero_grad()

        if parts.schedule is not None:
            parts.schedule(i, optimizerG, optimizerD)
        if i % parts.sample_every == 0:
            with torch.no_grad():
                netG(fixed_noise).detach()
        parts.log(i, errD.item(), errG.item())

    def sample(count: int) -> Tensor:
        netG.eval()
        with torch.no_grad():
            return netG(sample_latent(count))

    return sample
