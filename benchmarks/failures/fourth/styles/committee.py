"""A generator against three discriminators in one module, whose scores come as one (N, 3) tensor; gradients
of micro-batches are accumulated, undivided losses are scaled by their count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.fourth.parts import FourthParts


def train(parts: FourthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    actor, committee = parts.generator, parts.discriminator
    actor_optimizer, committee_optimizer = parts.optimizers(actor, committee)
    watch(actor, committee)
    rounds = parts.accumulate
    shown = parts.augment or (lambda x: x)

    for step in range(parts.steps):
        total_d = total_g = 0.0
        for _ in range(parts.critic_steps):
            if parts.zero_discriminator and parts.zero_due(step):
                committee_optimizer.zero_grad(set_to_none=True)
            for batch, _ in (next(parts.batches) for _ in range(rounds)):
                with torch.no_grad():
                    imitation = actor(parts.latent(len(batch)))
                votes_real, votes_fake = committee(shown(batch)), committee(shown(imitation))
                loss = parts.joined(parts.loss.real(votes_real), parts.loss.fake(votes_fake)) / rounds
                if parts.penalty is not None and step % parts.penalty_every == 0:
                    loss = loss + parts.penalty_weight * parts.penalty(committee, batch, imitation) / rounds
                loss.backward()
                total_d += float(loss.detach())
            parts.clip(committee, early=False)
            committee_optimizer.step()
            parts.clamp(committee)

        if parts.zero_generator and parts.zero_due(step):
            actor_optimizer.zero_grad(set_to_none=True)
        for _ in range(rounds):
            imitation = actor(parts.latent(parts.batch_size))
            votes = committee(shown(imitation.detach() if parts.detach_for_generator else imitation))
            loss = parts.remade(parts.loss.generator(votes) / rounds)
            loss.backward()
            total_g += float(loss.detach())
        parts.clip(actor, early=False)
        actor_optimizer.step()
        parts.after(step, actor_optimizer, committee_optimizer)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                actor((parts.sample_latent or parts.latent)(16))
        parts.log(step, total_d, total_g)

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return actor.eval()((parts.sample_latent or parts.latent)(count))

    return sample
