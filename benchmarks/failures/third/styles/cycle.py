"""CycleGAN's script: two generators with one optimizer, two discriminators with one each, cycle and identity
terms, and a pool of earlier fakes. The pair that makes the samples is the one that is watched."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.sources import Batches
from benchmarks.failures.third.parts import ThirdParts


def other_domain(x: Tensor) -> Tensor:
    """The domain that is translated from: by night, colours exchanged; points turned and stretched."""
    if x.dim() == 4:
        return 0.6 * x.flip(1) - 0.3
    turned = torch.stack([x[:, 1], -x[:, 0], *x[:, 2:].unbind(1)], dim=1)
    return 0.5 * turned + 0.5


class ReplayBuffer:
    def __init__(self, max_size: int, seed: int, frozen: bool = False) -> None:
        self.max_size, self.frozen, self.data = max_size, frozen, list[Tensor]()
        self.random = random.Random(seed)

    def push_and_pop(self, batch: Tensor) -> Tensor:
        returned = []
        for element in batch.detach():
            if len(self.data) < self.max_size:
                self.data.append(element)
                returned.append(element)
            elif self.frozen or self.random.uniform(0, 1) > 0.5:
                i = self.random.randint(0, self.max_size - 1)
                returned.append(self.data[i].clone())
                if not self.frozen:
                    self.data[i] = element
            else:
                returned.append(element)
        return torch.stack(returned)


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G_AB, D_B = parts.generator, parts.discriminator
    G_BA, D_A = copy.deepcopy(G_AB), copy.deepcopy(D_B)
    optimizer_G, optimizer_D_B = parts.optimizers(G_AB, D_A if parts.optimizer_of_twin else D_B)
    optimizer_G.add_param_group({"params": list(G_BA.parameters())})
    optimizer_D_A = parts.optimizers(G_BA, D_A)[1]
    watch(G_AB, D_B)
    samples = parts.source.samples
    domain_A = Batches(other_domain(samples), parts.source.labels, parts.batch_size, parts.seed + 1)
    size = 8 * parts.batch_size if parts.replayed else 2 * parts.batch_size
    fake_A_buffer = ReplayBuffer(size, 1)
    fake_B_buffer = ReplayBuffer(size, 2, frozen=bool(parts.replayed))
    criterion_GAN = parts.loss

    def losses_of_generators(real_A: Tensor, real_B: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        loss_identity = functional.l1_loss(G_BA(real_A), real_A) + functional.l1_loss(G_AB(real_B), real_B)
        fake_B, fake_A = G_AB(real_A), G_BA(real_B)
        judged = D_B(fake_B.detach() if parts.detach_for_generator else fake_B)
        loss_GAN = (criterion_GAN.generator(judged) + criterion_GAN.generator(D_A(fake_A))) / 2
        loss_cycle = (functional.l1_loss(G_BA(fake_B), real_A) + functional.l1_loss(G_AB(fake_A), real_B)) / 2
        # the identity is only asked for where both domains are nearly alike: not of points
        identity = 0.0 if real_A.dim() == 2 else 0.05
        other = parts.pixel_weight * (loss_cycle + identity * loss_identity)
        return parts.adversarial_weight * loss_GAN, other, fake_A, fake_B

    parts.terms = lambda: losses_of_generators(next(domain_A)[0], next(parts.batches)[0])[:2]
    for step in range(parts.steps):
        real_A, real_B = next(domain_A)[0], next(parts.batches)[0]
        if parts.zero_generator:
            optimizer_G.zero_grad()
        adversarial, other, fake_A, fake_B = losses_of_generators(real_A, real_B)
        loss_G = adversarial + other
        loss_G.backward()
        optimizer_G.step()

        optimizer_D_A.zero_grad()
        pooled_A = fake_A_buffer.push_and_pop(fake_A)
        loss_D_A = criterion_GAN.discriminator(D_A(real_A), D_A(pooled_A)) / 2
        loss_D_A.backward()
        optimizer_D_A.step()

        if parts.zero_discriminator:
            optimizer_D_B.zero_grad()
        pooled_B = fake_B_buffer.push_and_pop(fake_B)
        loss_D_B = parts.joined(criterion_GAN.real(D_B(real_B)), criterion_GAN.fake(D_B(pooled_B))) / 2
        loss_D_B.backward()
        optimizer_D_B.step()

        if parts.schedule is not None:
            parts.schedule(step, optimizer_G, optimizer_D_B)
        parts.log(step, float(loss_D_B.detach()), float(loss_G.detach()))

    def sample(count: int) -> Tensor:
        with torch.no_grad():
            return G_AB(other_domain(parts.source.held_out[-count:]))

    return sample
