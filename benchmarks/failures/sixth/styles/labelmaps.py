"""The conditional DCGAN of a much copied repository: one-hot labels for the generator, maps of ones (`fill`)
for the discriminator, classes drawn evenly, the fakes of either step drawn anew, scores squeezed to (N,)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.failures.sixth.networks import filled
from benchmarks.failures.sixth.parts import SixthParts


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    G, D = parts.generator, parts.discriminator
    G_optimizer, D_optimizer = parts.optimizers(G, D)
    watch(G, D)
    classes, shape = parts.source.classes, parts.source.shape

    def fill(y_: Tensor) -> Tensor:
        return filled(y_, classes, shape)

    def onehot(y_: Tensor) -> Tensor:
        return functional.one_hot(y_, classes).float()

    def drawn(count: int) -> Tensor:
        return (torch.rand(count) * classes).long().clamp(max=classes - 1)

    for step in range(parts.steps):
        for _ in range(parts.critic_steps):
            x_, y_ = next(parts.batches)
            mini_batch = len(x_)
            if parts.zero_discriminator and parts.zero_due(step):
                D.zero_grad()
            paired = y_ if parts.label_stream is None else parts.label_stream(y_)
            D_result = D(x_, fill(paired)).squeeze(1)
            D_real_loss = parts.loss.real(D_result)

            y_ = drawn(mini_batch)
            G_result = G(parts.fake_latent(mini_batch), onehot(y_)).detach()
            told = y_ if parts.fake_label_stream is None else parts.fake_label_stream(y_)
            D_fake_loss = parts.loss.fake(D(G_result, fill(told)).squeeze(1))
            D_train_loss = parts.joined(D_real_loss, D_fake_loss)
            if parts.penalty is not None:
                judge = lambda x, c=paired: D(x, fill(c))  # noqa: E731 - as short as in the script
                D_train_loss = D_train_loss + parts.penalty_weight * parts.penalty(judge, x_, G_result)
            D_train_loss.backward()
            parts.clip(D, early=False)
            D_optimizer.step()
            parts.tidy(D, G)

        if parts.zero_generator and parts.zero_due(step):
            G.zero_grad()
        y_ = drawn(parts.batch_size)
        G_result = parts.cut(G(parts.latent(parts.batch_size), onehot(y_)))
        asked = y_ if parts.generator_labels is None else parts.generator_labels(y_)
        G_train_loss = parts.remade(parts.loss.generator(D(G_result, fill(asked)).squeeze(1)))
        if G_train_loss.requires_grad:
            G_train_loss.backward()
        parts.clip(G, early=False)
        G_optimizer.step()
        parts.after(step, G_optimizer, D_optimizer)
        if step % parts.sample_every == 0:
            with torch.no_grad():
                G(parts.sampled(16), onehot(drawn(16)))
        parts.log(step, D_train_loss.item(), G_train_loss.item())

    @torch.no_grad()
    def sample(count: int, wanted: Tensor) -> Tensor:
        return G.eval()(parts.sampled(count), onehot(wanted))

    return sample
