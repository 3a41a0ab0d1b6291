"""ESRGAN's script: pixels alone in a warm-up, then pixels, a content distance and a relativistic average
term; reals and fakes score against the mean of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.third.parts import ThirdParts, epochs


def extractor(channels: int) -> nn.Module:
    """Fixed random filters stand in for VGG: pretrained, frozen, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = nn.Sequential(nn.Conv2d(channels, 12, 3, 1, 1), nn.ReLU(), nn.Conv2d(12, 12, 3, 1, 1))
    return network.eval().requires_grad_(False)


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    feature_extractor = extractor(parts.source.shape[0])
    optimizer_G, optimizer_D = parts.optimizers(generator, discriminator)
    watch(generator, discriminator)
    warmup_batches = parts.discriminator_start

    def content(imgs_hr: Tensor, gen_hr: Tensor) -> Tensor:
        distance = functional.l1_loss(feature_extractor(gen_hr), feature_extractor(imgs_hr))
        return parts.pixel_weight * (functional.l1_loss(gen_hr, imgs_hr) + 0.5 * distance)

    def adversarial(imgs_hr: Tensor, gen_hr: Tensor) -> Tensor:
        pred_real = discriminator(imgs_hr).detach()
        pred_fake = discriminator(gen_hr.detach() if parts.detach_for_generator else gen_hr)
        return parts.adversarial_weight * parts.loss.generator(pred_fake, pred_real)

    def terms() -> tuple[Tensor, Tensor]:
        imgs_hr, _ = next(parts.batches)
        gen_hr = generator(functional.avg_pool2d(imgs_hr, 2))
        return adversarial(imgs_hr, gen_hr), content(imgs_hr, gen_hr)

    parts.terms = terms
    for batches_done, (imgs_hr, _) in enumerate(epochs(parts)):
        if batches_done == parts.steps:
            break
        imgs_lr = functional.avg_pool2d(imgs_hr, 2)
        if parts.zero_generator:
            optimizer_G.zero_grad()
        gen_hr = generator(imgs_lr)
        if batches_done < warmup_batches:
            loss_pixel = functional.l1_loss(gen_hr, imgs_hr)
            loss_pixel.backward()
            optimizer_G.step()
            parts.log(batches_done, 0.0, loss_pixel.item())
            continue
        loss_G = content(imgs_hr, gen_hr) + adversarial(imgs_hr, gen_hr)
        loss_G.backward()
        optimizer_G.step()

        if parts.zero_discriminator:
            optimizer_D.zero_grad()
        loss_D = parts.loss.discriminator(discriminator(imgs_hr), discriminator(gen_hr.detach()))
        loss_D.backward()
        optimizer_D.step()
        if parts.schedule is not None:
            parts.schedule(batches_done, optimizer_G, optimizer_D)
        parts.log(batches_done, loss_D.item(), loss_G.item())

    def enlarge(small: Tensor) -> Tensor:
        generator.eval()
        with torch.no_grad():
            return generator(small)

    return enlarge
