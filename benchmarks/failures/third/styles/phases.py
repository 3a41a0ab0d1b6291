"""StyleGAN2's loop: a list of phases with intervals, each with its own optimizer settings and gain; mapping
and synthesis, softplus losses, lazy R1, an averaged generator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.third.parts import ThirdParts


@dataclass
class Phase:
    name: str
    module: nn.Module
    opt: torch.optim.Optimizer
    interval: int


class Loss:
    def __init__(self, parts: ThirdParts) -> None:
        self.parts, self.G, self.D = parts, parts.generator, parts.discriminator
        self.G_ema: nn.Module | None = None

    def generate(self, z: Tensor) -> Tensor:
        return self.G(z)

    def judge(self, img: Tensor) -> Tensor:
        return self.D(img if self.parts.augment is None else self.parts.augment(img))

    def accumulate_gradients(self, phase: str, real: Tensor, gen_z: Tensor, gain: int) -> float:
        p = self.parts
        if phase == "Gmain":
            made = self.generate(gen_z)
            loss = p.loss.generator(self.judge(made.detach() if p.detach_for_generator else made))
            if loss.requires_grad:
                loss.backward()
            return float(loss.detach())
        if phase == "Dmain":
            source = self.G_ema if p.fakes_from_average and self.G_ema is not None else self.G
            with torch.no_grad():
                made = source(gen_z)
            loss = p.joined(p.loss.real(self.judge(real)), p.loss.fake(self.judge(made)))
            loss.backward()
            return float(loss.detach())
        with torch.no_grad():
            made = self.generate(gen_z)
        loss = p.penalty_weight * p.penalty(self.judge, real, made)
        (loss * gain).backward()
        return float(loss.detach())


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G, D = parts.generator, parts.discriminator
    watch(G, D)
    g_opt, d_opt = parts.optimizers(G, D)
    if parts.style_rate != 1.0:
        slow = {id(p) for p in G.mapping.parameters()}
        group = g_opt.param_groups[0]
        mapping = [p for p in group["params"] if id(p) in slow]
        group["params"] = [p for p in group["params"] if id(p) not in slow]
        g_opt.add_param_group({"params": mapping, "lr": group["lr"] * parts.style_rate})
    phases = [Phase("Gmain", G, g_opt, 1), Phase("Dmain", D, d_opt, 1)]
    if parts.penalty is not None:
        phases.append(Phase("Dreg", D, d_opt, parts.penalty_every))
    loss = Loss(parts)
    G_ema = copy.deepcopy(G).eval().requires_grad_(False)
    loss.G_ema = G_ema
    told = {"Gmain": 0.0, "Dmain": 0.0}
    G.requires_grad_(False)
    D.requires_grad_(False)

    for batch_idx in range(parts.steps):
        real, _ = next(parts.batches)
        all_z = [parts.latent(len(real)) for _ in phases]
        for phase, z in zip(phases, all_z, strict=True):
            if batch_idx % phase.interval:
                continue
            if parts.zero_discriminator if phase.module is D else parts.zero_generator:
                phase.opt.zero_grad(set_to_none=True)
            phase.module.requires_grad_(True)
            told[phase.name] = loss.accumulate_gradients(phase.name, real, z, phase.interval)
            phase.module.requires_grad_(False)
            if parts.clip_gradients is not None:
                parts.clip_gradients(phase.module.parameters())
            phase.opt.step()

        with torch.no_grad():
            for p_ema, p in zip(G_ema.parameters(), G.parameters(), strict=True):
                if parts.average_updated:
                    p_ema.copy_(p.lerp(p_ema, parts.average_decay or 0.0))
                if parts.average_copied_back:
                    p.copy_(p_ema)
        if parts.schedule is not None:
            parts.schedule(batch_idx, g_opt, d_opt)
        if batch_idx % parts.sample_every == 0:
            with torch.no_grad():
                G_ema((parts.sample_latent or parts.latent)(16))
        parts.log(batch_idx, told["Dmain"], told["Gmain"])
    G.requires_grad_(True)
    D.requires_grad_(True)

    @torch.no_grad()
    def sample(count: int) -> Tensor:
        return G_ema((parts.sample_latent or parts.latent)(count))

    return sample
