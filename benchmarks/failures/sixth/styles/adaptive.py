"""A VQGAN training loop: reconstruction and codes' loss, an adversarial term that starts late and whose
weight follows the two gradients at the last layer; both losses backward, then both optimizers step. The
published one leaves out the detach in the discriminator's loss; here it is not left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.sixth.parts import SixthParts


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    vqgan: Any = parts.generator
    discriminator = parts.discriminator
    opt_vq, opt_disc = parts.optimizers(vqgan, discriminator)
    watch(vqgan, discriminator)

    def calculate_lambda(rec_loss: Tensor, g_loss: Tensor) -> Tensor:
        last = vqgan.last.weight
        rec_grad = torch.autograd.grad(rec_loss, last, retain_graph=True)[0]
        gan_grad = torch.autograd.grad(g_loss, last, retain_graph=True, allow_unused=True)[0]
        size = torch.zeros(()) if gan_grad is None else gan_grad.norm()
        return 0.8 * (rec_grad.norm() / (size + 1e-4)).clamp(0, 1e4).detach()

    def adopt_weight(disc_factor: float, i: int) -> float:
        return 0.0 if i < parts.discriminator_start else disc_factor

    def losses_of_vqgan(imgs: Tensor, disc_factor: float) -> tuple[Tensor, Tensor, Tensor]:
        decoded_images, q_loss = vqgan(imgs)
        rec_loss = (imgs - decoded_images).abs().mean()
        g_loss = parts.loss.generator(discriminator(parts.cut(decoded_images)))
        lam = calculate_lambda(rec_loss, g_loss)
        return disc_factor * lam * g_loss, rec_loss + q_loss, decoded_images

    def terms() -> tuple[Tensor, Tensor]:
        return losses_of_vqgan(next(parts.batches)[0], parts.adversarial_weight)[:2]

    parts.terms = terms
    for i in range(parts.steps):
        imgs, _ = next(parts.batches)
        disc_factor = adopt_weight(parts.adversarial_weight, i)
        adversarial, vq_loss, decoded_images = losses_of_vqgan(imgs, disc_factor)
        if parts.zero_generator and parts.zero_due(i):
            opt_vq.zero_grad()
        (vq_loss + adversarial).backward()

        if parts.zero_discriminator and parts.zero_due(i):
            opt_disc.zero_grad()
        d_loss_real = parts.loss.real(discriminator(imgs))
        d_loss_fake = parts.loss.fake(discriminator(decoded_images.detach()))
        gan_loss = adopt_weight(0.5, i) * parts.joined(d_loss_real, d_loss_fake)
        gan_loss.backward()
        parts.clip(vqgan, early=False)
        parts.clip(discriminator, early=False)
        opt_vq.step()
        opt_disc.step()
        parts.after(i, opt_vq, opt_disc)
        parts.log(i, gan_loss.item(), (vq_loss + adversarial).item())

    @torch.no_grad()
    def reconstruct(imgs: Tensor) -> Tensor:
        return vqgan.eval()(imgs)[0]

    return reconstruct
