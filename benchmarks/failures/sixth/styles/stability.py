"""The trainer of the study "Which training methods for GANs do actually converge?": two train steps that
toggle the gradients, one backward call for the reals, one for the penalty at them and one for the fakes; the
label picks one of the discriminator's scores; an averaged generator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.sixth.parts import SixthParts


def toggle_grad(model: nn.Module, requires_grad: bool) -> None:
    for p in model.parameters():
        p.requires_grad_(requires_grad)


def update_average(parts: SixthParts, kept: nn.Module, now: nn.Module) -> None:
    toggle_grad(kept, False)
    found, beta = dict(now.named_parameters()), parts.average_decay or 0.0
    for name, p in kept.named_parameters():
        p.copy_(beta * p + (1.0 - beta) * found[name].detach())
    if parts.average_buffers:
        for buffer, other in zip(kept.buffers(), now.buffers(), strict=True):
            buffer.copy_(other)


class Trainer:
    def __init__(self, parts: SixthParts, generator: nn.Module, discriminator: nn.Module) -> None:
        self.parts, self.generator, self.discriminator = parts, generator, discriminator
        self.g_optimizer, self.d_optimizer = parts.optimizers(generator, discriminator)
        self.count = 0

    def generator_trainstep(self, y: Tensor, z: Tensor, it: int) -> float:
        p = self.parts
        toggle_grad(self.generator, True)
        toggle_grad(self.discriminator, False)
        if p.zero_generator and p.zero_due(it):
            self.g_optimizer.zero_grad()
        x_fake = p.cut(self.generator(z, y))
        asked = y if p.generator_labels is None else p.generator_labels(y)
        gloss = p.remade(p.loss.generator(self.discriminator(x_fake, asked)))
        if gloss.requires_grad:
            gloss.backward()
        p.clip(self.generator, early=False)
        self.g_optimizer.step()
        return gloss.item()

    def discriminator_trainstep(self, x_real: Tensor, y: Tensor, z: Tensor, it: int) -> float:
        p = self.parts
        self.count += 1
        toggle_grad(self.generator, False)
        toggle_grad(self.discriminator, True)
        if p.zero_discriminator and p.zero_due(it):
            self.d_optimizer.zero_grad()
        paired = y if p.label_stream is None else p.label_stream(y)
        dloss_real = p.loss.real(self.discriminator(x_real, paired))
        if p.kept_term != "fake":
            dloss_real.backward()
        with torch.no_grad():
            x_fake = self.generator(z, y)
        if p.penalty is not None and self.count % p.penalty_every == 0:
            judge = lambda x: self.discriminator(x, paired)  # noqa: E731 - as short as in the script
            reg = p.penalty_weight * p.penalty_every * p.penalty(judge, x_real, x_fake)
            reg.backward()
        shown = y if p.fake_label_stream is None else p.fake_label_stream(y)
        dloss_fake = p.loss.fake(self.discriminator(x_fake, shown))
        if p.kept_term != "real":
            dloss_fake.backward()
        p.clip(self.discriminator, early=False)
        self.d_optimizer.step()
        toggle_grad(self.discriminator, False)
        return float((dloss_real + dloss_fake).detach())


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    watch(generator, discriminator)
    generator_test = copy.deepcopy(generator)
    trainer = Trainer(parts, generator, discriminator)
    known = parts.source.labels
    it, updates, gloss = -1, 0, 2.0
    while updates < parts.steps:
        it += 1
        x_real, y = next(parts.batches)
        dloss = trainer.discriminator_trainstep(x_real, y, parts.fake_latent(len(y)), updates)
        if (it + 1) % parts.critic_steps:
            continue
        wanted = known[torch.randint(0, len(known), (parts.batch_size,))]
        gloss = trainer.generator_trainstep(wanted, parts.latent(parts.batch_size), updates)
        if parts.average_decay is not None and parts.average_updated and updates % parts.average_every == 0:
            with torch.no_grad():
                update_average(parts, generator_test, generator)
        parts.after(updates, trainer.g_optimizer, trainer.d_optimizer)
        if updates % parts.sample_every == 0:
            with torch.no_grad():
                generator_test(parts.sampled(8), known[:8])
        parts.log(updates, dloss, gloss)
        updates += 1
    toggle_grad(generator, True)
    toggle_grad(discriminator, True)

    @torch.no_grad()
    def evaluate(count: int, wanted: Tensor) -> Tensor:
        network = generator if parts.average_decay is None else generator_test
        return network.eval()(parts.sampled(count), wanted)

    return evaluate
