"""A course's notebook: cells with global names, `get_disc_loss` and `get_gen_loss`, `retain_graph=True` as
the exercise has it, running means that are printed now and then."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import FifthParts, first
from benchmarks.failures.losses import LabelLoss


def criterion_on(parts: FifthParts, pred: Tensor, wanted: float, term: str) -> Tensor:
    """criterion(pred, torch.ones_like(pred)), or the term of a loss without labels."""
    if isinstance(parts.loss, LabelLoss):
        targets = torch.full((len(pred),) if parts.flat_targets else pred.shape, wanted)
        return parts.loss.criterion(pred, targets)
    return {"real": parts.loss.real, "fake": parts.loss.fake}[term](pred)


def get_disc_loss(
    parts: FifthParts, gen: nn.Module, disc: nn.Module, real: Tensor, labels: Tensor, cur_step: int
) -> Tensor:
    fake = gen(parts.fake_latent(len(real)))
    kept = fake.detach() if parts.detach_for_discriminator else fake
    disc_fake_pred = first(disc(parts.shown(kept)))
    disc_real_pred = first(disc(parts.shown(kept if parts.fakes_as_reals else real)))
    if hasattr(parts.loss, "real"):
        zeros, ones = getattr(parts.loss, "fake_label", 0.0), getattr(parts.loss, "real_label", 1.0)
        disc_fake_loss = criterion_on(parts, disc_fake_pred, zeros, "fake")
        disc_real_loss = criterion_on(parts, disc_real_pred, ones, "real")
        disc_loss = parts.joined(disc_real_loss, disc_fake_loss) / 2
    else:
        disc_loss = parts.loss.discriminator(disc_real_pred, disc_fake_pred)
    if parts.extra_term is not None:
        disc_loss = disc_loss + parts.extra_term(disc_real_pred, labels)
    return parts.regularised(disc_loss, cur_step, lambda x: disc(parts.shown(x)), real, fake)


def get_gen_loss(parts: FifthParts, gen: nn.Module, disc: nn.Module, real: Tensor) -> Tensor:
    fake = parts.cut(gen(parts.latent(len(real))))
    disc_fake_pred = first(disc(parts.shown(real if parts.generator_judges_reals else fake)))
    if isinstance(parts.loss, LabelLoss):
        return parts.remade(criterion_on(parts, disc_fake_pred, parts.loss.generator_target, "real"))
    others = parts.others(lambda x: first(disc(parts.shown(x))), real)
    return parts.remade(parts.loss.generator(disc_fake_pred, others))


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    gen, disc = parts.generator, parts.discriminator
    gen_opt, disc_opt = parts.optimizers(gen, disc)
    watch(gen, disc)
    # A cell of an earlier lesson made `judge`; where it was not run again it is an older network.
    judge = copy.deepcopy(disc) if parts.stale_copy else disc
    mean_generator_loss = mean_discriminator_loss = 0.0
    last_d, display_step = 2.0, 200
    opened = 0
    for cur_step in range(parts.steps):
        if parts.discriminator_due(cur_step, last_d):
            for _ in range(parts.critic_steps):
                opened += 1
                real, labels = next(parts.batches)
                if parts.zero_discriminator and parts.zero_due(cur_step):
                    disc_opt.zero_grad()
                disc_loss = get_disc_loss(parts, gen, disc, real, labels, opened)
                disc_loss.backward(retain_graph=True)
                parts.clip(disc, early=False)
                if parts.zero_before_step:
                    disc_opt.zero_grad()
                if parts.clip_before_step:
                    parts.tidy(disc, gen)
                disc_opt.step()
                if parts.zero_after_step:
                    disc_opt.zero_grad()
                if not parts.clip_before_step:
                    parts.tidy(disc, gen)
                last_d = disc_loss.item()

        for _ in range(parts.generator_steps):
            if parts.zero_generator and parts.zero_due(cur_step):
                gen_opt.zero_grad()
            gen_loss = get_gen_loss(parts, gen, judge, next(parts.batches)[0])
            if gen_loss.requires_grad:
                gen_loss.backward()
            parts.clip(gen, early=False)
            if parts.zero_before_step:
                gen_opt.zero_grad()
            gen_opt.step()
            if parts.zero_after_step:
                gen_opt.zero_grad()

        mean_discriminator_loss += last_d / display_step
        mean_generator_loss += gen_loss.item() / display_step
        if cur_step % display_step == 0 and cur_step > 0:
            mean_generator_loss = mean_discriminator_loss = 0.0
        if cur_step % parts.sample_every == 0:
            with torch.no_grad():
                gen(parts.sampled(25))
        parts.after(cur_step, gen_opt, disc_opt)
        parts.log(cur_step, last_d, gen_loss.item())

    def show(num_images: int) -> Tensor:
        gen.eval()
        return gen(parts.sampled(num_images)).detach()

    return show
