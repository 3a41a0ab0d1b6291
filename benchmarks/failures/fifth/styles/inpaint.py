"""Holes are filled: an L1 term in the hole, one on what was there, and a discriminator of patches that sees
the completed picture and the mask; the generator goes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fifth.parts import FifthParts


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    net, critic = parts.generator, parts.discriminator
    net_opt, critic_opt = parts.optimizers(net, critic)
    watch(net, critic)
    with_latent = getattr(net, "latent", 0) > 0

    def fill(broken: Tensor) -> Tensor:
        return net(broken, parts.latent(len(broken))) if with_latent else net(broken)

    def complete(broken: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
        """What is there stays; only the hole is taken from the network."""
        picture, mask = broken[:, :-1], broken[:, -1:]
        return picture + mask * made, mask

    def losses_of_generator(image: Tensor, broken: Tensor, on: float) -> tuple[Tensor, Tensor, Tensor]:
        made = fill(broken)
        whole, mask = complete(broken, made)
        scores = critic(parts.cut(whole), mask)
        adversarial = on * parts.adversarial_weight * parts.loss.generator(scores)
        hole = (mask * (made - image)).abs().sum() / (mask.sum() * image.shape[1])
        around = ((1 - mask) * (made - image)).abs().mean()
        return adversarial, parts.pixel_weight * hole + parts.cycle_weight * around, whole

    def terms() -> tuple[Tensor, Tensor]:
        image, _ = next(parts.batches)
        return losses_of_generator(image, parts.damage(image), 1.0)[:2]

    parts.terms = terms
    for it in range(parts.steps):
        image, _ = next(parts.batches)
        broken = parts.damage(image)
        on = float(it >= parts.discriminator_start)
        if parts.zero_generator and parts.zero_due(it):
            net_opt.zero_grad()
        adversarial, distance, whole = losses_of_generator(image, broken, on)
        (adversarial + distance).backward()
        parts.clip(net, early=False)
        net_opt.step()

        if parts.zero_discriminator and parts.zero_due(it):
            critic_opt.zero_grad()
        mask = broken[:, -1:]
        loss = on * parts.joined(
            parts.loss.real(critic(image, mask)), parts.loss.fake(critic(whole.detach(), mask))
        )
        loss.backward()
        parts.clip(critic, early=False)
        critic_opt.step()
        parts.after(it, net_opt, critic_opt)
        parts.log(it, loss.item(), (adversarial + distance).item())

    def inpaint(broken: Tensor) -> Tensor:
        net.eval()
        with torch.no_grad():
            return complete(broken, fill(broken))[0]

    return inpaint
