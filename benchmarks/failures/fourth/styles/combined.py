"""Keras-GAN's script: `train_on_batch` of the discriminator on reals and then on fakes, two steps, and of a
combined model in which it is not trainable."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fourth.parts import FourthParts


class Compiled:
    """What `compile` leaves behind: a network, its optimizer and `train_on_batch`."""

    def __init__(self, parts: FourthParts, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.parts, self.network, self.optimizer = parts, network, optimizer

    def train_on_batch(self, loss: Callable[[], Tensor], zero: bool) -> float:
        if zero:
            self.optimizer.zero_grad()
        self.parts.clip(self.network, early=True)
        value = self.parts.remade(loss())
        if self.parts.step_before_backward:
            self.optimizer.step()
        if value.requires_grad:
            value.backward()
        self.parts.clip(self.network, early=False)
        if self.parts.zero_before_step:
            self.optimizer.zero_grad()
        if not self.parts.step_before_backward:
            self.optimizer.step()
        return float(value.detach())


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    watch(generator, discriminator)
    opt_g, opt_d = parts.optimizers(generator, discriminator)
    judge = copy.deepcopy(discriminator) if parts.stale_copy else discriminator
    model_d, combined = Compiled(parts, discriminator, opt_d), Compiled(parts, generator, opt_g)
    look = parts.augment or (lambda x: x)
    noise = parts.sample_latent or parts.latent
    d_loss, g_loss = 2.0, 0.0

    def trainable(network: nn.Module, on: bool) -> None:
        for p in network.parameters():
            p.requires_grad_(on)

    for epoch in range(parts.steps):
        imgs, labels = next(parts.batches)
        with torch.no_grad():
            gen_imgs = generator((parts.discriminator_latent or parts.latent)(len(imgs)))

        def on_reals(x: Tensor = imgs, y: Tensor = labels) -> Tensor:
            scores = discriminator(look(x))
            extra = parts.extra_term(scores, y) if parts.extra_term is not None else 0.0
            return parts.loss.real(scores) + extra

        def on_fakes(x: Tensor = gen_imgs, real: Tensor = imgs) -> Tensor:
            loss = parts.loss.fake(discriminator(look(x)))
            if parts.penalty is not None:
                loss = loss + parts.penalty_weight * parts.penalty(discriminator, real, x)
            return loss

        if parts.discriminator_due(epoch, d_loss):
            told = [0.0, 0.0]
            if parts.kept_term != "fake":
                told[0] = model_d.train_on_batch(on_reals, parts.zero_discriminator and parts.zero_due(epoch))
            if parts.kept_term != "real":
                told[1] = model_d.train_on_batch(on_fakes, parts.zero_discriminator and parts.zero_due(epoch))
            parts.clamp(discriminator)
            d_loss = 0.5 * sum(told)

        def on_both(real: Tensor = imgs) -> Tensor:
            made = real if parts.generator_judges_reals else generator(parts.latent(len(real)))
            return parts.loss.generator(judge(look(made.detach() if parts.detach_for_generator else made)))

        if (epoch + 1) % parts.critic_steps == 0:
            trainable(judge, False)
            g_loss = combined.train_on_batch(on_both, parts.zero_generator and parts.zero_due(epoch))
            trainable(judge, True)

        parts.after(epoch, opt_g, opt_d)
        if epoch % parts.sample_every == 0:
            with torch.no_grad():
                generator(noise(25))
        parts.log(epoch, d_loss, g_loss)

    def predict(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(noise(count))

    return predict
