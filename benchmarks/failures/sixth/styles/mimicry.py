"""Mimicry's way: the networks train themselves (`netD.train_step`, `netG.train_step`), a trainer calls them,
the generator only in the last of the discriminator's steps; rates fall linearly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import first
from benchmarks.failures.sixth.parts import SixthParts


class BaseModel:
    """A network and how it is trained."""

    def __init__(self, parts: SixthParts, net: nn.Module) -> None:
        self.parts, self.net = parts, net

    def zero_grad(self) -> None:
        self.net.zero_grad()


class BaseGenerator(BaseModel):
    def generate_images(self, count: int, latent: Callable[[int], Tensor]) -> Tensor:
        return self.net(latent(count))

    def train_step(self, real_batch: Any, netD: BaseDiscriminator, optG: Any, step: int) -> float:
        p = self.parts
        if p.zero_generator and p.zero_due(step):
            self.zero_grad()
        fake = p.cut(self.generate_images(len(real_batch[0]), p.latent))
        output = netD.forward(real_batch[0] if p.generator_judges_reals else fake)
        errG = p.remade(p.loss.generator(output, p.others(netD.forward, real_batch[0])))
        if errG.requires_grad:
            errG.backward()
        p.clip(self.net, early=False)
        if p.zero_before_step:
            self.zero_grad()
        optG.step()
        return float(errG.detach())


class BaseDiscriminator(BaseModel):
    count = 0

    def forward(self, x: Tensor) -> Tensor:
        return first(self.net(self.parts.shown(x)))

    def train_step(self, real_batch: Any, netG: BaseGenerator, optD: Any, step: int) -> float:
        p, (real, labels) = self.parts, real_batch
        self.count += 1
        if p.zero_discriminator and p.zero_due(step):
            self.zero_grad()
        output_real = self.forward(real)
        fake = netG.generate_images(len(real), p.fake_latent).detach()
        output_fake = self.forward(fake)
        errD = p.discriminator_loss(output_real, output_fake, labels)
        errD = p.regularised(errD, self.count, self.forward, real, fake)
        errD.backward()
        p.clip(self.net, early=False)
        if p.zero_before_step:
            self.zero_grad()
        optD.step()
        p.tidy(self.net, netG.net)
        return float(errD.detach())


class LRScheduler:
    """Linear, from the first step to the last one, to a fifth."""

    def __init__(self, num_steps: int, *optimizers: torch.optim.Optimizer) -> None:
        self.num_steps, self.optimizers = num_steps, optimizers
        self.starts = [[group["lr"] for group in one.param_groups] for one in optimizers]

    def step(self, global_step: int) -> None:
        for optimizer, starts in zip(self.optimizers, self.starts, strict=True):
            for group, start in zip(optimizer.param_groups, starts, strict=True):
                group["lr"] = start * (1.0 - 0.8 * global_step / self.num_steps)


class Trainer:
    def __init__(self, parts: SixthParts, watch: Callable[..., Any]) -> None:
        self.parts, self.n_dis = parts, parts.critic_steps
        self.netG = BaseGenerator(parts, parts.generator)
        self.netD = BaseDiscriminator(parts, parts.discriminator)
        self.optG, self.optD = parts.optimizers(parts.generator, parts.discriminator)
        watch(parts.generator, parts.discriminator)
        # a checkpoint that was restored for the one and not for the other
        self.judge = (
            BaseDiscriminator(parts, copy.deepcopy(parts.discriminator)) if parts.stale_copy else self.netD
        )
        # a schedule of the script's own takes the place of the linear one
        self.scheduler = None if parts.schedule else LRScheduler(parts.steps, self.optG, self.optD)

    def train(self) -> None:
        p = self.parts
        errD = errG = 2.0
        for global_step in range(p.steps):
            for i in range(self.n_dis):
                real_batch = next(p.batches)
                if p.discriminator_due(global_step, errD):
                    errD = self.netD.train_step(real_batch, self.netG, self.optD, global_step)
                if i == self.n_dis - 1:  # the generator only in the last of them
                    errG = self.netG.train_step(real_batch, self.judge, self.optG, global_step)
            if self.scheduler is not None:
                self.scheduler.step(global_step)
            p.after(global_step, self.optG, self.optD)
            if global_step % p.sample_every == 0:
                with torch.no_grad():
                    self.netG.generate_images(16, p.sampled)
            p.log(global_step, errD, errG)


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    trainer = Trainer(parts, watch)
    trainer.train()

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        trainer.netG.net.eval()
        return trainer.netG.generate_images(count, parts.sampled)

    return sample
