"""VAE-GAN: the decoder is the generator; it reconstructs from codes and is judged on draws from the prior;
encoder, decoder and discriminator each have an optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.networks import perceptron


class Encoder(nn.Module):
    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), perceptron(features, 128, 64, 2 * latent))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.body(x).chunk(2, dim=1)
        return mu, logvar.clamp(-8, 4)


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    decoder, discriminator = parts.generator, parts.discriminator
    encoder = Encoder(math.prod(parts.source.shape), parts.latent_size)
    watch(decoder, discriminator)
    opt_dec, opt_dis = parts.optimizers(decoder, discriminator)
    opt_enc = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    adversary_on = 1.0 if parts.discriminator_start == 0 else 0.0

    def losses_of_decoder(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = encoder(x)
        x_tilde = decoder(mu + torch.randn_like(mu) * (0.5 * logvar).exp())
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
        x_p = decoder(parts.latent(len(x)))
        judged = discriminator(x_p.detach() if parts.detach_for_generator else x_p)
        adversarial = adversary_on * parts.adversarial_weight * parts.loss.generator(judged)
        return adversarial, parts.pixel_weight * functional.mse_loss(x_tilde, x), parts.kl_weight * kl

    parts.terms = lambda: losses_of_decoder(next(parts.batches)[0])[:2]
    for step in range(parts.steps):
        if parts.discriminator_start and step == parts.discriminator_start:
            adversary_on = 1.0
        x, _ = next(parts.batches)
        if parts.zero_discriminator and parts.zero_due(step):
            opt_dis.zero_grad()
        with torch.no_grad():
            x_p = decoder(parts.latent(len(x)))
        dis_loss = parts.joined(parts.loss.real(discriminator(x)), parts.loss.fake(discriminator(x_p)))
        if parts.penalty is not None and step % parts.penalty_every == 0:
            dis_loss = dis_loss + parts.penalty_weight * parts.penalty(discriminator, x, x_p)
        (adversary_on * dis_loss).backward()
        parts.clip(discriminator, early=False)
        opt_dis.step()

        if parts.zero_generator and parts.zero_due(step):
            opt_dec.zero_grad()
        opt_enc.zero_grad()
        adversarial, reconstruction, kl = losses_of_decoder(x)
        dec_loss = adversarial + reconstruction + kl
        dec_loss.backward()
        parts.clip(decoder, early=False)
        opt_enc.step()
        opt_dec.step()
        parts.after(step, opt_dec, opt_dis)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                decoder((parts.sample_latent or parts.latent)(16))
        parts.log(step, float(dis_loss.detach()), float(dec_loss.detach()))

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return decoder.eval()((parts.sample_latent or parts.latent)(count))

    return sample
