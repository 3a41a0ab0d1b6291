"""A trainer class: lazy R1, gradient accumulation, an averaged generator for sampling, an adaptive
augmentation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.parts import Parts


class GanTrainer:
    def __init__(self, parts: Parts, watch: Callable[..., Any]) -> None:
        self.parts = parts
        self.gen, self.disc = parts.generator, parts.discriminator
        if parts.optimizers_first:
            self.gen_opt, self.disc_opt = parts.optimizers(self.gen, self.disc)
        self.monitor = watch(self.gen, self.disc)
        if not parts.optimizers_first:
            self.gen_opt, self.disc_opt = parts.optimizers(self.gen, self.disc)
        self.average = None
        if parts.average_decay is not None:
            self.average = copy.deepcopy(self.gen).eval().requires_grad_(False)

    def score(self, x: Tensor) -> Tensor:
        if self.parts.augment is not None:
            x = self.parts.augment(x)
        out = self.disc(x)
        if isinstance(out, dict):
            return out["score"]
        return out[0] if isinstance(out, tuple) else out

    def train_discriminator(self, step: int) -> float:
        p = self.parts
        if p.zero_discriminator and not p.zero_after_step:
            self.disc_opt.zero_grad()
        total = 0.0
        for _ in range(p.accumulate):
            real, _ = next(p.batches)
            with torch.no_grad():
                fake = self.gen(p.latent(len(real)))
            real_score, fake_score = self.score(real), self.score(fake)
            if p.controller is not None:
                p.controller(real_score.detach())
            loss = p.loss.discriminator(real_score, fake_score) / p.accumulate
            if p.penalty is not None and (step + 1) % p.penalty_every == 0:
                weight = p.penalty_weight * p.penalty_every
                loss = loss + weight * p.penalty(self.score, real, fake) / p.accumulate
            loss.backward()
            total += float(loss.detach())
        if p.clip_gradients is not None:
            p.clip_gradients(self.disc.parameters())
        self.disc_opt.step()
        if p.zero_after_step:
            self.disc_opt.zero_grad()
        return total

    def train_generator(self) -> float:
        p = self.parts
        if p.zero_generator and not p.zero_after_step:
            self.gen_opt.zero_grad()
        total = 0.0
        for _ in range(p.accumulate):
            fake = self.gen(p.latent(p.batch_size))
            if p.detach_for_generator:
                fake = fake.detach()
            loss = p.loss.generator(self.score(fake)) / p.accumulate
            loss.backward()
            total += float(loss.detach())
        if p.clip_gradients is not None:
            p.clip_gradients(self.gen.parameters())
        self.gen_opt.step()
        if p.zero_after_step:
            self.gen_opt.zero_grad()
        return total

    @torch.no_grad()
    def update_average(self) -> None:
        if self.average is None:
            return
        for kept, now in zip(self.average.parameters(), self.gen.parameters()):
            kept.lerp_(now, 1 - self.parts.average_decay)
        if self.parts.average_buffers:
            for kept, now in zip(self.average.buffers(), self.gen.buffers()):
                kept.copy_(now)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        draw = self.parts.sample_latent or self.parts.latent
        if self.average is not None:
            return self.average(draw(count))
        self.gen.eval()
        samples = self.gen(draw(count))
        self.gen.train()
        return samples

    def fit(self) -> None:
        for step in range(self.parts.steps):
            d = self.train_discriminator(step)
            g = self.train_generator()
            self.update_average()
            if self.parts.schedule is not None:
                self.parts.schedule(step, self.gen_opt, self.disc_opt)
            if step % self.parts.sample_every == self.parts.sample_every - 1:
                self.sample(16)
            self.parts.log(step, d, g)


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    trainer = GanTrainer(parts, watch)
    trainer.fit()
    return trainer.sample
