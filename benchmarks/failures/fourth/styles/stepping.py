"""`optimizer.step(closure)`: each closure zeroes, computes, calls backward and returns its loss; a cosine
schedule from torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fourth.parts import FourthParts


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    optG, optD = parts.optimizers(netG, netD)
    watch(netG, netD)
    cosine = [
        torch.optim.lr_scheduler.CosineAnnealingLR(opt, parts.steps, eta_min=0.2 * opt.param_groups[0]["lr"])
        for opt in (optG, optD)
    ]
    prepare = parts.augment or (lambda x: x)
    errD = errG = 2.0

    for it in range(parts.steps):
        xb, yb = next(parts.batches)

        def closureD(x: Tensor = xb, y: Tensor = yb, it: int = it) -> Tensor:  # noqa: N802
            if parts.zero_discriminator and parts.zero_due(it):
                optD.zero_grad(set_to_none=True)
            with torch.no_grad():
                fakes = netG((parts.discriminator_latent or parts.latent)(len(x)))
            real, fake = netD(prepare(x)), netD(prepare(fakes))
            if hasattr(parts.loss, "real"):
                loss = parts.joined(parts.loss.real(real), parts.loss.fake(fake))
            else:
                loss = parts.loss.discriminator(real, fake)
            if parts.extra_term is not None:
                loss = loss + parts.extra_term(real, y)
            if parts.penalty is not None and it % parts.penalty_every == 0:
                loss = loss + parts.penalty_weight * parts.penalty(netD, x, fakes)
            if parts.closure_backward:
                loss.backward()
                parts.clip(netD, early=False)
            return loss

        def closureG(x: Tensor = xb, it: int = it) -> Tensor:  # noqa: N802
            if parts.zero_generator and parts.zero_due(it):
                optG.zero_grad(set_to_none=True)
            made = x if parts.generator_judges_reals else netG(parts.latent(len(x)))
            scores = netD(prepare(made.detach() if parts.detach_for_generator else made))
            with torch.no_grad():
                other = netD(prepare(x))
            loss = parts.remade(parts.loss.generator(scores, other))
            if parts.closure_backward:
                loss.backward()
                parts.clip(netG, early=False)
            return loss

        if parts.discriminator_due(it, errD):
            errD = float(optD.step(closureD).detach())
            parts.clamp(netD)
        if (it + 1) % parts.critic_steps == 0:
            errG = float(optG.step(closureG).detach())
        for schedule in cosine:
            schedule.step()
        parts.after(it, optG, optD)
        if it % parts.sample_every == 0:
            with torch.no_grad():
                netG((parts.sample_latent or parts.latent)(9))
        parts.log(it, errD, errG)

    @torch.inference_mode()
    def sample(count: int) -> Tensor:
        return netG.eval()((parts.sample_latent or parts.latent)(count)).clone()

    return sample
