"""A conditional table GAN: a condition vector beside latent and row, classes drawn evenly, and where the
class is a column of the row a cross entropy between that column and the condition; plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.fifth.parts import FifthParts
from benchmarks.failures.fifth.sources import CATEGORIES


class Condition:
    """Draws classes evenly, as the published sampler does after its logarithm of frequencies."""

    def __init__(self, labels: Tensor, classes: int) -> None:
        self.labels, self.classes = labels, classes

    def sample_condvec(self, count: int) -> Tensor:
        return torch.randint(0, self.classes, (count,))


def cond_loss(rows: Tensor, condition: Tensor) -> Tensor:
    """Cross entropy of the generated one-hot columns, which are probabilities already."""
    return functional.nll_loss((rows[:, -CATEGORIES:] + 1e-6).log(), condition)


def generator_terms(
    parts: FifthParts, netG: nn.Module, netD: nn.Module, conditions: Condition
) -> tuple[Tensor, Tensor]:
    wanted = conditions.sample_condvec(parts.batch_size)
    rows = netG(parts.latent(parts.batch_size), wanted)
    asked = wanted if parts.generator_labels is None else parts.generator_labels(wanted)
    adversarial = parts.adversarial_weight * parts.loss.generator(netD(parts.cut(rows), asked))
    if parts.source.name != "orders" or not parts.auxiliary_for_generator:
        return adversarial, torch.zeros(())
    return adversarial, parts.auxiliary_weight * cond_loss(rows, asked)


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int, Tensor], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    optimizerG, optimizerD = parts.optimizers(netG, netD)
    watch(netG, netD)
    conditions = Condition(parts.source.labels, parts.source.classes)
    history: list[tuple[float, float]] = []
    parts.terms = lambda: generator_terms(parts, netG, netD, conditions)

    for epoch in range(parts.steps):
        for _ in range(parts.critic_steps):
            real, c_real = next(parts.batches)
            if parts.label_stream is not None:
                c_real = parts.label_stream(c_real)
            wanted = conditions.sample_condvec(len(real))
            with torch.no_grad():
                fake = netG(parts.fake_latent(len(real)), wanted)
            told = wanted if parts.fake_label_stream is None else parts.fake_label_stream(wanted)
            y_fake, y_real = netD(fake, told), netD(real, c_real)
            loss_d = parts.discriminator_loss(y_real, y_fake, c_real)
            if parts.penalty is not None:
                judge = lambda x, c=c_real: netD(x, c)  # noqa: E731 - as short as in the script
                loss_d = loss_d + parts.penalty_weight * parts.penalty(judge, real, fake)
            if parts.zero_discriminator and parts.zero_due(epoch):
                optimizerD.zero_grad()
            loss_d.backward()
            parts.clip(netD, early=False)
            optimizerD.step()
            parts.tidy(netD, netG)

        adversarial, auxiliary = generator_terms(parts, netG, netD, conditions)
        loss_g = parts.remade(adversarial + auxiliary)
        if parts.zero_generator and parts.zero_due(epoch):
            optimizerG.zero_grad()
        loss_g.backward()
        parts.clip(netG, early=False)
        optimizerG.step()
        parts.after(epoch, optimizerG, optimizerD)
        history.append((float(loss_d.detach()), float(loss_g.detach())))
        if epoch % parts.sample_every == 0:
            with torch.no_grad():
                netG(parts.sampled(16), conditions.sample_condvec(16))
        parts.log(epoch, *history[-1])

    def sample(count: int, wanted: Tensor) -> Tensor:
        netG.eval()
        with torch.no_grad():
            return netG(parts.sampled(count), wanted)

    return sample
