"""fastai's GAN learner: one module that is the generator or the critic, a callback that switches between
them every few batches and freezes the other one, one batch for one step of one player."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fourth.parts import FourthParts


class GANModule(nn.Module):
    def __init__(self, generator: nn.Module, critic: nn.Module) -> None:
        super().__init__()
        self.generator, self.critic, self.gen_mode = generator, critic, False

    def forward(self, *args: Tensor) -> Tensor:
        return self.generator(*args) if self.gen_mode else self.critic(*args)


class Learner:
    def __init__(self, parts: FourthParts) -> None:
        self.parts, self.model = parts, GANModule(parts.generator, parts.discriminator)
        self.opt_gen, self.opt_critic = parts.optimizers(parts.generator, parts.discriminator)
        self.look = parts.augment or (lambda x: x)

    def switch(self, gen_mode: bool) -> None:
        self.model.gen_mode = gen_mode
        self.set_trainable(self.model.generator, gen_mode)
        self.set_trainable(self.model.critic, not gen_mode)

    def set_trainable(self, network: nn.Module, on: bool) -> None:
        for p in network.parameters():
            p.requires_grad_(on)

    def loss_critic(self, real_pred: Tensor, x: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self.model.generator((self.parts.discriminator_latent or self.parts.latent)(len(x)))
        fake_pred = self.model.critic(self.look(fake))
        p = self.parts
        if not hasattr(p.loss, "real"):
            return p.loss.discriminator(real_pred, fake_pred)
        loss = p.joined(p.loss.real(real_pred), p.loss.fake(fake_pred))
        if p.extra_term is not None:
            loss = loss + p.extra_term(real_pred, labels)
        if p.penalty is not None:
            loss = loss + p.penalty_weight * p.penalty(self.model.critic, x, fake)
        return loss

    def loss_generator(self, output: Tensor, target: Tensor) -> Tensor:
        judged = target if self.parts.generator_judges_reals else output
        scores = self.model.critic(self.look(judged.detach() if self.parts.detach_for_generator else judged))
        with torch.no_grad():
            other = self.model.critic(self.look(target))
        return self.parts.loss.generator(scores, other)

    def one_batch(self, step: int) -> float:
        p, model = self.parts, self.model
        x, labels = next(p.batches)
        network, opt = (model.generator, self.opt_gen) if model.gen_mode else (model.critic, self.opt_critic)
        if (p.zero_generator if model.gen_mode else p.zero_discriminator) and p.zero_due(step):
            opt.zero_grad()
        if model.gen_mode:
            loss = self.loss_generator(model(p.latent(len(x))), x)
        else:
            loss = self.loss_critic(model(self.look(x)), x, labels)
        loss = p.remade(loss)
        if loss.requires_grad:
            loss.backward()
        p.clip(network, early=False)
        if p.zero_before_step:
            opt.zero_grad()
        opt.step()
        if not model.gen_mode:
            p.clamp(network)
        return float(loss.detach())


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    learn = Learner(parts)
    generator = learn.model.generator
    watch(generator, learn.model.critic)
    critic_loss = gen_loss = 2.0
    for step in range(parts.steps):
        learn.switch(False)
        for _ in range(parts.critic_steps):
            if parts.discriminator_due(step, critic_loss):
                critic_loss = learn.one_batch(step)
        learn.switch(True)
        gen_loss = learn.one_batch(step)
        parts.after(step, learn.opt_gen, learn.opt_critic)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                generator((parts.sample_latent or parts.latent)(16))
        parts.log(step, critic_loss, gen_loss)
    learn.set_trainable(learn.model.critic, True)

    def show_results(count: int) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator((parts.sample_latent or parts.latent)(count))

    return show_results
