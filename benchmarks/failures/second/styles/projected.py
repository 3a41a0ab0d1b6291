"""A conditional GAN with a projection discriminator; the label goes in as a keyword, fakes are drawn anew for
the generator's step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    G, D = parts.generator, parts.discriminator
    opt_G, opt_D = parts.optimizers(G, D)
    watch(G, D)
    known = parts.source.labels
    shown = parts.fake_label_stream or (lambda y: y)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        """Latents, and labels with the frequencies of the data."""
        return parts.latent(count), known[torch.randint(0, len(known), (count,))]

    for it in range(parts.steps):
        x, y = next(parts.batches)
        if parts.label_stream is not None:
            y = parts.label_stream(y)
        z, fake_y = draw(len(x))
        fake_x = G(z, fake_y).detach()
        if parts.zero_discriminator:
            opt_D.zero_grad()
        loss_D = parts.loss.discriminator(D(x, y=y), D(fake_x, y=shown(fake_y)))
        loss_D.backward()
        opt_D.step()

        z, fake_y = draw(len(x))
        fake_x = G(z, fake_y)
        if parts.zero_generator:
            opt_G.zero_grad()
        loss_G = parts.loss.generator(
            D(fake_x.detach() if parts.detach_for_generator else fake_x, y=shown(fake_y))
        )
        loss_G.backward()
        opt_G.step()
        if parts.schedule is not None:
            parts.schedule(it, opt_G, opt_D)
        if it % parts.sample_every == 0:
            with torch.no_grad():
                G(*draw(16))
        parts.log(it, loss_D.item(), loss_G.item())

    def sample(count: int, wanted: Tensor) -> Tensor:
        G.eval()
        with torch.no_grad():
            return G(parts.latent(count), wanted)

    return sample
