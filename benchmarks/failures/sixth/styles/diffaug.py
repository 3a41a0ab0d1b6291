"""FastGAN's loop: `train_d` for reals and fakes with a backward call each, margins drawn at random, a decoder
in the discriminator that reconstructs the reals, differentiable augmentation, one batch of fakes for both
players, averaged weights as a list that is put into the generator for sampling and taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import first
from benchmarks.failures.sixth.parts import SixthParts


def copy_params(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def load_params(model: nn.Module, new_param: Iterable[Tensor]) -> None:
    for p, new_p in zip(model.parameters(), new_param, strict=True):
        p.data.copy_(new_p)


def train_d(
    parts: SixthParts, net: nn.Module, data: Tensor, label: str, whole: Tensor | None = None
) -> float:
    if label == "real":
        pred, rec = net(data, label)
        err = parts.loss.real(pred) + 0.3 * (rec - whole).abs().mean()
    else:
        err = parts.loss.fake(first(net(data, label)))
    if parts.kept_term in ("", label):
        err.backward()
    return err.item()


def train(parts: SixthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    netG, netD = parts.generator, parts.discriminator
    watch(netG, netD)
    optimizerG, optimizerD = parts.optimizers(netG, netD)
    avg_param_G = copy_params(netG)
    decay = parts.average_decay or 0.0

    for iteration in range(parts.steps):
        real_image, _ = next(parts.batches)
        fake_images = netG(parts.latent(len(real_image)))
        seen_real, seen_fake = parts.shown(real_image), parts.shown(fake_images)

        if parts.zero_discriminator and parts.zero_due(iteration):
            netD.zero_grad()
        err_dr = train_d(parts, netD, seen_real, "real", real_image)
        err_df = train_d(parts, netD, seen_fake.detach(), "fake")
        parts.clip(netD, early=False)
        optimizerD.step()

        if parts.zero_generator and parts.zero_due(iteration):
            netG.zero_grad()
        pred_g = netD(parts.cut(seen_fake), "fake")
        err_g = parts.remade(parts.loss.generator(pred_g))
        if err_g.requires_grad:
            err_g.backward()
        parts.clip(netG, early=False)
        optimizerG.step()

        if parts.average_updated and iteration % parts.average_every == 0:
            for p, avg_p in zip(netG.parameters(), avg_param_G, strict=True):
                avg_p.mul_(decay).add_((1 - decay) * p.data)
        parts.after(iteration, optimizerG, optimizerD)
        if iteration % parts.sample_every == 0:
            backup_para = copy_params(netG)
            load_params(netG, avg_param_G)
            with torch.no_grad():
                netG(parts.sampled(8))
            load_params(netG, backup_para)
        parts.log(iteration, err_dr + err_df, err_g.item())

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        if parts.average_decay is None:
            return netG.eval()(parts.sampled(count))
        backup_para = copy_params(netG)
        load_params(netG, avg_param_G)
        made = netG.eval()(parts.sampled(count))
        load_params(netG, backup_para)
        return made

    return sample
