"""Speech enhancement in small: the generator cleans a noisy signal, the discriminator judges a signal beside
its noisy version and returns features too; L1, features matched, one backward call for each term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.fifth.parts import FifthParts


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    G, D = parts.generator, parts.discriminator
    g_optimizer, d_optimizer = parts.optimizers(G, D)
    watch(G, D)
    with_latent = getattr(G, "latent", 0) > 0

    def enhance(noisy: Tensor) -> Tensor:
        return G(noisy, parts.latent(len(noisy))) if with_latent else G(noisy)

    def losses_of_generator(clean: Tensor, noisy: Tensor, on: float) -> tuple[Tensor, Tensor]:
        generated = enhance(noisy)
        outputs, made = D(parts.cut(generated), noisy)
        with torch.no_grad():
            _, known = D(clean, noisy)
        matched = torch.stack(
            [(k.mean(dim=0) - m.mean(dim=0)).abs().mean() for k, m in zip(known, made, strict=True)]
        ).sum()
        adversarial = on * parts.adversarial_weight * parts.loss.generator(outputs)
        distance = parts.pixel_weight * functional.l1_loss(generated, clean)
        return adversarial, distance + on * parts.feature_weight * matched

    def terms() -> tuple[Tensor, Tensor]:
        clean, _ = next(parts.batches)
        return losses_of_generator(clean, parts.damage(clean), 1.0)

    parts.terms = terms
    for i in range(parts.steps):
        clean, _ = next(parts.batches)
        noisy = parts.damage(clean)
        on = 1.0 if i >= parts.discriminator_start else 0.0
        if parts.zero_discriminator and parts.zero_due(i):
            D.zero_grad()
        clean_loss = on * parts.loss.real(D(clean, noisy)[0])
        with torch.no_grad():
            generated = enhance(noisy)
        noisy_loss = on * parts.loss.fake(D(generated, noisy)[0])
        if parts.kept_term != "fake":
            clean_loss.backward()
        if parts.kept_term != "real":
            noisy_loss.backward()
        parts.clip(D, early=False)
        d_optimizer.step()

        if parts.zero_generator and parts.zero_due(i):
            G.zero_grad()
        adversarial, other = losses_of_generator(clean, noisy, on)
        (adversarial + other).backward()
        parts.clip(G, early=False)
        g_optimizer.step()
        parts.after(i, g_optimizer, d_optimizer)
        parts.log(i, float((clean_loss + noisy_loss).detach()), float((adversarial + other).detach()))

    def clean_up(noisy: Tensor) -> Tensor:
        G.eval()
        with torch.no_grad():
            return enhance(noisy)

    return clean_up
