"""Real and fake in one batch with one target vector: one forward, one backward, one step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.parts import Parts


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G, D = parts.generator, parts.discriminator
    monitor = watch(G, D)  # noqa: F841
    opt_g, opt_d = parts.optimizers(G, D)
    draw = parts.sample_latent or parts.latent

    for it, (x, _) in enumerate(itertools.islice(parts.batches, parts.steps)):
        n = len(x)
        with torch.no_grad():
            generated = G(parts.latent(n))
        both = torch.cat([x, generated])
        scores = D(both)
        if isinstance(parts.loss, LabelLoss):
            targets = torch.cat(
                [torch.full((n,), parts.loss.real_label), torch.full((n,), parts.loss.fake_label)]
            )
            if not parts.flat_targets:
                targets = targets.view(-1, 1)
            d_loss = parts.loss.criterion(scores, targets)
        else:
            d_loss = parts.loss.discriminator(scores[:n], scores[n:])
        if parts.zero_discriminator:
            opt_d.zero_grad()
        d_loss.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(D.parameters())
        opt_d.step()

        fake = G(parts.latent(n))
        if parts.detach_for_generator:
            fake = fake.detach()
        scores = D(fake)
        g_loss = parts.loss.generator(scores)
        if parts.zero_generator:
            opt_g.zero_grad()
        g_loss.backward()
        if parts.clip_gradients is not None:
            parts.clip_gradients(G.parameters())
        opt_g.step()

        if parts.schedule is not None:
            parts.schedule(it, opt_g, opt_d)
        if it % parts.sample_every == 0:
            G.eval()
            with torch.no_grad():
                G(draw(16))
            G.train()
        parts.log(it, d_loss.item(), g_loss.item())

    def sample(count: int) -> Tensor:
        G.eval()
        with torch.no_grad():
            return G(draw(count))

    return sample
