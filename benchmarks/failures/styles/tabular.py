"""Rows of a table, or short 1-D signals: a script of plain functions with running means of its losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.parts import Parts


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    gen, dis = parts.generator, parts.discriminator
    gen.train(), dis.train()
    opt_gen, opt_dis = parts.optimizers(gen, dis)
    monitor = watch(gen, dis)  # noqa: F841
    running = [0.0, 0.0]

    for step in range(parts.steps):
        for _ in range(parts.critic_steps):
            rows, _ = next(parts.batches)
            made = gen(parts.latent(len(rows))).detach()
            y_real, y_made = dis(rows), dis(made)
            loss = parts.loss.discriminator(y_real, y_made)
            if parts.zero_discriminator:
                opt_dis.zero_grad()
            if parts.penalty is not None:
                (parts.penalty_weight * parts.penalty(dis, rows, made)).backward()
            loss.backward()
            if parts.clip_gradients is not None:
                parts.clip_gradients(dis.parameters())
            opt_dis.step()
        running[0] = 0.9 * running[0] + 0.1 * loss.item()

        made = gen(parts.latent(parts.batch_size))
        if parts.detach_for_generator:
            made = made.detach()
        loss = parts.loss.generator(dis(made))
        if parts.zero_generator:
            opt_gen.zero_grad()
        loss.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(gen.parameters())
        opt_gen.step()
        running[1] = 0.9 * running[1] + 0.1 * loss.item()
        if parts.schedule is not None:
            parts.schedule(step, opt_gen, opt_dis)
        parts.log(step, running[0], running[1])

    def sample(count: int) -> Tensor:
        gen.eval()
        with torch.no_grad():
            return gen((parts.sample_latent or parts.latent)(count))

    return sample
