"""Mixed precision on the CPU, micro-batches that add up, and a cosine schedule of both learning rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G, D = parts.generator, parts.discriminator
    watch(G, D)
    optimizer_g, optimizer_d = parts.optimizers(G, D)
    cosine = [
        torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=parts.steps, eta_min=1e-4)
        for o in (optimizer_g, optimizer_d)
    ]
    precision = torch.float16 if parts.half_precision else torch.bfloat16
    draw = parts.sample_latent or parts.latent

    for step in range(parts.steps):
        if parts.zero_discriminator:
            optimizer_d.zero_grad()
        d_total = 0.0
        for _ in range(parts.accumulate):
            real, _ = next(parts.batches)
            with torch.autocast("cpu", dtype=precision):
                with torch.no_grad():
                    fake = G(parts.latent(len(real)))
                d_loss = parts.loss.discriminator(D(real), D(fake)) / parts.accumulate
            if parts.penalty is not None:
                gp = parts.penalty(D, real, fake.float())
                d_loss = d_loss + parts.penalty_weight * gp / parts.accumulate
            d_loss.backward()
            d_total += d_loss.item()
        if parts.clip_gradients is not None:
            parts.clip_gradients(D.parameters())
        if parts.zero_before_step:
            optimizer_d.zero_grad()
        optimizer_d.step()

        if parts.zero_generator:
            optimizer_g.zero_grad()
        g_total = 0.0
        for _ in range(parts.accumulate):
            with torch.autocast("cpu", dtype=precision):
                fake = G(parts.latent(parts.batch_size))
                if parts.detach_for_generator:
                    fake = fake.detach()
                g_loss = parts.loss.generator(D(fake)) / parts.accumulate
            g_loss.backward()
            g_total += g_loss.item()
        if parts.clip_gradients is not None:
            parts.clip_gradients(G.parameters())
        if parts.zero_before_step:
            optimizer_g.zero_grad()
        optimizer_g.step()

        for schedule in cosine:
            schedule.step()
        if parts.schedule is not None:
            parts.schedule(step, optimizer_g, optimizer_d)
        parts.log(step, d_total, g_total)

    def sample(count: int) -> Tensor:
        G.eval()
        with torch.no_grad():
            return G(draw(count)).float()

    return sample
