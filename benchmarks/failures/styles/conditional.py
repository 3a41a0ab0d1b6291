"""A conditional GAN: labels go into both networks, after the image or before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.networks import ProjectionDiscriminator
from benchmarks.failures.parts import Parts


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    g_optimizer, d_optimizer = parts.optimizers(generator, discriminator)
    monitor = watch(generator, discriminator)  # noqa: F841
    classes = parts.source.classes
    label_first = isinstance(discriminator, ProjectionDiscriminator)

    def judge(images: Tensor, labels: Tensor) -> Tensor:
        return discriminator(labels, images) if label_first else discriminator(images, labels)

    for step in range(parts.steps):
        real, labels = next(parts.batches)
        if parts.label_stream is not None:
            labels = parts.label_stream(labels)
        gen_labels = torch.randint(0, classes, (len(real),))
        fake = generator(parts.latent(len(real)), gen_labels)

        if parts.zero_discriminator:
            d_optimizer.zero_grad()
        loss_real = parts.loss.real(judge(real, labels))
        loss_fake = parts.loss.fake(judge(fake.detach(), gen_labels))
        d_loss = (loss_real + loss_fake) / 2
        d_loss.backward()
        d_optimizer.step()

        if parts.zero_generator:
            g_optimizer.zero_grad()
        g_loss = parts.loss.generator(
            judge(fake.detach() if parts.detach_for_generator else fake, gen_labels)
        )
        g_loss.backward()
        g_optimizer.step()

        if parts.schedule is not None:
            parts.schedule(step, g_optimizer, d_optimizer)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                generator(parts.latent(classes), torch.arange(classes))
        parts.log(step, d_loss.item(), g_loss.item())

    def sample(count: int, wanted: Tensor) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(parts.latent(count), wanted)

    return sample
