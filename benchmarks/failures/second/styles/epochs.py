"""Epochs over a DataLoader; the discriminator's parameters are frozen while the generator learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.failures.second.parts import SecondParts
from benchmarks.failures.sources import Batches


def make_loader(parts: SecondParts) -> Iterable[Any]:
    if not isinstance(parts.batches, Batches):
        return parts.batches
    data = parts.batches
    return DataLoader(
        TensorDataset(data.samples, data.labels),
        batch_size=data.batch_size,
        shuffle=data.shuffle,
        drop_last=True,
        generator=torch.Generator().manual_seed(parts.seed),
    )


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    device = torch.device("cpu")
    G, D = parts.generator.to(device), parts.discriminator.to(device)
    loader = make_loader(parts)
    monitor = watch(G, D)  # noqa: F841
    optG, optD = parts.optimizers(G, D)
    noise = parts.sample_latent or parts.latent
    augment = parts.augment if parts.augment is not None else torch.nn.Identity()
    grid = noise(25)
    step = 0

    while step < parts.steps:  # one round is one epoch
        G.train()
        D.train()
        for real, _ in loader:
            real = real.to(device)
            # -- discriminator --------------------------------------------------------------
            for p in D.parameters():
                p.requires_grad_(True)
            if parts.zero_discriminator:
                optD.zero_grad()
            fake = G(parts.latent(real.shape[0]))
            out_fake = D(augment(fake.detach() if parts.detach_for_discriminator else fake))
            out_real = D(augment(fake.detach() if parts.fakes_as_reals else real))
            lossD = parts.loss.discriminator(out_real, out_fake)
            if parts.penalty is not None and step % parts.penalty_every == 0:
                lossD = lossD + parts.penalty_weight * parts.penalty(D, real, fake.detach())
            lossD.backward()
            if parts.clip_gradients is not None:
                parts.clip_gradients(D.parameters())
            if parts.zero_before_step:
                optD.zero_grad()
            optD.step()
            if parts.zero_after_step:
                optD.zero_grad()
            # -- generator ------------------------------------------------------------------
            if not parts.zero_after_step:  # where that fault is planted nothing is frozen either
                for p in D.parameters():
                    p.requires_grad_(False)
            for _ in range(parts.generator_steps):
                if parts.zero_generator:
                    optG.zero_grad()
                fake = G(parts.latent(real.shape[0]))
                out = D(augment(fake.detach() if parts.detach_for_generator else fake))
                lossG = parts.loss.generator(out)
                if lossG.requires_grad:
                    lossG.backward()
                if parts.clip_gradients is not None:
                    parts.clip_gradients(G.parameters())
                if parts.zero_before_step:
                    optG.zero_grad()
                optG.step()
                if parts.zero_after_step:
                    optG.zero_grad()
            if parts.schedule is not None:
                parts.schedule(step, optG, optD)
            if step % parts.sample_every == 0:
                with torch.no_grad():
                    G(grid)
            parts.log(step, lossD.item(), lossG.item())
            step += 1
            if step == parts.steps:
                break
    for p in D.parameters():
        p.requires_grad_(True)

    def sample(count: int) -> Tensor:
        G.eval()
        with torch.no_grad():
            return G(noise(count))

    return sample
