"""The well-known rewriting of StyleGAN2 in PyTorch: `requires_grad` to and fro, the penalty at the reals as a
step of its own every few iterations, path lengths as another one, `accumulate` for the averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import first
from benchmarks.failures.sixth.networks import StyledGenerator
from benchmarks.failures.sixth.parts import SixthParts


def requires_grad(model: nn.Module, flag: bool) -> None:
    for p in model.parameters():
        p.requires_grad = flag


def accumulate(model1: nn.Module, model2: nn.Module, decay: float, *, buffers: bool) -> None:
    par1, par2 = dict(model1.named_parameters()), dict(model2.named_parameters())
    for k in par1:
        par1[k].data.mul_(decay).add_(par2[k].data, alpha=1 - decay)
    if buffers:
        for kept, now in zip(model1.buffers(), model2.buffers(), strict=True):
            kept.data.copy_(now.data)


def g_path_regularize(fake: Tensor, latents: Tensor, mean_path: Tensor) -> tuple[Tensor, Tensor]:
    noise = torch.randn_like(fake) / math.sqrt(max(1, math.prod(fake.shape[2:])))
    (grad,) = torch.autograd.grad((fake * noise).sum(), latents, create_graph=True)
    lengths = (grad.pow(2).sum(dim=1) + 1e-8).sqrt()
    path_mean = mean_path + 0.01 * (lengths.mean() - mean_path)
    return (lengths - path_mean).pow(2).mean(), path_mean.detach()


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    generator, discriminator = parts.generator, parts.discriminator
    g_optim, d_optim = parts.optimizers(generator, discriminator)
    watch(generator, discriminator)
    g_ema = copy.deepcopy(generator).eval().requires_grad_(False)
    accum = parts.average_decay
    mean_path = torch.zeros(())

    def judge(x: Tensor) -> Tensor:
        return first(discriminator(parts.shown(x)))

    for i in range(parts.steps):
        for _ in range(parts.critic_steps):
            real_img, labels = next(parts.batches)
            requires_grad(generator, False)
            if parts.toggle != "never-thawed":
                requires_grad(discriminator, True)
            source = g_ema if parts.fakes_from_average else generator
            fake_img = source(parts.fake_latent(len(real_img)))
            fake_pred, real_pred = judge(fake_img), judge(real_img)
            if parts.controller is not None:  # ada_augment.tune(real_pred)
                parts.controller(real_pred.detach())
            d_loss = parts.discriminator_loss(real_pred, fake_pred, labels)
            if parts.toggle == "never-thawed" and not d_loss.requires_grad:
                d_loss.requires_grad_(True)
            if parts.zero_discriminator and parts.zero_due(i):
                discriminator.zero_grad()
            d_loss.backward()
            parts.clip(discriminator, early=False)
            d_optim.step()

        d_regularize = i % parts.penalty_every == 0 and parts.toggle != "never-thawed"
        if parts.penalty is not None and d_regularize:
            penalty = parts.penalty(judge, real_img, fake_img)
            if parts.zero_discriminator and parts.zero_due(i):
                discriminator.zero_grad()
            (parts.penalty_weight * parts.penalty_every * penalty).backward()
            parts.clip(discriminator, early=False)
            d_optim.step()

        requires_grad(generator, parts.toggle != "generator")
        requires_grad(discriminator, parts.toggle == "generator")
        fake_img = parts.cut(generator(parts.latent(len(real_img))))
        fake_pred = judge(real_img if parts.generator_judges_reals else fake_img)
        g_loss = parts.remade(parts.loss.generator(fake_pred, parts.others(judge, real_img)))
        if parts.zero_generator and parts.zero_due(i):
            generator.zero_grad()
        if g_loss.requires_grad:
            g_loss.backward()
        parts.clip(generator, early=False)
        g_optim.step()

        if parts.path_weight and i % parts.path_every == 0 and isinstance(generator, StyledGenerator):
            made, latents = generator(parts.latent(len(real_img) // 2), return_latents=True)
            path_loss, mean_path = g_path_regularize(made, latents, mean_path)
            generator.zero_grad()
            (parts.path_weight * parts.path_every * path_loss).backward()
            g_optim.step()

        if accum is not None and parts.average_updated and i % parts.average_every == 0:
            accumulate(g_ema, generator, accum, buffers=parts.average_buffers)
            if parts.average_copied_back:
                generator.load_state_dict(g_ema.state_dict())
        parts.after(i, g_optim, d_optim)
        if i % parts.sample_every == 0:
            with torch.no_grad():
                g_ema(parts.sampled(16))
        parts.log(i, d_loss.item(), g_loss.item())
    requires_grad(generator, True)
    requires_grad(discriminator, True)

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        network = generator.eval() if parts.average_decay is None else g_ema
        return network(parts.sampled(count))

    return sample
