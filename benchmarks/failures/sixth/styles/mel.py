"""MelGAN's loop: frames in, a signal out; discriminators of two scales return lists of what their layers
give, scores last; sums over scales written as loops, features matched, and the distance of the frames, which
later versions of the script add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.sixth.parts import SixthParts
from benchmarks.failures.sixth.restorers import frames


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    optG, optD = parts.optimizers(netG, netD)
    watch(netG, netD)
    with_latent = getattr(netG, "latent", 0) > 0

    def voiced(s_t: Tensor) -> Tensor:
        return netG(s_t, parts.latent(len(s_t))) if with_latent else netG(s_t)

    def losses_of_generator(x_t: Tensor, s_t: Tensor, x_pred_t: Tensor, D_real: Any) -> tuple[Tensor, Tensor]:
        D_fake = netD(parts.cut(x_pred_t))
        loss_G = torch.zeros(())
        for scale in D_fake:
            loss_G = loss_G + parts.loss.generator(scale[-1])
        loss_feat = torch.zeros(())
        wt = 4.0 / len(D_fake[0]) / len(D_fake)
        for i in range(len(D_fake)):
            for j in range(len(D_fake[i]) - 1):
                loss_feat = loss_feat + wt * functional.l1_loss(D_fake[i][j], D_real[i][j].detach())
        s_error = functional.l1_loss(frames(x_pred_t), s_t)
        return parts.adversarial_weight * loss_G, (
            parts.feature_weight * loss_feat + parts.pixel_weight * s_error
        )

    def terms() -> tuple[Tensor, Tensor]:
        x_t, _ = next(parts.batches)
        s_t = frames(x_t)
        return losses_of_generator(x_t, s_t, voiced(s_t), netD(x_t))

    parts.terms = terms
    for iterno in range(parts.steps):
        x_t, _ = next(parts.batches)
        s_t = frames(x_t).detach()
        x_pred_t = voiced(s_t)
        on = float(iterno >= parts.discriminator_start)

        D_fake_det, D_real = netD(x_pred_t.detach()), netD(x_t)
        fake_loss = real_loss = torch.zeros(())
        for scale in D_fake_det:
            fake_loss = fake_loss + parts.loss.fake(scale[-1])
        for scale in D_real:
            real_loss = real_loss + parts.loss.real(scale[-1])
        loss_D = on * parts.joined(real_loss, fake_loss)
        if parts.zero_discriminator and parts.zero_due(iterno):
            netD.zero_grad()
        loss_D.backward()
        parts.clip(netD, early=False)
        optD.step()

        adversarial, other = losses_of_generator(x_t, s_t, x_pred_t, D_real)
        if parts.zero_generator and parts.zero_due(iterno):
            netG.zero_grad()
        (on * adversarial + other).backward()
        parts.clip(netG, early=False)
        optG.step()
        parts.after(iterno, optG, optD)
        parts.log(iterno, loss_D.item(), (adversarial + other).item())

    @torch.no_grad()
    def inference(s_t: Tensor) -> Tensor:
        netG.eval()
        return voiced(s_t)

    return inference
