"""The DCGAN example of PyTorch-Ignite: one process function for an engine, handlers for all the rest; two
backward calls for the discriminator, and the fakes of its step are judged again in the generator's. The last
batch of an epoch is smaller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fifth.parts import first
from benchmarks.failures.sixth.parts import SixthParts
from benchmarks.failures.third.parts import epochs

Batch = tuple[Tensor, Tensor]


class Engine:
    """Calls the process function for every batch, and the handlers of iterations."""

    def __init__(self, process: Callable[[Engine, Batch], dict[str, float]]) -> None:
        self.process, self.iteration, self.output = process, 0, {"errD": 2.0, "errG": 2.0}
        self.handlers: list[tuple[int, Callable[[Engine], None]]] = []

    def on(self, every: int = 1) -> Callable[[Callable[[Engine], None]], None]:
        return lambda handler: self.handlers.append((every, handler))

    def run(self, data: Any, max_iters: int) -> None:
        for self.iteration in range(max_iters):
            self.output = self.output | self.process(self, next(data))
            for every, handler in self.handlers:
                if self.iteration % every == 0:
                    handler(self)


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    if parts.optimizers_first:
        optimizerG, optimizerD = parts.optimizers(netG, netD)
    watch(netG, netD)
    if not parts.optimizers_first:
        optimizerG, optimizerD = parts.optimizers(netG, netD)
    data = epochs(parts)
    pool: deque[Tensor] = deque(maxlen=max(1, parts.replayed))

    def precision() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.float16, enabled=parts.half_precision)

    def judge(x: Tensor) -> Tensor:
        with precision():
            return first(netD(parts.shown(x)))

    def from_pool(fake: Tensor) -> Tensor:
        """A history of fakes, where there is one."""
        if not parts.replayed:
            return fake
        if len(pool) < parts.replayed:
            pool.append(fake)
            return fake
        return pool[int(torch.randint(0, len(pool), ()))]

    def update_discriminator(i: int, real: Tensor, labels: Tensor, fake: Tensor) -> float:
        if parts.zero_discriminator and parts.zero_due(i):
            netD.zero_grad()
        shown = from_pool(fake.detach())
        output = judge(shown if parts.fakes_as_reals else real)
        errD_real = parts.loss.real(output)
        if parts.extra_term is not None:
            errD_real = errD_real + parts.extra_term(output, labels)
        errD_real = parts.regularised(errD_real, i + 1, judge, real, fake)
        if parts.kept_term != "fake":
            errD_real.backward()
        errD_fake = parts.loss.fake(judge(shown))
        if parts.kept_term != "real":
            errD_fake.backward()
        parts.clip(netD, early=False)
        optimizerD.step()
        if parts.zero_after_step:
            optimizerD.zero_grad()
        parts.tidy(netD, netG)
        return float((errD_real + errD_fake).detach())

    def step(engine: Engine, batch: Batch) -> dict[str, float]:
        real, labels = batch
        i, told = engine.iteration, {}
        with precision():
            fake = netG(parts.latent(len(real)))
        if parts.discriminator_due(i, engine.output["errD"]):
            told["errD"] = update_discriminator(i, real, labels, fake)
            for _ in range(parts.critic_steps - 1):
                with precision():
                    fake = netG(parts.latent(len(real)))
                told["errD"] = update_discriminator(i, *next(data), fake)
        for again in range(parts.generator_steps):
            if again:
                fake = netG(parts.latent(len(real)))
            if parts.zero_generator and parts.zero_due(i):
                netG.zero_grad()
            output = judge(real if parts.generator_judges_reals else parts.cut(fake))
            errG = parts.remade(parts.loss.generator(output))
            if errG.requires_grad:
                errG.backward()
            parts.clip(netG, early=False)
            optimizerG.step()
            if parts.zero_after_step:
                optimizerG.zero_grad()
        return told | {"errG": float(errG.detach())}

    trainer = Engine(step)

    @trainer.on()
    def schedulers(engine: Engine) -> None:
        parts.after(engine.iteration, optimizerG, optimizerD)

    @trainer.on(every=parts.sample_every)
    def save_fake_example(engine: Engine) -> None:
        with torch.no_grad():
            netG(parts.sampled(16))

    @trainer.on()
    def print_logs(engine: Engine) -> None:
        parts.log(engine.iteration, engine.output["errD"], engine.output["errG"])

    trainer.run(data, parts.steps)

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return netG.eval()(parts.sampled(count)).float()

    return sample
