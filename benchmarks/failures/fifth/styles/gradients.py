"""Both players' gradients are taken at the same point with `torch.autograd.grad` and laid into `p.grad` by
hand, as codes on the dynamics of games do it; then both optimizers step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import FifthParts, first


def assign(parameters: Sequence[nn.Parameter], grads: Sequence[Tensor | None], *, fresh: bool) -> None:
    """`p.grad = g`; where a script adds them up (`p.grad += g`) they are not fresh."""
    for p, g in zip(parameters, grads, strict=True):
        if fresh or p.grad is None:
            p.grad = g
        elif g is not None:
            p.grad = p.grad + g


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G, D = parts.generator, parts.discriminator
    watch(G, D)
    opt_G, opt_D = parts.optimizers(G, D)
    theta = [p for p in G.parameters() if p.requires_grad]
    phi = [p for p in D.parameters() if p.requires_grad]
    count = 0

    def judge(x: Tensor) -> Tensor:
        return first(D(parts.shown(x)))

    def value(x: Tensor, labels: Tensor, fake: Tensor, number: int) -> Tensor:
        loss = parts.discriminator_loss(judge(x), judge(fake.detach()), labels)
        return parts.regularised(loss, number, judge, x, fake)

    def climb(x: Tensor, labels: Tensor, step: int) -> Tensor:
        """A further step of the discriminator alone."""
        with torch.no_grad():
            fake = G(parts.fake_latent(len(x)))
        loss = value(x, labels, fake, count)
        grads = torch.autograd.grad(loss, phi, allow_unused=True)
        assign(phi, grads, fresh=parts.zero_discriminator and parts.zero_due(step))
        parts.clip(D, early=False)
        opt_D.step()
        parts.tidy(D, G)
        return loss

    for t in range(parts.steps):
        for _ in range(parts.critic_steps - 1):
            count += 1
            climb(*next(parts.batches), t)
        count += 1
        x, labels = next(parts.batches)
        fake = G(parts.latent(len(x)))
        shown = fake
        if parts.discriminator_latent is not None:
            with torch.no_grad():
                shown = G(parts.discriminator_latent(len(x)))
        d_loss = value(x, labels, shown, count)
        scores = judge(x if parts.generator_judges_reals else parts.cut(fake))
        others = parts.others(judge, x)
        g_loss = parts.loss.generator(scores, others)
        grads_phi = torch.autograd.grad(d_loss, phi, allow_unused=True)
        grads_theta = torch.autograd.grad(g_loss, theta, allow_unused=True)
        due = parts.zero_due(t)
        assign(phi, grads_phi, fresh=parts.zero_discriminator and due)
        assign(theta, grads_theta, fresh=parts.zero_generator and due)
        parts.clip(D, early=False)
        parts.clip(G, early=False)
        opt_D.step()
        opt_G.step()
        parts.tidy(D, G)
        parts.after(t, opt_G, opt_D)
        if t % parts.sample_every == 0:
            with torch.no_grad():
                G(parts.sampled(10))
        parts.log(t, d_loss.item(), g_loss.item())

    @torch.no_grad()
    def sample(number: int) -> Tensor:
        return G.eval()(parts.sampled(number))

    return sample
