"""Super-resolution in the manner of pix2pix: an L1 term, an adversarial term, a patch discriminator on the
pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.parts import Parts


def shrink(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, 2)


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    optimizer_G, optimizer_D = parts.optimizers(netG, netD)
    monitor = watch(netG, netD)  # noqa: F841
    with_latent = getattr(netG, "latent", 0) > 0

    def translate(small: Tensor) -> Tensor:
        return netG(small, parts.latent(len(small))) if with_latent else netG(small)

    for step in range(parts.steps):
        real_B, _ = next(parts.batches)
        real_A = shrink(real_B)
        fake_B = translate(real_A)
        factor = 1.0 if step >= parts.discriminator_start else 0.0

        for p in netD.parameters():
            p.requires_grad_(True)
        if parts.zero_discriminator:
            optimizer_D.zero_grad()
        pred_fake = netD(real_A, fake_B.detach())
        pred_real = netD(real_A, real_B)
        loss_D = 0.5 * factor * parts.loss.discriminator(pred_real, pred_fake)
        loss_D.backward()
        optimizer_D.step()

        for p in netD.parameters():
            p.requires_grad_(False)
        if parts.zero_generator:
            optimizer_G.zero_grad()
        pred_fake = netD(real_A, fake_B.detach() if parts.detach_for_generator else fake_B)
        loss_GAN = parts.loss.generator(pred_fake)
        loss_L1 = functional.l1_loss(fake_B, real_B)
        loss_G = factor * parts.adversarial_weight * loss_GAN + parts.pixel_weight * loss_L1
        loss_G.backward()
        optimizer_G.step()

        if parts.schedule is not None:
            parts.schedule(step, optimizer_G, optimizer_D)
        parts.log(step, loss_D.item(), loss_G.item())

    def upscale(small: Tensor) -> Tensor:
        netG.eval()
        with torch.no_grad():
            return translate(small)

    return upscale
