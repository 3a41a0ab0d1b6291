"""A module that holds both networks and optimises by hand, as Lightning's GAN examples do; lazy R1, an
averaged copy in `callbacks`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.second.parts import SecondParts


class AverageCallback:
    def __init__(self, network: nn.Module, decay: float, buffers: bool) -> None:
        self.shadow = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay, self.buffers = decay, buffers

    @torch.no_grad()
    def on_batch_end(self, network: nn.Module) -> None:
        learned = {name for name, _ in network.named_parameters()}
        now = network.state_dict()
        for name, kept in self.shadow.state_dict().items():
            if name in learned:
                kept.mul_(self.decay).add_(now[name], alpha=1 - self.decay)
            elif self.buffers:
                kept.copy_(now[name])


class LitGAN(nn.Module):
    def __init__(self, parts: SecondParts) -> None:
        super().__init__()
        self.generator, self.discriminator = parts.generator, parts.discriminator
        self.parts = parts

    def forward(self, z: Tensor) -> Tensor:
        return self.generator(z)

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        return self.parts.optimizers(self.generator, self.discriminator)

    def toggle(self, network: nn.Module) -> None:
        for one in (self.generator, self.discriminator):
            one.requires_grad_(one is network)

    def judge(self, x: Tensor) -> Tensor:
        return self.discriminator(x if self.parts.augment is None else self.parts.augment(x))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int, optimizers: Any) -> dict[str, float]:
        p, (real, _) = self.parts, batch
        opt_g, opt_d = optimizers
        self.toggle(self.discriminator)
        fake = self(p.latent(len(real))).detach()
        real_scores, fake_scores = self.judge(real), self.judge(fake)
        if p.controller is not None:
            p.controller(real_scores.detach())
        d_loss = p.loss.discriminator(real_scores, fake_scores)
        total = d_loss
        if p.penalty is not None and (index + 1) % p.penalty_every == 0:
            total = d_loss + p.penalty_weight * p.penalty_every * p.penalty(self.judge, real, fake)
        if p.zero_discriminator:
            opt_d.zero_grad()
        total.backward()
        if p.clip_gradients is not None:
            p.clip_gradients(self.discriminator.parameters())
        opt_d.step()

        self.toggle(self.generator)
        made = self(p.latent(len(real)))
        if p.detach_for_generator:
            made = made.detach()
        with torch.no_grad():
            real_scores = self.judge(real)
        g_loss = p.loss.generator(self.judge(made), real_scores)
        if p.zero_generator:
            opt_g.zero_grad()
        if g_loss.requires_grad:
            g_loss.backward()
        if p.clip_gradients is not None:
            p.clip_gradients(self.generator.parameters())
        opt_g.step()
        self.requires_grad_(True)
        return {"d_loss": float(d_loss.detach()), "g_loss": float(g_loss.detach())}


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    model = LitGAN(parts)
    optimizers = model.configure_optimizers()
    watch(model.generator, model.discriminator)
    average = None
    if parts.average_decay is not None:
        average = AverageCallback(model.generator, parts.average_decay, parts.average_buffers)

    for index in range(parts.steps):
        logged = model.training_step(next(parts.batches), index, optimizers)
        if average is not None:
            average.on_batch_end(model.generator)
        if parts.schedule is not None:
            parts.schedule(index, *optimizers)
        if index % parts.sample_every == 0:
            with torch.no_grad():
                (average.shadow if average else model)(parts.latent(16))
        parts.log(index, logged["d_loss"], logged["g_loss"])

    draw = parts.sample_latent or parts.latent

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        if average is not None:
            return average.shadow(draw(count))
        model.eval()
        return model(draw(count))

    return sample
