"""A script for Accelerate, with the wrapper written out: `prepare`, `accumulate`, `backward`, optimizers that
only step where gradients are in sync, clipping by the wrapper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import FifthParts, first


class AcceleratedOptimizer:
    def __init__(self, optimizer: torch.optim.Optimizer, accelerator: Accelerator) -> None:
        self.optimizer, self.accelerator = optimizer, accelerator

    def step(self) -> None:
        if self.accelerator.sync_gradients:
            self.optimizer.step()

    def zero_grad(self) -> None:
        if self.accelerator.sync_gradients:
            self.optimizer.zero_grad()


class Accelerator:
    def __init__(self, gradient_accumulation_steps: int, mixed_precision: str) -> None:
        self.gradient_accumulation_steps, self.mixed_precision = gradient_accumulation_steps, mixed_precision
        self.sync_gradients, self.step = True, 0

    def prepare(self, *objects: Any) -> list[Any]:
        return [AcceleratedOptimizer(o, self) if isinstance(o, torch.optim.Optimizer) else o for o in objects]

    @contextmanager
    def accumulate(self, model: nn.Module) -> Iterator[None]:
        self.step += 1
        self.sync_gradients = self.step % self.gradient_accumulation_steps == 0
        yield

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.float16, enabled=self.mixed_precision == "fp16")

    def backward(self, loss: Tensor) -> None:
        if loss.requires_grad:
            (loss / self.gradient_accumulation_steps).backward()


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    accelerator = Accelerator(parts.accumulate, "fp16" if parts.half_precision else "no")
    optimizers = parts.optimizers(parts.generator, parts.discriminator)
    generator, discriminator, optimizer_g, optimizer_d = accelerator.prepare(
        parts.generator, parts.discriminator, *optimizers
    )
    watch(generator, discriminator)

    def judge(x: Tensor) -> Tensor:
        return first(discriminator(parts.shown(x)))

    def update(network: nn.Module, optimizer: Any, zero: bool, loss_of: Callable[..., Tensor]) -> float:
        """One optimizer step, of as many micro-batches as are accumulated."""
        total = 0.0
        for _ in range(parts.accumulate):
            with accelerator.accumulate(network):
                loss = loss_of(*next(parts.batches))
                if parts.step_before_backward:
                    optimizer.step()
                if accelerator.sync_gradients:
                    parts.clip(network, early=True)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    parts.clip(network, early=False)
                if parts.zero_before_step:
                    optimizer.zero_grad()
                if not parts.step_before_backward:
                    optimizer.step()
                if zero:
                    optimizer.zero_grad()
                total += loss.item() / parts.accumulate
        return total

    number = [0]

    def loss_of_discriminator(real: Tensor, labels: Tensor) -> Tensor:
        number[0] += 1
        with accelerator.autocast():
            with torch.no_grad():
                fake = generator(parts.fake_latent(len(real)))
            loss = parts.discriminator_loss(judge(real), judge(fake), labels)
        return parts.regularised(loss, number[0], judge, real, fake.float())

    def loss_of_generator(real: Tensor, labels: Tensor) -> Tensor:
        with accelerator.autocast():
            made = real if parts.generator_judges_reals else parts.cut(generator(parts.latent(len(real))))
            scores = judge(made)
            others = parts.others(judge, real)
            return parts.remade(parts.loss.generator(scores, others))

    d_loss = g_loss = 2.0
    for step in range(parts.steps):
        due = parts.zero_due(step)
        if not parts.zero_after_step and due:  # gradients that the other player's pass has left
            if parts.zero_discriminator:
                optimizers[1].zero_grad()
            if parts.zero_generator:
                optimizers[0].zero_grad()
        if parts.discriminator_due(step, d_loss):
            for _ in range(parts.critic_steps):
                zero = (parts.zero_discriminator and due) or parts.zero_after_step
                d_loss = update(discriminator, optimizer_d, zero, loss_of_discriminator)
                parts.tidy(discriminator, generator)
        if parts.generator_due(step):
            zero = (parts.zero_generator and due) or parts.zero_after_step
            g_loss = update(generator, optimizer_g, zero, loss_of_generator)
        parts.after(step, *optimizers)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                generator(parts.sampled(12))
        parts.log(step, d_loss, g_loss)

    @torch.inference_mode()
    def sample(count: int) -> Tensor:
        generator.eval()
        return generator(parts.sampled(count)).float().clone()

    return sample
