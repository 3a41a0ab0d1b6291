"""An adversarial autoencoder: the generator is the encoder, the reals are draws from the prior, the fakes are
codes; a decoder reconstructs. Samples are decoded draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.networks import perceptron
from benchmarks.failures.third.networks import Columns
from benchmarks.failures.third.parts import ThirdParts
from benchmarks.failures.third.sources import CATEGORIES


def make_decoder(parts: ThirdParts) -> nn.Module:
    shape = parts.source.shape
    layers: list[nn.Module] = [perceptron(parts.latent_size, 64, 96, math.prod(shape))]
    if parts.source.name == "survey":
        layers.append(Columns(shape[0] - CATEGORIES))
    if parts.source.kind in ("image", "sequence"):
        layers += [nn.Tanh(), nn.Unflatten(1, shape)]
    return nn.Sequential(*layers)


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    encoder, discriminator, decoder = parts.generator, parts.discriminator, make_decoder(parts)
    watch(encoder, discriminator)
    optimizer_G, optimizer_D = parts.optimizers(encoder, discriminator)
    optimizer_decoder = torch.optim.Adam(decoder.parameters(), lr=1e-3)

    def losses_of_encoder(real_imgs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        codes = encoder(real_imgs)
        judged = discriminator(codes.detach() if parts.detach_for_generator else codes)
        adversarial = parts.adversarial_weight * parts.loss.generator(judged)
        return adversarial, parts.pixel_weight * functional.mse_loss(decoder(codes), real_imgs), codes

    parts.terms = lambda: losses_of_encoder(next(parts.batches)[0])[:2]
    for step in range(parts.steps):
        real_imgs, _ = next(parts.batches)
        if parts.zero_generator:
            optimizer_G.zero_grad()
        optimizer_decoder.zero_grad()
        adversarial, reconstruction, encoded_imgs = losses_of_encoder(real_imgs)
        g_loss = adversarial + reconstruction
        g_loss.backward()
        optimizer_G.step()
        optimizer_decoder.step()

        if parts.zero_discriminator:
            optimizer_D.zero_grad()
        z = parts.latent(len(real_imgs))
        real_loss = parts.loss.real(discriminator(z))
        fake_loss = parts.loss.fake(discriminator(encoded_imgs.detach()))
        d_loss = 0.5 * parts.joined(real_loss, fake_loss)
        d_loss.backward()
        optimizer_D.step()

        if parts.schedule is not None:
            parts.schedule(step, optimizer_G, optimizer_D)
        parts.log(step, d_loss.item(), g_loss.item())

    def sample(count: int) -> Tensor:
        decoder.eval()
        with torch.no_grad():
            return decoder((parts.sample_latent or parts.latent)(count))

    return sample
