"""A class-conditional loop with a projection discriminator: one pass over reals and fakes, two time scales
that fall linearly, `torch.optim.swa_utils.AveragedModel` for the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from benchmarks.failures.fifth.parts import FifthParts


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    opt_gen, opt_dis = parts.optimizers(generator, discriminator)
    watch(generator, discriminator)
    decay = parts.average_decay or 0.0
    ema = AveragedModel(generator, avg_fn=lambda kept, now, count: decay * kept + (1 - decay) * now)
    schedulers = [LambdaLR(opt, lambda step: 1.0 - 0.8 * step / parts.steps) for opt in (opt_gen, opt_dis)]
    known = parts.source.labels
    of_reals, of_fakes = parts.label_stream or (lambda y: y), parts.fake_label_stream or (lambda y: y)
    of_generator = parts.generator_labels or (lambda y: y)

    def draw(count: int) -> Tensor:
        return known[torch.randint(0, len(known), (count,))]

    def update_average(step: int) -> None:
        if not parts.average_updated or step % parts.average_every:
            return
        if parts.average_buffers:
            ema.update_parameters(generator)
        else:  # an older AveragedModel: buffers are those of its first copy
            with torch.no_grad():
                for kept, now in zip(ema.module.parameters(), generator.parameters(), strict=True):
                    kept.copy_(decay * kept + (1 - decay) * now)
        if parts.average_copied_back:
            generator.load_state_dict(ema.module.state_dict())

    ema.eval()
    for step in range(parts.steps):
        for _ in range(parts.critic_steps):
            x, y = next(parts.batches)
            y, y_fake = of_reals(y), draw(len(x))
            with torch.no_grad():
                x_fake = (ema if parts.fakes_from_average else generator)(parts.fake_latent(len(x)), y_fake)
            halves = [(x, y), (x_fake, of_fakes(y_fake))]
            if parts.chunks_exchanged:
                halves.reverse()
            dis_real, dis_fake = discriminator(
                torch.cat([sample for sample, _ in halves]), torch.cat([label for _, label in halves])
            ).split(len(x))
            loss_dis = parts.discriminator_loss(dis_real, dis_fake)
            if parts.zero_discriminator and parts.zero_due(step):
                opt_dis.zero_grad()
            loss_dis.backward()
            parts.clip(discriminator, early=False)
            opt_dis.step()

        y_fake = draw(parts.batch_size)
        x_fake = parts.cut(generator(parts.latent(parts.batch_size), y_fake))
        loss_gen = parts.remade(parts.loss.generator(discriminator(x_fake, of_generator(y_fake))))
        if parts.zero_generator and parts.zero_due(step):
            opt_gen.zero_grad()
        if loss_gen.requires_grad:
            loss_gen.backward()
        parts.clip(generator, early=False)
        opt_gen.step()
        update_average(step)
        for scheduler in schedulers:
            scheduler.step()
        parts.after(step, opt_gen, opt_dis)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                ema(parts.sampled(8), draw(8))
        parts.log(step, loss_dis.item(), loss_gen.item())

    @torch.no_grad()
    def sample(count: int, wanted: Tensor) -> Tensor:
        return ema.eval()(parts.sampled(count), wanted)

    return sample
