"""A GAN as adversarial imitation writes it: an agent with `update_discriminator` and `update_generator`,
expert and policy samples in one batch, a target network that follows softly, one policy update or more."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import FifthParts, first


class Agent:
    def __init__(self, parts: FifthParts, policy: nn.Module, discriminator: nn.Module) -> None:
        self.parts, self.policy, self.discriminator = parts, policy, discriminator
        self.policy_optimizer: torch.optim.Optimizer
        self.discriminator_optimizer: torch.optim.Optimizer
        self.target = copy.deepcopy(policy).eval().requires_grad_(False)
        self.memory: deque[Tensor] = deque(maxlen=max(1, parts.replayed))
        self.updates = 0

    def score(self, samples: Tensor) -> Tensor:
        return first(self.discriminator(self.parts.shown(samples)))

    def act(self, count: int) -> Tensor:
        """What the policy does now, or what it did when the memory was filled."""
        p = self.parts
        if p.replayed and len(self.memory) == self.memory.maxlen:
            return self.memory[int(torch.randint(0, len(self.memory), ()))]
        with torch.no_grad():
            done = (self.target if p.fakes_from_average else self.policy)(p.fake_latent(count))
        if p.replayed:
            self.memory.append(done)
        return done

    def update_discriminator(self, expert: Tensor, labels: Tensor, step: int) -> float:
        p = self.parts
        self.updates += 1
        done = self.act(len(expert))
        both = self.score(torch.cat([done, expert] if p.chunks_exchanged else [expert, done]))
        expert_scores, policy_scores = both.chunk(2)
        if p.controller is not None:
            p.controller(expert_scores.detach())
        loss = p.discriminator_loss(expert_scores, policy_scores, labels)
        loss = p.regularised(loss, self.updates, self.score, expert, done)
        if p.zero_discriminator and p.zero_due(step):
            self.discriminator_optimizer.zero_grad()
        loss.backward()
        p.clip(self.discriminator, early=False)
        self.discriminator_optimizer.step()
        if p.zero_after_step:
            self.discriminator_optimizer.zero_grad()
        p.tidy(self.discriminator, self.policy)
        return float(loss.detach())

    def update_generator(self, expert: Tensor, step: int) -> float:
        p = self.parts
        done = p.cut(self.policy(p.latent(len(expert))))
        scores = self.score(expert if p.generator_judges_reals else done)
        others = p.others(self.score, expert)
        loss = p.remade(p.loss.generator(scores, others))
        if p.zero_generator and p.zero_due(step):
            self.policy_optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        p.clip(self.policy, early=False)
        self.policy_optimizer.step()
        if p.zero_after_step:
            self.policy_optimizer.zero_grad()
        return float(loss.detach())

    @torch.no_grad()
    def soft_update(self, step: int) -> None:
        p = self.parts
        if p.average_decay is None or not p.average_updated or step % p.average_every:
            return
        tau = 1.0 - p.average_decay
        for kept, now in zip(self.target.parameters(), self.policy.parameters(), strict=True):
            kept.data.mul_(1.0 - tau).add_(tau * now.data)
        if p.average_buffers:
            for kept, now in zip(self.target.buffers(), self.policy.buffers(), strict=True):
                kept.data.copy_(now.data)
        if p.average_copied_back:
            for kept, now in zip(self.target.parameters(), self.policy.parameters(), strict=True):
                now.data.copy_(kept.data)


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    agent = Agent(parts, parts.generator, parts.discriminator)
    population = [agent]
    if "twins" in parts.case.network:  # a second agent learns from the same experts
        population.insert(0, Agent(parts, copy.deepcopy(agent.policy), copy.deepcopy(agent.discriminator)))
    for one in population:
        judge = population[0].discriminator if parts.optimizer_of_twin else one.discriminator
        one.policy_optimizer, one.discriminator_optimizer = parts.optimizers(one.policy, judge)
    watch(agent.policy, agent.discriminator)
    d_loss = g_loss = 2.0

    for step in range(parts.steps):
        for one in population:
            if parts.discriminator_due(step, d_loss):
                for _ in range(parts.critic_steps):
                    d_loss = one.update_discriminator(*next(parts.batches), step)
            for _ in range(parts.generator_steps):
                g_loss = one.update_generator(next(parts.batches)[0], step)
            one.soft_update(step)
        parts.after(step, agent.policy_optimizer, agent.discriminator_optimizer)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                agent.target(parts.sampled(8))
        parts.log(step, d_loss, g_loss)

    @torch.no_grad()
    def evaluate(count: int) -> Tensor:
        network = agent.policy if parts.average_decay is None else agent.target
        return network.eval()(parts.sampled(count))

    return evaluate
