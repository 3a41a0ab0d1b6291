"""Relativistic losses: both scores in either player's loss, reals scored again in the generator's step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.parts import Parts


def train(parts: Parts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    G, C = parts.generator, parts.discriminator
    monitor = watch(G, C)  # noqa: F841
    opt_G, opt_C = parts.optimizers(G, C)

    for k in range(parts.steps):
        x_r, _ = next(parts.batches)
        x_f = G(parts.latent(len(x_r)))

        if parts.zero_discriminator:
            opt_C.zero_grad(set_to_none=True)
        c_r, c_f = C(x_r), C(x_f.detach())
        loss_C = parts.loss.discriminator(c_r, c_f)
        if parts.penalty is not None and k % parts.penalty_every == parts.penalty_every - 1:
            loss_C = loss_C + parts.penalty_weight * parts.penalty(C, x_r, x_f)
        loss_C.backward()
        opt_C.step()

        if parts.zero_generator:
            opt_G.zero_grad(set_to_none=True)
        c_f = C(x_f.detach() if parts.detach_for_generator else x_f)
        with torch.no_grad():
            c_r = C(x_r)
        loss_G = parts.loss.generator(c_f, c_r)
        loss_G.backward()
        opt_G.step()

        if parts.schedule is not None:
            parts.schedule(k, opt_G, opt_C)
        parts.log(k, loss_C.item(), loss_G.item())

    def sample(count: int) -> Tensor:
        G.eval()
        with torch.no_grad():
            return G(parts.latent(count))

    return sample
