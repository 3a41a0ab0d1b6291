"""CTGAN's synthesizer: a class with `fit` and `sample`; the discriminator judges packs of rows and may have
dropout, its penalty is taken over packs, the generator's batches are as large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fourth.parts import PAC, FourthParts


class Synthesizer:
    def __init__(self, parts: FourthParts) -> None:
        self.parts = parts
        self.generator, self.discriminator = parts.generator, parts.discriminator

    def calc_gradient_penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """The norm of each pack's gradient is held at one: one mixing weight a pack."""
        if self.parts.notes.get("own penalty"):
            return self.parts.penalty(self.discriminator, real, fake)
        alpha = torch.rand(len(real) // PAC, 1).repeat_interleave(PAC, dim=0)
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        scores = self.discriminator(mixed)
        gradients = torch.autograd.grad(scores, mixed, torch.ones_like(scores), create_graph=True)[0]
        return ((gradients.view(-1, PAC * real.shape[1]).norm(2, dim=1) - 1) ** 2).mean()

    def fit(self) -> None:
        parts, generator, discriminator = self.parts, self.generator, self.discriminator
        optimizerG, optimizerD = parts.optimizers(generator, discriminator)
        for i in range(parts.steps):
            for _ in range(parts.critic_steps):
                real, labels = next(parts.batches)
                with torch.no_grad():
                    fake = generator(parts.latent(len(real)))
                y_real, y_fake = discriminator(real), discriminator(fake)
                loss_d = parts.joined(parts.loss.real(y_real), parts.loss.fake(y_fake))
                if parts.extra_term is not None:
                    loss_d = loss_d + parts.extra_term(y_real, labels[::PAC])
                if parts.zero_discriminator and parts.zero_due(i):
                    optimizerD.zero_grad(set_to_none=False)
                if parts.penalty is not None and i % parts.penalty_every == 0:
                    pen = parts.penalty_weight * self.calc_gradient_penalty(real, fake)
                    pen.backward(retain_graph=True)
                loss_d.backward()
                parts.clip(discriminator, early=False)
                optimizerD.step()
                parts.clamp(discriminator)

            made = generator(parts.latent(len(real)))
            loss_g = parts.loss.generator(
                discriminator(made.detach() if parts.detach_for_generator else made)
            )
            if parts.zero_generator and parts.zero_due(i):
                optimizerG.zero_grad(set_to_none=False)
            loss_g.backward()
            parts.clip(generator, early=False)
            optimizerG.step()
            parts.after(i, optimizerG, optimizerD)
            parts.log(i, float(loss_d.detach()), float(loss_g.detach()))

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        self.generator.eval()
        draw = self.parts.sample_latent or self.parts.latent
        return torch.cat([self.generator(draw(250)) for _ in range(count // 250)])


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    synthesizer = Synthesizer(parts)
    watch(synthesizer.generator, synthesizer.discriminator)
    synthesizer.fit()
    return synthesizer.sample
