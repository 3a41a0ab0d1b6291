"""ACGAN's script: the discriminator gives a validity and a class, and both networks are trained on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.third.parts import ThirdParts


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    auxiliary_loss = nn.CrossEntropyLoss()
    watch(generator, discriminator)
    optimizer_G, optimizer_D = parts.optimizers(generator, discriminator)
    n_classes, weight = parts.source.classes, parts.auxiliary_weight
    relabel = parts.generator_labels or (lambda y: y)

    def losses_of_generator(count: int) -> tuple[Tensor, Tensor]:
        gen_labels = torch.randint(0, n_classes, (count,))
        gen_imgs = generator(parts.latent(count), gen_labels)
        validity, pred_label = discriminator(gen_imgs.detach() if parts.detach_for_generator else gen_imgs)
        auxiliary = weight * auxiliary_loss(pred_label, relabel(gen_labels))
        if not parts.auxiliary_for_generator:
            auxiliary = 0.0 * auxiliary.detach()
        return parts.loss.generator(validity), auxiliary

    parts.terms = lambda: losses_of_generator(64)
    for i in range(parts.steps):
        imgs, labels = next(parts.batches)
        if parts.label_stream is not None:
            labels = parts.label_stream(labels)
        # ---- generator
        if parts.zero_generator:
            optimizer_G.zero_grad()
        adversarial, auxiliary = losses_of_generator(len(imgs))
        g_loss = 0.5 * (adversarial + auxiliary)
        if g_loss.requires_grad:
            g_loss.backward()
        optimizer_G.step()

        # ---- discriminator
        if parts.zero_discriminator:
            optimizer_D.zero_grad()
        real_pred, real_aux = discriminator(imgs)
        d_real_loss = (parts.loss.real(real_pred) + auxiliary_loss(real_aux, labels)) / 2
        gen_labels = torch.randint(0, n_classes, (len(imgs),))
        with torch.no_grad():
            gen_imgs = generator(parts.latent(len(imgs)), gen_labels)
        fake_pred, fake_aux = discriminator(gen_imgs)
        d_fake_loss = (parts.loss.fake(fake_pred) + 0.2 * auxiliary_loss(fake_aux, gen_labels)) / 2
        d_loss = parts.joined(d_real_loss, d_fake_loss) / 2
        d_loss.backward()
        optimizer_D.step()

        if parts.schedule is not None:
            parts.schedule(i, optimizer_G, optimizer_D)
        if i % parts.sample_every == 0:
            with torch.no_grad():
                generator(parts.latent(n_classes), torch.arange(n_classes))
        parts.log(i, d_loss.item(), float(g_loss.detach()))

    def sample(count: int, wanted: Tensor) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(parts.latent(count), wanted)

    return sample
