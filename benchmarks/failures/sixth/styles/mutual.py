"""InfoGAN's script: a trunk with a head for real and fake, and a second head for the codes whose weights are
the generator's optimizer's; separate passes, one label tensor filled anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.sixth.networks import Codes
from benchmarks.failures.sixth.parts import SixthParts


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, classes = parts.generator, parts.source.classes
    discriminator: Any = parts.discriminator
    netQ = Codes(discriminator.head.in_features, classes)
    optimG, optimD = parts.optimizers(netG, discriminator)
    optimG.add_param_group({"params": list(netQ.parameters())})
    watch(netG, discriminator)

    def criterion(probs: Tensor, label: Tensor, term: str) -> Tensor:
        if isinstance(parts.loss, LabelLoss):
            return parts.loss.criterion(probs, label.view_as(probs))
        return getattr(parts.loss, term)(probs)

    def information(noise: Tensor, features: Tensor) -> Tensor:
        """Cross entropy of the code, and the Gaussian's likelihood of the number."""
        q_logits, mu, var = netQ(features)
        wanted = noise[:, -classes - 1 : -1].argmax(dim=1)
        con_loss = functional.gaussian_nll_loss(mu, noise[:, -1:], var)
        return functional.cross_entropy(q_logits, wanted) + 0.1 * con_loss

    def terms() -> tuple[Tensor, Tensor]:
        noise = parts.latent(parts.batch_size)
        probs, features = discriminator(parts.shown(parts.cut(netG(noise))))
        adversarial = parts.adversarial_weight * parts.loss.generator(probs)
        return adversarial, 0.2 * parts.auxiliary_weight * information(noise, features)

    parts.terms = terms
    target = getattr(parts.loss, "generator_target", 1.0)
    for step in range(parts.steps):
        real_data, _ = next(parts.batches)
        b_size = len(real_data)
        if parts.zero_discriminator and parts.zero_due(step):
            optimD.zero_grad()
        label = torch.full((b_size,), getattr(parts.loss, "real_label", 1.0))
        probs_real, _ = discriminator(parts.shown(real_data))
        loss_real = criterion(probs_real, label, "real")
        if parts.kept_term != "fake":
            loss_real.backward()

        label.fill_(getattr(parts.loss, "fake_label", 0.0))
        noise = parts.latent(b_size)
        fake_data = netG(noise)
        probs_fake, _ = discriminator(parts.shown(fake_data.detach()))
        loss_fake = criterion(probs_fake, label, "fake")
        if parts.kept_term != "real":
            loss_fake.backward()
        parts.clip(discriminator, early=False)
        optimD.step()

        if parts.zero_generator and parts.zero_due(step):
            optimG.zero_grad()
        probs_fake, features = discriminator(parts.shown(parts.cut(fake_data)))
        label.fill_(target)
        gen_loss = parts.adversarial_weight * (
            criterion(probs_fake, label, "real")
            if isinstance(parts.loss, LabelLoss)
            else parts.loss.generator(probs_fake)
        )
        G_loss = parts.remade(gen_loss + 0.2 * parts.auxiliary_weight * information(noise, features))
        G_loss.backward()
        parts.clip(netG, early=False)
        optimG.step()
        parts.after(step, optimG, optimD)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                netG(parts.sampled(16))
        parts.log(step, (loss_real + loss_fake).item(), G_loss.item())

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return netG.eval()(parts.sampled(count))

    return sample
