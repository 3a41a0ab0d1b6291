"""A growing pair: small images first, the larger block fades in during the second third of the run; softplus
losses, lazy R1, an averaged generator whose samples are what is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.fourth.parts import FourthParts


def faded(real: Tensor, alpha: float) -> Tensor:
    """The reals at the resolution that is being learnt: halved and enlarged while alpha is zero."""
    if alpha >= 1.0:
        return real
    small = functional.interpolate(functional.avg_pool2d(real, 2), scale_factor=2.0)
    return (1 - alpha) * small + alpha * real


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    gen, dis = parts.generator, parts.discriminator
    gen_opt, dis_opt = parts.optimizers(gen, dis)
    watch(gen, dis)
    g_running = copy.deepcopy(gen).eval().requires_grad_(False)
    third = parts.steps / 3
    fade = parts.fade or (lambda step: min(1.0, max(0.0, (step - 0.5 * third) / third)))
    draw = parts.sample_latent or parts.latent

    for i in range(parts.steps):
        gen.alpha = dis.alpha = g_running.alpha = fade(i)
        images, _ = next(parts.batches)
        images = faded(images, fade(i))
        if parts.zero_discriminator and parts.zero_due(i):
            dis_opt.zero_grad()
        with torch.no_grad():
            fake_images = gen(parts.latent(len(images)))
        loss_d = parts.joined(parts.loss.real(dis(images)), parts.loss.fake(dis(fake_images)))
        if parts.penalty is not None and i % parts.penalty_every == 0:
            regular = parts.penalty(dis, images, fake_images)
            loss_d = loss_d + parts.penalty_weight * parts.penalty_every * regular
        loss_d.backward()
        parts.clip(dis, early=False)
        dis_opt.step()

        if parts.zero_generator and parts.zero_due(i):
            gen_opt.zero_grad()
        made = gen(parts.latent(len(images)))
        loss_g = parts.loss.generator(dis(made.detach() if parts.detach_for_generator else made))
        loss_g.backward()
        parts.clip(gen, early=False)
        gen_opt.step()

        if parts.average_updated and i % parts.average_every == 0:
            with torch.no_grad():
                for kept, now in zip(g_running.parameters(), gen.parameters(), strict=True):
                    kept.mul_(parts.average_decay).add_(now, alpha=1 - parts.average_decay)
        parts.after(i, gen_opt, dis_opt)
        if i % parts.sample_every == 0:
            with torch.no_grad():
                g_running(draw(16))
        parts.log(i, loss_d.item(), loss_g.item())

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return g_running(draw(count))

    return sample
