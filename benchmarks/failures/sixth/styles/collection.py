"""One class for each GAN, as a well-known collection of generative models has them: epochs over a loader,
`y_real_` and `y_fake_`, one latent batch for both players, fakes that are not detached, a generator whose
step is counted in iterations, `train_hist`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fifth.parts import first
from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.sixth.parts import SixthParts


class GAN:
    def __init__(self, parts: SixthParts, watch: Callable[..., Any]) -> None:
        self.parts, self.G, self.D = parts, parts.generator, parts.discriminator
        self.G_optimizer, self.D_optimizer = parts.optimizers(self.G, self.D)
        watch(self.G, self.D)
        self.n_critic = parts.critic_steps
        self.train_hist: dict[str, list[float]] = {"D_loss": [2.0], "G_loss": [2.0]}

    def judge(self, x: Tensor) -> Tensor:
        return first(self.D(self.parts.shown(x)))

    def term(self, scores: Tensor, wanted: float, name: str) -> Tensor:
        """self.BCE_loss(D_real, self.y_real_), or the term of a loss without labels."""
        p = self.parts
        if isinstance(p.loss, LabelLoss):
            return p.loss.criterion(scores, torch.full(scores.shape, wanted))
        return getattr(p.loss, name)(scores)

    def update_discriminator(self, x_: Tensor, labels: Tensor, z_: Tensor, iteration: int) -> None:
        p = self.parts
        if p.zero_discriminator and p.zero_due(iteration):
            self.D_optimizer.zero_grad()
        D_real = self.judge(x_)
        G_ = self.G(z_ if p.discriminator_latent is None else p.discriminator_latent(len(x_)))
        if p.detach_for_discriminator:
            G_ = G_.detach()
        D_fake = self.judge(G_)
        if p.fakes_as_reals:
            D_real = self.judge(G_)
        D_real_loss = self.term(D_real, getattr(p.loss, "real_label", 1.0), "real")
        D_fake_loss = self.term(D_fake, getattr(p.loss, "fake_label", 0.0), "fake")
        D_loss = p.joined(D_real_loss, D_fake_loss)
        if p.extra_term is not None:
            D_loss = D_loss + p.extra_term(D_real, labels)
        D_loss = p.regularised(D_loss, iteration + 1, self.judge, x_, G_)
        self.train_hist["D_loss"].append(D_loss.item())
        if p.step_before_backward:
            self.D_optimizer.step()
            D_loss.backward()
        else:
            D_loss.backward()
            p.clip(self.D, early=False)
            if p.clip_before_step:
                p.tidy(self.D, self.G)
            self.D_optimizer.step()
        if p.zero_after_step:
            self.D_optimizer.zero_grad()
        if not p.clip_before_step:
            p.tidy(self.D, self.G)

    def update_generator(self, x_: Tensor, z_: Tensor, iteration: int) -> None:
        p = self.parts
        if p.zero_generator and p.zero_due(iteration):
            self.G_optimizer.zero_grad()
        G_ = p.cut(self.G(z_))
        D_fake = self.judge(x_ if p.generator_judges_reals else G_)
        if isinstance(p.loss, LabelLoss):
            G_loss = self.term(D_fake, p.loss.generator_target, "real")
        else:
            G_loss = p.loss.generator(D_fake)
        G_loss = p.remade(G_loss)
        self.train_hist["G_loss"].append(G_loss.item())
        if p.step_before_backward:
            self.G_optimizer.step()
        if G_loss.requires_grad:
            G_loss.backward()
        if not p.step_before_backward:
            p.clip(self.G, early=False)
            self.G_optimizer.step()
        if p.zero_after_step:
            self.G_optimizer.zero_grad()

    def train(self) -> None:
        p = self.parts
        self.D.train()
        for iteration in range(p.steps * self.n_critic):
            x_, labels = next(p.batches)
            z_ = p.latent(len(x_))
            if p.discriminator_due(iteration, self.train_hist["D_loss"][-1]):
                self.update_discriminator(x_, labels, z_, iteration)
            if (iteration + 1) % self.n_critic:
                continue
            if p.generator_due(iteration):
                self.update_generator(x_, z_, iteration)
            step = iteration // self.n_critic
            p.after(step, self.G_optimizer, self.D_optimizer)
            if step % p.sample_every == 0:
                self.visualize_results()
            p.log(step, self.train_hist["D_loss"][-1], self.train_hist["G_loss"][-1])

    @torch.no_grad()
    def visualize_results(self) -> None:
        self.G.eval()
        self.G(self.parts.sampled(16))
        self.G.train()


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    gan = GAN(parts, watch)
    gan.train()

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return gan.G.eval()(parts.sampled(count))

    return sample
