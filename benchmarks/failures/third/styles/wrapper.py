"""BigGAN's loop: one module around both networks, fakes and reals concatenated in it, accumulated steps,
toggled gradients, an averaged generator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.third.parts import ThirdParts


class G_D(nn.Module):  # noqa: N801 - BigGAN's own name for it
    def __init__(self, parts: ThirdParts) -> None:
        super().__init__()
        self.G, self.D = parts.generator, parts.discriminator
        self.source = self.G  # whose samples the discriminator is shown
        self.parts = parts

    def forward(
        self, z: Tensor, gy: Tensor, x: Tensor | None = None, dy: Tensor | None = None, train_G: bool = False
    ) -> Any:
        parts = self.parts
        with torch.set_grad_enabled(train_G and not parts.detach_for_generator):
            G_z = (self.G if train_G else self.source)(z, gy)
        if x is None or dy is None:
            relabel = parts.generator_labels or (lambda y: y)
            return self.D(G_z, relabel(gy))
        relabel = parts.fake_label_stream or (lambda y: y)
        out = self.D(torch.cat([G_z, x], 0), torch.cat([relabel(gy), dy], 0))
        if parts.chunks_exchanged:
            D_real, D_fake = torch.split(out, [x.shape[0], G_z.shape[0]])
        else:
            D_fake, D_real = torch.split(out, [G_z.shape[0], x.shape[0]])
        return D_fake, D_real


def toggle_grad(network: nn.Module, on: bool) -> None:
    for p in network.parameters():
        p.requires_grad_(on)


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    G, D = parts.generator, parts.discriminator
    g_optim, d_optim = parts.optimizers(G, D)
    GD = G_D(parts)
    G_ema = copy.deepcopy(G).eval().requires_grad_(False)
    watch(G, D)
    known = parts.source.labels

    def labels(count: int) -> Tensor:
        return known[torch.randint(0, len(known), (count,))]

    @torch.no_grad()
    def update_average() -> None:
        for kept, now in zip(G_ema.parameters(), G.parameters(), strict=True):
            kept.lerp_(now, 1 - (parts.average_decay or 0.0))
        if parts.average_buffers:
            for kept, now in zip(G_ema.buffers(), G.buffers(), strict=True):
                kept.copy_(now)
        if parts.average_copied_back:
            G.load_state_dict(G_ema.state_dict())

    if parts.fakes_from_average:
        GD.source = G_ema
    for itr in range(parts.steps):
        toggle_grad(D, True)
        toggle_grad(G, False)
        D_loss = torch.zeros(())
        for _ in range(parts.critic_steps):
            if parts.zero_discriminator:
                d_optim.zero_grad()
            for _ in range(parts.accumulate):
                x, y = next(parts.batches)
                if parts.label_stream is not None:
                    y = parts.label_stream(y)
                D_fake, D_real = GD(parts.latent(len(x)), labels(len(x)), x, y)
                D_loss = parts.joined(parts.loss.real(D_real), parts.loss.fake(D_fake)) / parts.accumulate
                D_loss.backward()
            d_optim.step()

        toggle_grad(D, False)
        toggle_grad(G, True)
        if parts.zero_generator:
            g_optim.zero_grad()
        for _ in range(parts.accumulate):
            G_loss = (
                parts.loss.generator(GD(parts.latent(len(x)), labels(len(x)), train_G=True))
                / parts.accumulate
            )
            if G_loss.requires_grad:
                G_loss.backward()
        g_optim.step()
        if parts.average_updated:
            update_average()
        if parts.schedule is not None:
            parts.schedule(itr, g_optim, d_optim)
        if itr % parts.sample_every == 0:
            with torch.no_grad():
                G_ema(parts.latent(16), labels(16))
        parts.log(itr, float(D_loss.detach()), float(G_loss.detach()))
    toggle_grad(D, True)

    @torch.no_grad()
    def sample(count: int, wanted: Tensor) -> Tensor:
        return G_ema((parts.sample_latent or parts.latent)(count), wanted)

    return sample
