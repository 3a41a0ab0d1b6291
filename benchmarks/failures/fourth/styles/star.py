"""StarGAN's solver: a sample and a wanted class in, a sample of that class out; the discriminator gives
source and class, the way back must return the sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.fourth.parts import FourthParts


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    G, D = parts.generator, parts.discriminator
    g_optimizer, d_optimizer = parts.optimizers(G, D)
    watch(G, D)
    c_dim, lambda_cls = parts.source.classes, parts.auxiliary_weight

    def targets(label_org: Tensor) -> Tensor:
        return torch.randint(0, c_dim, label_org.shape) if parts.targets_permuted else label_org

    def losses_of_generator(x_real: Tensor, label_org: Tensor) -> tuple[Tensor, Tensor]:
        label_trg = targets(label_org)
        x_fake = G(x_real, label_trg)
        out_src, out_cls = D(x_fake.detach() if parts.detach_for_generator else x_fake)
        g_loss_rec = functional.l1_loss(G(x_fake, label_org), x_real)
        g_loss_cls = functional.cross_entropy(out_cls, label_trg)
        if not parts.auxiliary_for_generator:
            g_loss_cls = 0.0 * g_loss_cls.detach()
        adversarial = parts.adversarial_weight * parts.loss.generator(out_src)
        return adversarial, parts.cycle_weight * g_loss_rec + lambda_cls * g_loss_cls

    parts.terms = lambda: losses_of_generator(*next(parts.batches))
    g_loss = torch.zeros(())
    for i in range(parts.steps):
        x_real, label_org = next(parts.batches)
        if parts.label_stream is not None:
            label_org = parts.label_stream(label_org)
        with torch.no_grad():
            x_fake = G(x_real, targets(label_org))
        out_src, out_cls = D(x_real)
        d_loss = parts.joined(parts.loss.real(out_src), parts.loss.fake(D(x_fake)[0]))
        d_loss = d_loss + functional.cross_entropy(out_cls, label_org)
        if parts.penalty is not None:
            judge = lambda x: D(x)[0]  # noqa: E731 - as short as in the script
            d_loss = d_loss + parts.penalty_weight * parts.penalty(judge, x_real, x_fake)
        if parts.zero_discriminator:
            d_optimizer.zero_grad()
            g_optimizer.zero_grad()
        d_loss.backward()
        parts.clip(D, early=False)
        d_optimizer.step()
        parts.clamp(D)

        if (i + 1) % parts.critic_steps == 0:
            adversarial, other = losses_of_generator(x_real, label_org)
            g_loss = adversarial + other
            if parts.zero_generator:
                g_optimizer.zero_grad()
                d_optimizer.zero_grad()
            g_loss.backward()
            parts.clip(G, early=False)
            g_optimizer.step()
        parts.after(i, g_optimizer, d_optimizer)
        parts.log(i, float(d_loss.detach()), float(g_loss.detach()))

    def translate(count: int, wanted: Tensor) -> Tensor:
        held = parts.source.held_out
        # a quarter of the pictures has the wanted class already, as in the script's own grids
        chosen = torch.arange(count) % len(held)
        G.eval()
        with torch.no_grad():
            return G(held[chosen], wanted)

    return translate
